"""Landlock: the folders and files that a process, and all it starts, may still touch.

The kernel's own interface (Documentation/userspace-api/landlock.rst), by its three system calls.
Rules only ever narrow what the process may do, and need no rights; a kernel without it says so.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
import struct
from collections.abc import Iterable

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same on all architectures
RULE_PATH_BENEATH = 1
VERSION_FLAG = 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
MAKE_CHAR, MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK = 1 << 6, 1 << 9, 1 << 10, 1 << 11
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
BASIC = (1 << 13) - 1
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
READ = EXECUTE | READ_FILE | READ_DIR
DEVICE = WRITE_FILE | READ_FILE | TRUNCATE
SPECIAL = MAKE_CHAR | MAKE_SOCK | MAKE_FIFO | MAKE_BLOCK | IOCTL_DEV
"""Nobody may make these: the server reads what a call leaves, and a pipe would hold it up."""
NET_BIND_TCP, NET_CONNECT_TCP = 1, 2
SCOPE_ABSTRACT_UNIX, SCOPE_SIGNAL = 1, 2

SCOPES_SIGNALS, SCOPES_TRUNCATE = 6, 3
"""The versions from which a process can only signal its like, and truncating counts as writing."""

_libc = ctypes.CDLL(None, use_errno=True)


def abi() -> int:
    """Returns the version of Landlock that the kernel has; 0 is none."""
    found = _libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), VERSION_FLAG)
    return max(0, int(found))


def open_folder(path: str) -> int:
    """Returns a descriptor of this folder that rules can name, and nothing can be read from.

    Raises:
        OSError: there is no such folder.
    """
    return os.open(path, os.O_PATH | os.O_CLOEXEC | os.O_DIRECTORY)


class Ruleset:
    """The rules that a process is going to confine itself to; nothing holds before `enforce`.

    Args:
        version: of Landlock, as the kernel has it.
        network: whether TCP stays allowed.

    Raises:
        OSError: the kernel refuses.
    """

    def __init__(self, version: int, *, network: bool) -> None:
        self._handled = _handled(version)
        net = 0 if network or version < 4 else NET_BIND_TCP | NET_CONNECT_TCP
        scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL if version >= SCOPES_SIGNALS else 0
        known = 24 if version >= SCOPES_SIGNALS else 16 if version >= 4 else 8
        attributes = struct.pack("=QQQ", self._handled, net, scoped)[:known]
        self._ruleset = _call(CREATE_RULESET, attributes, ctypes.c_size_t(known), 0)

    def read(self, paths: Iterable[str]) -> None:
        """Allows to read and run everything below these paths; what is not there is passed over."""
        self._allow(paths, READ)

    def read_folders(self, descriptors: Iterable[int]) -> None:
        """Allows the same below folders that are open."""
        for descriptor in descriptors:
            self._add(descriptor, READ)

    def write(self, paths: Iterable[str]) -> None:
        """Allows everything below these folders, but for special files."""
        self._allow(paths, self._handled & ~SPECIAL)

    def devices(self, paths: Iterable[str]) -> None:
        """Allows to read from these devices and to write to them."""
        self._allow(paths, DEVICE & self._handled)

    def enforce(self) -> None:
        """Confines this process for good. It must have set no-new-privileges.

        Raises:
            OSError: the kernel refuses.
        """
        _call(RESTRICT_SELF, self._ruleset, 0)
        os.close(self._ruleset)

    def _allow(self, paths: Iterable[str], access: int) -> None:
        for path in paths:
            with contextlib.suppress(FileNotFoundError, PermissionError, NotADirectoryError):
                descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
                try:
                    is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
                    self._add(descriptor, access if is_folder else access & OF_FILES)
                finally:
                    os.close(descriptor)

    def _add(self, descriptor: int, access: int) -> None:
        rule = struct.pack("=Qi", access, descriptor)
        _call(ADD_RULE, self._ruleset, RULE_PATH_BENEATH, rule, 0)


def _handled(version: int) -> int:
    handled = BASIC
    if version >= 2:
        handled |= REFER
    if version >= SCOPES_TRUNCATE:
        handled |= TRUNCATE
    if version >= 5:
        handled |= IOCTL_DEV
    return handled


def _call(number: int, *arguments: object) -> int:
    result = int(_libc.syscall(number, *arguments))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), "landlock")
    return result
