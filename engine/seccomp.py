"""seccomp: system calls that a process, and all it starts, may no longer make.

A program is compiled once, by libseccomp, for this machine's architecture; a child only loads it.
Calls of another architecture than the machine's own end the process.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass

ALLOW, REFUSE = 0x7FFF0000, 0x00050000
LOAD_NUMBER, UNLESS_AT_LEAST, ANSWER = 0x20, 0x35, 0x06
"""Of the kernel's packet filters (Documentation/networking/filter.rst)."""
OPTIMIZE, BINARY_TREE = 8, 2
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
UNEQUAL, AT_LEAST, MASKED_EQUAL = 1, 5, 7
LOW_HALF = 0xFFFFFFFF

_libc = ctypes.CDLL(None, use_errno=True)


class Condition(ctypes.Structure):
    """What an argument of a call has to be for the rule to hold."""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("comparison", ctypes.c_int),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    )


def equal(argument: int, value: int) -> Condition:
    """The argument is this value, by its lower half: the kernel looks no further either."""
    return Condition(argument, MASKED_EQUAL, LOW_HALF, value)


def unequal(argument: int, value: int) -> Condition:
    """The argument is another value."""
    return Condition(argument, UNEQUAL, value, 0)


def at_least(argument: int, value: int) -> Condition:
    """The argument is this value or larger."""
    return Condition(argument, AT_LEAST, value, 0)


def has_bits(argument: int, bits: int, among: int | None = None) -> Condition:
    """Of the bits `among`, the argument has these and no others; by default, these."""
    return Condition(argument, MASKED_EQUAL, bits if among is None else among, bits)


@dataclass(frozen=True)
class Rule:
    """A call, by name or number, that fails with `error` where all conditions hold; 0 pretends."""

    call: str | int
    error: int = errno.EPERM
    conditions: tuple[Condition, ...] = ()


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def available() -> bool:
    """Whether libseccomp is installed."""
    try:
        _library()
    except OSError:
        return False
    return True


def compile_filter(rules: Iterable[Rule], *, newest: int) -> bytes:
    """Returns the program that refuses what the rules say and allows everything else.

    Args:
        rules: what is refused.
        newest: the number of the last call that there is; those behind it do not exist.

    Raises:
        OSError: libseccomp is not installed, or cannot make it.
    """
    library = _library()
    context = library.seccomp_init(ALLOW)
    try:
        library.seccomp_attr_set(context, OPTIMIZE, BINARY_TREE)  # older ones know no trees
        for rule in rules:
            _add(library, context, rule)
        descriptor = os.memfd_create("filter")
        try:
            if library.seccomp_export_bpf(context, descriptor):
                raise OSError(errno.EINVAL, "libseccomp cannot write the filter")
            return _ending_with(newest) + os.pread(descriptor, 1 << 20, 0)
        finally:
            os.close(descriptor)
    finally:
        library.seccomp_release(context)


def gain_no_privileges() -> None:
    """Has no program that this process starts run with other rights than it has."""
    if _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs")


def load(program: bytes) -> None:
    """Puts the filter before every system call of this process, for good.

    Raises:
        OSError: the kernel refuses.
    """
    buffer = ctypes.create_string_buffer(program, len(program))
    found = _Program(len(program) // 8, ctypes.addressof(buffer))
    if _libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(found), 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")


def _ending_with(newest: int) -> bytes:
    """The steps that go before a program: libseccomp has no rule for all calls behind one."""
    steps = (
        (LOAD_NUMBER, 0, 0, 0),
        (UNLESS_AT_LEAST, 0, 1, newest + 1),
        (ANSWER, 0, 0, REFUSE | errno.ENOSYS),
    )
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = (ctypes.c_uint32,)
    library.seccomp_attr_set.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32)
    library.seccomp_rule_add_array.argtypes = (
        *(ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint),
        ctypes.POINTER(Condition),
    )
    library.seccomp_export_bpf.argtypes = (ctypes.c_void_p, ctypes.c_int)
    library.seccomp_release.argtypes = (ctypes.c_void_p,)
    return library


def _add(library: ctypes.CDLL, context: int, rule: Rule) -> None:
    number = rule.call
    if isinstance(number, str):
        number = library.seccomp_syscall_resolve_name(number.encode())
        if number < 0:
            return  # this architecture, or this libseccomp, has no such call
    conditions = (Condition * len(rule.conditions))(*rule.conditions)
    failed = library.seccomp_rule_add_array(
        context, REFUSE | rule.error, number, len(conditions), conditions
    )
    if failed:
        raise OSError(-failed, os.strerror(-failed), f"seccomp rule for {rule.call}")
