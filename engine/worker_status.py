"""What the wait status of a child says about its end. Knows nothing of R's insides."""

from __future__ import annotations

import os
import signal

from engine.errors import CpuLimit, EndedByCall, EngineError, FileLimit, WorkerDied
from engine.limits import Limits

QUIT_STATUS = 86
"""Exit status of a child in which R code called q(): any other death is a crash."""

REASONS = {
    signal.SIGSEGV: "compiled code crashed (segmentation fault)",
    signal.SIGBUS: "compiled code crashed (bus error)",
    signal.SIGABRT: "compiled code gave up (abort)",
    signal.SIGFPE: "compiled code crashed (arithmetic error)",
    signal.SIGILL: "compiled code crashed (illegal instruction)",
    signal.SIGKILL: "it was killed, most likely because the machine ran out of memory",
}


LIMITS = {signal.SIGXCPU: CpuLimit, signal.SIGXFSZ: FileLimit}
"""How the kernel ends a process that reached a limit."""


def death(status: int, limits: Limits) -> EngineError:
    """Returns why a child with this wait status, held to these limits, ended without an answer."""
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in LIMITS:
        return limits.reached(LIMITS[signal.Signals(os.WTERMSIG(status))])
    kind = EndedByCall if _ended_by_call(status) else WorkerDied
    return kind(death_reason(status))


def death_reason(status: int) -> str:
    """Returns in plain words why a process with this wait status ended."""
    if os.WIFSIGNALED(status):
        number = signal.Signals(os.WTERMSIG(status))
        return REASONS.get(number, f"it was ended by signal {number.name}")
    code = os.WEXITSTATUS(status)
    if code == QUIT_STATUS:
        return "the code called q() or quit(), which ends R"
    return f"the process ended by itself (status {code})"


def _ended_by_call(status: int) -> bool:
    return os.WIFEXITED(status) and os.WEXITSTATUS(status) == QUIT_STATUS
