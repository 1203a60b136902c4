"""Who a child is: a user or a user namespace of its own, and no capabilities.

Borrowed from capabilities(7) and user_namespaces(7). For use after fork, in one thread.
"""

from __future__ import annotations

import ctypes
import os
import struct
from pathlib import Path

FIRST_USER = 2_000_000_000
"""Users of children are numbered from here, by process id: so no two live children share one."""
CLONE_NEWUSER = 0x10000000
CAP_CHOWN, CAP_DAC_READ_SEARCH, CAP_KILL = 0, 2, 5
CAP_SETGID, CAP_SETUID, CAP_SETPCAP = 6, 7, 8
NEEDED = (CAP_CHOWN, CAP_DAC_READ_SEARCH, CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_SETPCAP)
"""Of a server that gives each child a user: for its folders, its end, and the change itself."""

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECUREBITS = 1, 4, 28
PR_CAPBSET_DROP, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 24, 47, 2
ROOT_IS_NOBODY, KEEP_WITH_USER = 0b0011, 0b1100
"""Secure bits, locked: user 0 has no capabilities by itself; those there are stay with a change of
user, and access() counts them: R asks it before it opens a file."""
CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def is_root() -> bool:
    """Whether this process is the machine's root; that of a container may be a plain user."""
    mapped = Path("/proc/self/uid_map").read_text(encoding="ascii").split()
    return os.geteuid() == 0 and mapped[:2] == ["0", "0"]


def user_of(pid: int) -> int:
    """Returns the user, and group, of the child with this process id."""
    return FIRST_USER + pid


def most_users() -> int:
    """Returns how many users there are from `FIRST_USER` on; containers may have none of them."""
    return min(_mapped("uid_map"), _mapped("gid_map"))


def most_processes() -> int:
    """Returns the largest process id there can be."""
    return int(Path("/proc/sys/kernel/pid_max").read_text(encoding="ascii"))


def has_capabilities(*wanted: int) -> bool:
    """Whether this process has these capabilities."""
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    held = next((int(line.split()[1], 16) for line in lines if line.startswith("CapEff:")), 0)
    return all(held >> capability & 1 for capability in wanted)


def become_user(user: int) -> None:
    """Becomes a user, and a group, of that number; keeps the right to read and nothing else.

    The project and the state folder are often readable for root alone, so the child keeps reading
    with root's eyes: what it may read is Landlock's to say. It owns nothing of root's, so it can
    neither change nor signal anything outside.

    Raises:
        OSError: this process is not allowed to.
    """
    limit_capabilities(CAP_DAC_READ_SEARCH)
    _prctl(PR_SET_SECUREBITS, ROOT_IS_NOBODY | KEEP_WITH_USER)
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    keep_capabilities(CAP_DAC_READ_SEARCH)
    # Programs that it starts shall read what it reads.
    _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_READ_SEARCH)
    _prctl(PR_SET_DUMPABLE, 1)  # else its own /proc/self would be root's


def enter_user_namespace() -> None:
    """Becomes the same user in a user namespace of its own, where its processes are counted apart.

    Raises:
        OSError: the kernel does not grant one.
    """
    user, group = os.geteuid(), os.getegid()
    _prctl(PR_SET_DUMPABLE, 1)
    if _libc.unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "user namespace")
    for name, text in (
        ("setgroups", "deny"),
        ("gid_map", f"{group} {group} 1"),
        ("uid_map", f"{user} {user} 1"),
    ):
        descriptor = os.open(f"/proc/self/{name}", os.O_WRONLY)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)


def keep_capabilities(*kept: int) -> None:
    """Gives up all other capabilities, for good.

    Raises:
        OSError: they were not held.
    """
    bits = sum(1 << capability for capability in kept)
    low, high = bits & 0xFFFFFFFF, bits >> 32
    header = struct.pack("=Ii", CAPABILITY_VERSION_3, 0)
    sets = struct.pack("=6I", low, low, low, high, high, high)
    if _libc.capset(header, sets):
        raise OSError(ctypes.get_errno(), "capset")


def limit_capabilities(*kept: int) -> None:
    """Has no program that is started from here on gain others than these."""
    capability = 0
    while capability in kept or not _libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0):
        capability += 1  # until the kernel knows no more of them


def end_with_parent(signal: int) -> None:
    """Has the kernel send this signal when the parent ends; forgotten when the user changes."""
    _prctl(PR_SET_PDEATHSIG, signal)


def _prctl(*arguments: int) -> None:
    if _libc.prctl(*(ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0)[:5])):
        raise OSError(ctypes.get_errno(), f"prctl {arguments[0]}")


def _mapped(name: str) -> int:
    """How many ids there are, without a gap, from `FIRST_USER` on."""
    for line in Path(f"/proc/self/{name}").read_text(encoding="ascii").splitlines():
        first, _, count = map(int, line.split())
        if first <= FIRST_USER < first + count:
            return first + count - FIRST_USER
    return 0
