"""The system calls that R code, and all it starts, may not make.

Nothing here is needed by R, Rscript, pandoc, LaTeX or a compiler. What the kernel would refuse
anyway is listed too where it has let people through before.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from engine.seccomp import Condition, Rule, at_least, equal, has_bits, unequal

OTHER_PROCESSES = (
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease"),
    *("pidfd_getfd", "kcmp", "move_pages", "migrate_pages"),
)
OUT_OF_ITS_GROUP = ("setsid", "setpgid")
"""A call is ended by ending its process group, so nothing may leave that."""
PLACES = (
    *("mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsmount"),
    *("fsconfig", "fspick", "mount_setattr", "unshare", "setns", "swapon", "swapoff", "quotactl"),
    *("quotactl_fd", "acct", "open_by_handle_at", "name_to_handle_at"),
    *("mknod", "mknodat"),
)
SPIES = (
    *("inotify_init", "inotify_init1", "inotify_add_watch", "fanotify_init", "fanotify_mark"),
    *("perf_event_open", "lookup_dcookie", "syslog"),
)
"""inotify tells the names of new files, which here are session keys; Landlock lets it."""
SHARED_MEMORY = (
    *("shmget", "shmat", "shmctl", "msgget", "msgsnd", "msgrcv", "semget", "semop", "semtimedop"),
    *("mq_open", "mq_unlink", "memfd_create", "memfd_secret"),
)
"""Memory that outlives the call, or that no limit of it counts."""
KERNEL = (
    *("bpf", "userfaultfd", "keyctl", "add_key", "request_key", "personality", "modify_ldt"),
    *("io_uring_setup", "io_uring_enter", "io_uring_register", "vhangup", "iopl", "ioperm"),
    *("kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot"),
    *("settimeofday", "clock_settime", "adjtimex", "clock_adjtime", "sethostname"),
    *("setdomainname",),
)
SIGNALS = ("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal")
MODES_AND_TIMES = (*("chmod", "fchmod", "fchmodat", "utime", "utimes", "futimesat", "utimensat"),)
OWNERS = ("chown", "fchown", "lchown", "fchownat")
ATTRIBUTES = (
    *("setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr"),
)

CLONE_NEW = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)
"""The namespaces of clone(): mount, cgroup, uts, ipc, user, pid, net."""
NEWEST = 450
"""System calls have the same number everywhere since 424. Those behind set_mempolicy_home_node
(Linux 5.17) are younger than these rules: to R code they do not exist."""

INTERNET = (socket.AF_INET, socket.AF_INET6)
FAMILIES = 64
PR_SET_PDEATHSIG = 1
F_SETSIG, F_SETOWN_EX, F_NOTIFY = 10, 15, 1026
FIOSETOWN, SIOCSPGRP = 0x8901, 0x8902
IOPRIO_WHO_PROCESS = 1


@dataclass(frozen=True)
class Situation:
    """What decides which calls have to be refused.

    Attributes:
        network: Whether this call may reach others over the internet's protocols.
        own_user: Whether the child is a user of its own, who owns nothing outside its folders.
        scoped_signals: Whether Landlock keeps it from sending signals to others.
        guarded_truncate: Whether Landlock counts truncate() as writing.
    """

    network: bool
    own_user: bool
    scoped_signals: bool
    guarded_truncate: bool


def rules(situation: Situation) -> Iterator[Rule]:
    """Yields what is refused in this situation."""
    groups = (OTHER_PROCESSES, OUT_OF_ITS_GROUP, PLACES, SPIES, SHARED_MEMORY, KERNEL)
    yield from (Rule(name) for group in groups for name in group)
    yield from _namespaces()
    yield from _limits_of_others()
    yield from _network() if situation.network else [Rule("socket", errno.EACCES)]
    # To empty a file takes no more than the right to read it, before Landlock knew better.
    emptied = os.O_TRUNC | os.O_RDONLY
    yield Rule("open", errno.EACCES, (has_bits(1, emptied, os.O_TRUNC | os.O_ACCMODE),))
    yield Rule("openat", errno.EACCES, (has_bits(2, emptied, os.O_TRUNC | os.O_ACCMODE),))
    yield Rule("openat2", errno.ENOSYS)
    if situation.own_user:
        return
    # The owner of a file may change these wherever the file is: Landlock does not mind. Programs
    # that copy files fail if they cannot, so they are told that they did.
    yield from (Rule(name, 0) for name in MODES_AND_TIMES)
    yield from (Rule(name) for name in OWNERS)
    yield from (Rule(name, errno.EOPNOTSUPP) for name in ATTRIBUTES)
    if not situation.scoped_signals:
        yield from (Rule(name, errno.EPERM, (unequal(0, 0),)) for name in SIGNALS)
    if not situation.guarded_truncate:
        yield Rule("truncate", errno.EACCES)


def _namespaces() -> Iterator[Rule]:
    yield Rule("clone3", errno.ENOSYS)  # its flags lie in memory: libraries fall back to clone
    for flag in CLONE_NEW:
        yield Rule("clone", errno.EPERM, (has_bits(0, flag),))


def _limits_of_others() -> Iterator[Rule]:
    """The calls by which a user may slow down or end the user's other processes."""
    for name in ("prlimit64", "sched_setaffinity", "sched_setparam", "sched_setscheduler"):
        yield Rule(name, errno.EPERM, (unequal(0, 0),))
    yield Rule("sched_setattr", errno.EPERM, (unequal(0, 0),))
    for name, itself in (("setpriority", os.PRIO_PROCESS), ("ioprio_set", IOPRIO_WHO_PROCESS)):
        yield Rule(name, errno.EPERM, (unequal(0, itself),))
        yield Rule(name, errno.EPERM, (unequal(1, 0),))
    # A child may be forked again for the next call of a chain: the kernel forgets it then.
    outlive = (equal(0, PR_SET_PDEATHSIG), unequal(1, signal.SIGKILL))
    yield Rule("prctl", errno.EPERM, outlive)
    for command in (fcntl.F_SETOWN, F_SETSIG, F_SETOWN_EX, fcntl.F_SETLEASE, F_NOTIFY):
        yield Rule("fcntl", errno.EPERM, (equal(1, command),))
    for command in (FIOSETOWN, SIOCSPGRP):
        yield Rule("ioctl", errno.EPERM, (equal(1, command),))


def _network() -> Iterator[Rule]:
    """The internet's protocols, and the kernel's list of addresses that resolvers ask for."""
    for family in range(FAMILIES):
        if family not in (*INTERNET, socket.AF_NETLINK):
            yield Rule("socket", errno.EACCES, (equal(0, family),))
    yield Rule("socket", errno.EACCES, (at_least(0, FAMILIES),))
    routes: tuple[Condition, ...] = (equal(0, socket.AF_NETLINK), unequal(2, 0))
    yield Rule("socket", errno.EACCES, routes)
