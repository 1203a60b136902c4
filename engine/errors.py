"""What can go wrong when R is asked to run something.

EngineError
├── EngineUnavailable     the broker does not answer
├── EngineBusy            too many calls are waiting
├── TemplateFailed        the project's models could not be loaded
│   └── WallsMissing      this machine does not give the walls that are required
├── EvaluationTimeout     the wall clock limit was reached
├── CallCancelled         somebody ended it while it waited or ran
├── WorkerDied            R ended in the middle of the call
│   └── EndedByCall       its own code ended it: q(), or a limit it ran into
├── CallRefused           the call could not be made: bad arguments, unknown thing
│   ├── FunctionNotFound  the package has no such function
│   └── PackageNotFound   no such package is installed
├── RError                R raised an error outside a session (rendering, rows)
├── InstallFailed         a package or gist could not be installed
│   ├── InstallRefused    the name, ref or address asked for cannot be right
│   ├── OriginNotFound    there is no such repository, package or gist
│   └── InstallTimeout    the time limit of the installation was reached
├── InstallBusy           too many installations are waiting
└── RowCountMismatch      a rows function answered a different number of rows
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class EngineError(Exception):
    """R could not do what it was asked."""


class EngineUnavailable(EngineError):
    """The engine's broker cannot be reached."""

    def __init__(self, socket: Path, reason: str) -> None:
        super().__init__(f"the R engine does not answer ({reason}); is `larder serve` running?")
        self.socket = socket


class EngineBusy(EngineError):
    """More calls wait than the engine is willing to queue."""

    def __init__(self, waiting: int) -> None:
        super().__init__(f"the R engine is busy: {waiting} calls are waiting; try again soon")
        self.waiting = waiting


class TemplateFailed(EngineError):
    """The forking parent could not start, usually because of an error in models/*.R."""


class WallsMissing(TemplateFailed):
    """This machine does not give all the walls, and engine.walls requires them."""

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__("walls are missing that engine.walls requires: " + "; ".join(missing))
        self.missing = tuple(missing)


class EvaluationTimeout(EngineError):
    """The call ran longer than its wall clock limit and was killed."""

    def __init__(self, limit_s: float) -> None:
        super().__init__(
            f"the call was stopped after {limit_s:g} seconds, its time limit "
            "(`timeout` of the job, or engine.timeout_post in larder.yaml)"
        )
        self.limit_s = limit_s


class CallCancelled(EngineError):
    """The call was ended while it waited or ran, because somebody wanted that."""

    def __init__(self) -> None:
        super().__init__("the call was cancelled")


class WorkerDied(EngineError):
    """R ended in the middle of the call: q(), a crash in compiled code, no memory left."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"R stopped in the middle of the call: {reason}")
        self.reason = reason


class EndedByCall(WorkerDied):
    """The call's own code ended R: it called q(), or ran into a limit that the kernel enforces."""


class CallRefused(EngineError):
    """The call could not be made; `text` is the whole message, `kind` what it was about."""

    def __init__(self, text: str, kind: str) -> None:
        super().__init__(text)
        self.text = text
        self.kind = kind


class FunctionNotFound(CallRefused):
    """The package has no such function."""


class PackageNotFound(CallRefused):
    """No such package is installed."""


class RError(EngineError):
    """R raised an error; `text` has its call and backtrace."""

    def __init__(self, text: str, message: str) -> None:
        super().__init__(message)
        self.text = text


class RowCountMismatch(EngineError):
    """A rows function has to answer one row per row it was given."""

    def __init__(self, given: int, answered: int) -> None:
        super().__init__(
            f"the function was given {given} rows and answered {answered}; "
            "a rows job needs one row (or value) per row, in the same order"
        )
        self.given = given
        self.answered = answered


class InstallFailed(EngineError):
    """Something could not be installed. `log` is the whole output, and may name server paths."""

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log


class InstallRefused(InstallFailed):
    """The name, the ref or the address that was asked for cannot be right."""


class OriginNotFound(InstallFailed):
    """There is no such repository, package or gist, or it is private."""


class InstallTimeout(InstallFailed):
    """The installation took longer than its limit and was killed."""

    def __init__(self, limit_s: float, log: str = "") -> None:
        super().__init__(
            f"the installation was stopped after {limit_s:g} seconds, its time limit "
            "(install.timeout in larder.yaml)",
            log,
        )
        self.limit_s = limit_s


class InstallBusy(EngineError):
    """More installations wait than the engine is willing to queue."""

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} installations are waiting already; try again later")
        self.waiting = waiting
