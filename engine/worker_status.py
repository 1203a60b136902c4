"""What the wait status of a child says about its end. Knows nothing of R's insides."""

from __future__ import annotations

import os
import signal

QUIT_STATUS = 86
"""Exit status of a child in which R code called q(): any other death is a crash."""

REASONS = {
    signal.SIGSEGV: "compiled code crashed (segmentation fault)",
    signal.SIGBUS: "compiled code crashed (bus error)",
    signal.SIGABRT: "compiled code gave up (abort)",
    signal.SIGFPE: "compiled code crashed (arithmetic error)",
    signal.SIGILL: "compiled code crashed (illegal instruction)",
    signal.SIGKILL: "it was killed, most likely because the machine ran out of memory",
    signal.SIGXCPU: "it used up its processor time",
    signal.SIGXFSZ: "it wrote a file larger than allowed",
}


def death_reason(status: int) -> str:
    """Returns in plain words why a process with this wait status ended."""
    if os.WIFSIGNALED(status):
        number = signal.Signals(os.WTERMSIG(status))
        return REASONS.get(number, f"it was ended by signal {number.name}")
    code = os.WEXITSTATUS(status)
    if code == QUIT_STATUS:
        return "the code called q() or quit(), which ends R"
    return f"the process ended by itself (status {code})"


def ended_by_call(status: int) -> bool:
    """Whether the code that ran there meant to end it, or used up what it may use."""
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGXFSZ)
    return os.WEXITSTATUS(status) == QUIT_STATUS
