"""Exit statuses, and what a command that failed says."""

import os
from enum import IntEnum

from rich.text import Text

from cache.errors import CacheError
from engine.errors import EngineError, EngineUnavailable, InstallRefused
from jobs.errors import ArgumentInvalid, JobError, JobNotFound, ProjectInvalid
from jobs.key_errors import KeyNotFound
from larder.console import err, note, print_problems
from larder.errors import (
    EngineNotStarted,
    LarderError,
    Misused,
    NotInstalled,
    SettingsInvalid,
)
from scheduler.errors import SchedulerError

OUR_ERRORS = (LarderError, SchedulerError, JobError, CacheError, EngineError)


class Exit(IntEnum):
    """The statuses that a command ends with."""

    OK = 0
    """Done, and nothing was found wrong."""
    FAILED = 1
    """Problems were found, or it could not be done."""
    USAGE = 2
    """The command line says something that is not understood."""
    NO_ENGINE = 3
    """The server, or its R engine, does not answer or did not start."""
    INTERRUPTED = 130
    """Ctrl-C."""


EXIT_STATUSES = (
    "Exit status: 0 done · 1 problems found, or failed · 2 wrong usage (options, an unknown job, "
    "wrong arguments) · 3 the server or its R engine does not answer · 130 interrupted by Ctrl-C."
)

_STATUSES: tuple[tuple[type[Exception], Exit], ...] = (
    (Misused, Exit.USAGE),
    (JobNotFound, Exit.USAGE),
    (ArgumentInvalid, Exit.USAGE),
    (KeyNotFound, Exit.USAGE),
    (NotInstalled, Exit.USAGE),
    (InstallRefused, Exit.USAGE),
    (EngineUnavailable, Exit.NO_ENGINE),
    (EngineNotStarted, Exit.NO_ENGINE),
)


def report(error: Exception) -> Exit:
    """Says on stderr what went wrong, in one line each; returns the status to end with."""
    if isinstance(error, ProjectInvalid | SettingsInvalid):
        print_problems(error.problems, err)
    else:
        note(Text("larder: ", style="bold red").append(str(error), style="not bold default"))
    return next((exit_ for kind, exit_ in _STATUSES if isinstance(error, kind)), Exit.FAILED)


def is_debugging() -> bool:
    """Whether LARDER_DEBUG asks for tracebacks."""
    return os.environ.get("LARDER_DEBUG", "") not in {"", "0"}
