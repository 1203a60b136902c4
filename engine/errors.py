"""What can go wrong when R is asked to run something.

EngineError
├── EngineUnavailable     the broker does not answer
├── EngineBusy            too many calls are waiting
├── AskerRefused          whoever asks may not have R now, others may: engine/asker_errors.py
│   ├── AskerBusy             too many of their calls are waiting
│   └── AllowanceSpent        they had their time of R for today
├── TemplateFailed        the project's models could not be loaded
│   └── WallsMissing      this machine does not give the walls that are required
├── LimitReached          the call reached one of its limits
│   ├── EvaluationTimeout     time by the clock
│   ├── CpuLimit              processor time of all its processes
│   ├── MemoryLimit           memory of all its processes
│   ├── FileLimit             the size of one file
│   ├── DiskLimit             the files in its folders together
│   ├── ProcessLimit          processes and threads
│   ├── OutputLimit           what it prints
│   └── PlotLimit             what it draws
├── CallCancelled         somebody ended it while it waited or ran
├── WorkerDied            R ended in the middle of the call
│   ├── EndedByCall       its own code ended it, by q()
│   └── ParentEnded       what it was to be forked from ended before it was ready
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
from typing import Any

from engine.evaluation import Evaluation
from engine.plain_words import amount


class EngineError(Exception):
    """R could not do what it was asked.

    Attributes:
        printed: What the call printed and said before, as far as that is known.
        warnings: Those that it gave.
    """

    printed: str = ""
    warnings: tuple[str, ...] = ()


class EngineUnavailable(EngineError):
    """The engine's broker cannot be reached."""

    def __init__(self, socket: Path, reason: str) -> None:
        super().__init__(f"the R engine does not answer ({reason}); is `larder serve` running?")
        self.socket = socket


class EngineBusy(EngineError):
    """More calls wait than the engine is willing to queue."""

    def __init__(self, waiting: int, retry_after_s: float = 1.0) -> None:
        super().__init__(f"the R engine is busy: {waiting} calls are waiting; try again soon")
        self.waiting = waiting
        self.retry_after_s = retry_after_s


class TemplateFailed(EngineError):
    """The forking parent could not start, usually because of an error in models/*.R."""


class WallsMissing(TemplateFailed):
    """This machine does not give all the walls, and engine.walls requires them."""

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__("walls are missing that engine.walls requires: " + "; ".join(missing))
        self.missing = tuple(missing)


class LimitReached(EngineError):
    """The call reached one of its limits, and was ended; each subclass is one limit.

    Attributes:
        limit: Its name.
        field: Its name among the fields of `Limits`.
        unit: What `value` counts.
        setting: The setting of larder.yaml that says how much every call may take.
        job_setting: What a job says to set its own.
        words: What was reached, with a place for the amount.
        value: How much the call was allowed.
        said: R's own words, where an error of R showed that the limit was reached.
        evaluation: What there is of the call until then, if that is a session.
    """

    limit = field = unit = words = ""
    setting = job_setting = ""

    def __init__(self, value: float, said: str = "") -> None:
        words = self.words.format(amount(value, self.unit))
        before = f"{said}: " if said else ""
        super().__init__(f"{before}the call was stopped {words}, its limit ({self._advice()})")
        self.value = value
        self.said = said
        self.evaluation: Evaluation | None = None

    def __init_subclass__(cls) -> None:
        cls.setting = cls.setting or f"engine.{cls.limit}"
        cls.job_setting = cls.job_setting or f"limits: {cls.limit}"

    def to_wire(self) -> dict[str, Any]:
        """Returns the facts as plain values."""
        return {"limit": self.limit, "value": self.value, "said": self.said}

    @staticmethod
    def from_wire(wire: dict[str, Any]) -> LimitReached:
        """Returns what to_wire() was called on; its evaluation is not part of it."""
        return LIMITS[wire["limit"]](wire["value"], wire["said"])

    def _advice(self) -> str:
        return (
            f"{self.setting} in larder.yaml, and `{self.job_setting}` of a job: the smaller holds"
        )


class EvaluationTimeout(LimitReached):
    """The call ran longer than its wall clock limit and was killed."""

    limit, field, unit = "timeout", "wall_s", "seconds"
    setting, job_setting = "engine.timeout_post", "timeout"
    words = "after {}"

    def _advice(self) -> str:
        return "`timeout` of the job, or engine.timeout_post in larder.yaml"


class CpuLimit(LimitReached):
    """The call and what it started used up their processor time."""

    limit, field, unit = "cpu_time", "cpu_s", "seconds"
    words = "after {} of processor time"


class MemoryLimit(LimitReached):
    """The call and what it started took more memory than they may."""

    limit, field, unit = "memory", "memory_bytes", "bytes"
    words = "at {} of memory"


class FileLimit(LimitReached):
    """The call wrote a file that is larger than files may be."""

    limit, field, unit = "file_size", "file_bytes", "bytes"
    words = "at a file of {}"


class DiskLimit(LimitReached):
    """The call left more in its folders than it may."""

    limit, field, unit = "disk", "disk_bytes", "bytes"
    words = "at files of {}"


class ProcessLimit(LimitReached):
    """The call started more processes and threads than it may."""

    limit, field, unit = "processes", "processes", "processes"
    words = "at {}"


class OutputLimit(LimitReached):
    """The call printed more than is kept."""

    limit, field, unit = "output", "output_bytes", "bytes"
    words = "after {} of output"


class PlotLimit(LimitReached):
    """The call drew more plots than are kept."""

    limit, field, unit = "plots", "plots", "plots"
    words = "after {}"


LIMITS: dict[str, type[LimitReached]] = {kind.limit: kind for kind in LimitReached.__subclasses__()}
"""The limits by their names."""


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
    """The call's own code ended R: it called q()."""


class ParentEnded(WorkerDied):
    """A forking parent ended without a word before it was ready: killed, or R crashed."""

    def __init__(self) -> None:
        super().__init__("the forking parent ended and a new one is not ready yet")


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
