"""The exceptions of `larder`.

LarderError
├── SettingsInvalid     larder.yaml, the environment or the command line hold mistakes
├── ListeningRefused    listening beyond loopback without keys, or walls, was not allowed
├── CannotListen        the address is taken, or not this machine's
├── ServerRunning       another server has the project
├── StateUnusable       the folder for state cannot be made or written
├── EngineNotStarted    the R engine ended before it was ready
├── FormatUnavailable   an answer that has no such form
├── InstallNotAllowed   larder.yaml does not let this be installed
├── NotInstalled        nothing of that name is installed
├── NoSuchCall          no call of this key waits or runs
├── NoSuchLogin         nobody of this name is signed in
├── NotDelivered        a message about a job did not arrive
├── NotOnRecord         a command that has to be on the audit, and cannot be
├── FileInTheWay        a file that a new project would write over
├── FileExists          a file that would be written over
└── Misused             options of a command that do not go together
"""

from collections.abc import Sequence
from pathlib import Path

from jobs.problem import Problem


class LarderError(Exception):
    """Root of everything `larder` raises."""


class SettingsInvalid(LarderError):
    """The settings hold mistakes; `problems` has all of them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ListeningRefused(LarderError):
    """The address can be reached from other machines, and there is no key, or not every wall.

    `missing` are the walls that R would not have around it.
    """

    def __init__(self, host: str, missing: Sequence[str] = (), *, keys: bool = False) -> None:
        self.host = host
        self.missing = tuple(missing)
        if keys:
            text = (
                "R would not be wholly confined; give --insecure where whoever has a key may do"
                " what it then can (keys are asked for all the same)"
            )
        else:
            text = (
                "whoever reaches it could run R code here, and there are no keys yet; make one"
                " (larder keys add NAME --role admin), or listen on 127.0.0.1, or give --insecure"
                " where everybody on the network may"
            )
        also = "".join(f"\na wall is missing{'' if keys else ', too'}: {one}" for one in missing)
        super().__init__(f"refusing to listen on {host}: {text}{also}")


class CannotListen(LarderError):
    """Nothing can listen on the address; `reason` is the system's."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        self.host = host
        self.port = port
        self.reason = reason
        super().__init__(f"cannot listen on {host}, port {port}: {reason}")


class ServerRunning(LarderError):
    """Another server has the project; `pid` is its process, or None."""

    def __init__(self, folder: Path, pid: int | None) -> None:
        self.folder = folder
        self.pid = pid
        by = f" by process {pid}" if pid else ""
        super().__init__(f"{folder} is served already{by}; stop that server first")


class StateUnusable(LarderError):
    """The folder for state cannot be made or written."""

    def __init__(self, folder: Path, reason: str) -> None:
        self.folder = folder
        self.reason = reason
        super().__init__(f"cannot keep state in {folder}: {reason}")


class EngineNotStarted(LarderError):
    """The R engine ended before it was ready; `reason` is what it said."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the R engine did not start: {reason}")


class FormatUnavailable(LarderError):
    """The answer cannot be given in the format `form`."""

    def __init__(self, job: str, form: str, reason: str) -> None:
        self.job = job
        self.form = form
        self.reason = reason
        super().__init__(f"this answer of {job} cannot be had as {form}: {reason}")


class InstallNotAllowed(LarderError):
    """`install.allow` does not name these sources; `line` is the line that would."""

    def __init__(self, names: Sequence[str], line: str) -> None:
        self.names = tuple(names)
        self.line = line
        super().__init__(
            f"larder.yaml does not allow to install {', '.join(names)}; it has to say\n"
            f"install:\n  {line}\nor give --allow, to install it this once"
        )


class NotInstalled(LarderError):
    """Nothing is installed as `name`; `nearest` is what has a similar name, or empty."""

    def __init__(self, name: str, nearest: str = "") -> None:
        self.name = name
        self.nearest = nearest
        guess = f"did you mean {nearest}?" if nearest else "see `larder install --list`"
        super().__init__(f"{name} is not installed; {guess}")


class NoSuchCall(LarderError):
    """No call of this key waits or runs."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"no call {key} waits or runs; see `larder calls`")


class NoSuchLogin(LarderError):
    """Nobody of this name is signed in."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"nobody called {name} is signed in; see `larder logins`")


class NotDelivered(LarderError):
    """A message about a job did not arrive; where `is_final`, it never will.

    The reason names no address and no secret.
    """

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        self.reason = reason
        self.is_final = is_final
        super().__init__(reason)


class NotOnRecord(LarderError):
    """The audit cannot be written, and nothing may be done that is not there."""

    def __init__(self) -> None:
        super().__init__(
            "this cannot be put on record now, and larder.yaml says audit: {required: true};"
            " nothing was done"
        )


class FileInTheWay(LarderError):
    """A new project would write over a file that is there."""

    def __init__(self, file: Path) -> None:
        self.file = file
        super().__init__(f"{file} is there already; take another folder, or move it away")


class FileExists(LarderError):
    """The file is there already, and nobody said that it may be replaced."""

    def __init__(self, file: Path) -> None:
        self.file = file
        super().__init__(f"{file} exists; give --force to replace it, or another --output")


class Misused(LarderError):
    """Options of a command that do not go together, or say nothing that it can do."""
