"""Starting a child process that never outlives this one."""

import ctypes
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from functools import partial

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""Signals that ask a server to stop."""

_libc = ctypes.CDLL(None, use_errno=True)


def start(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
    stderr: int | None = None,
) -> subprocess.Popen[bytes]:
    """A child in a process group of its own, killed by the kernel when this process dies.

    Its own group keeps a terminal's Ctrl-C from it: when to stop is for this process to say.
    """
    # A signal that came between fork and exec would be taken by our handler, and lost.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, (*STOPPING, signal.SIGCHLD))
    try:
        return subprocess.Popen(
            list(command),
            env=dict(environment) if environment is not None else None,
            stdin=subprocess.DEVNULL,
            stderr=stderr,
            pass_fds=tuple(pass_fds),
            process_group=0,
            preexec_fn=partial(_prepare, os.getpid()),  # noqa: PLW1509 - callers have one thread
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _prepare(parent: int) -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the kernel knew what to do then
        os._exit(1)
    for number in (*STOPPING, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def adopt_orphans() -> None:
    """Makes this process the parent of all its descendants that lose theirs."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def ended_how(status: int) -> str:
    """A child's return code in words."""
    if status >= 0:
        return f"ended with status {status}"
    return f"was ended by {signal.Signals(-status).name}"
