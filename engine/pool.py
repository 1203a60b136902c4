"""Asks the engine's broker to run R: the one door to R for everything above.

Blocking and thread-safe; connections are kept. Not for use after fork: make a new Pool there.
"""

from __future__ import annotations

import contextlib
import socket
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine import wire
from engine.asker import current_asker
from engine.call import Argument, FunctionCall, Output, Priority
from engine.calls_under_way import CallsUnderWay
from engine.code_version import CodeVersion
from engine.connections import Connections
from engine.errand import asking
from engine.errors import EngineError, EngineUnavailable, RError, RowCountMismatch
from engine.evaluation import (
    Evaluation,
    Formal,
    FunctionContract,
    RenderedBody,
    RowsAnswer,
)
from engine.evaluation_header import evaluation_header, values_header
from engine.failure import as_list, raise_failure
from engine.frame import Frame
from engine.install_reply import installation
from engine.install_request import InstallRequest
from engine.installed import Installed
from engine.left_files import remove_tree
from engine.limits import Limits
from engine.reply import evaluation, rendered, rows_answer
from engine.request_id import signed
from engine.room import check_room
from engine.value_answer import Told, evaluations

READ_LIMITS = Limits(wall_s=60)
"""Limits of a read: rendering an object, listing a package."""


class Pool(CallsUnderWay):
    """A client of the broker behind the Unix socket at `path`."""

    def __init__(self, path: Path, *, read_limits: Limits = READ_LIMITS) -> None:
        self._path = path
        self._read_limits = read_limits
        self._connections = Connections(path)
        self._versions: dict[tuple[str, str], CodeVersion] = {}

    def evaluate(
        self,
        call: FunctionCall,
        *,
        stage: Path,
        limits: Limits,
        priority: Priority = Priority.LIVE,
        outputs: Sequence[Output] = (),
    ) -> Evaluation:
        """Returns what the call did. `stage` holds its uploads before and its session after.

        An R error is an Evaluation whose `ok` is False.

        Raises:
            AskerRefused: the asker may not have R now; so in all that follows here.
            CallRefused: the arguments cannot be read, or there is no such function or session.
            LimitReached: it reached one; with its `evaluation`, whose session is in `stage`.
            WorkerDied, EngineBusy, EngineUnavailable: as they say.
            OSError: the session cannot be written; ENOSPC where the disk is full.
        """
        header = evaluation_header(call, stage, outputs)
        header |= {"limits": limits.to_wire(), "priority": int(priority)}
        header["live"] = priority is Priority.LIVE and call.script is None and call.library is None
        try:
            answer, blobs = self._call(header)
        except RError:
            check_room(stage)
            raise
        return evaluation(answer, blobs, call.function, stage)

    def evaluate_many(
        self,
        calls: Sequence[tuple[FunctionCall, Path]],
        *,
        limits: Limits,
        priority: Priority = Priority.SCHEDULED,
        outputs: Sequence[Output] = (),
    ) -> Iterator[tuple[int, Evaluation | EngineError]]:
        """Yields each call's index and outcome, in order, as they finish in one child.

        `limits` are those of one call. A call that fails does not disturb the others; what one
        changed in R is put back, or the next gets another child. All are cancelled by the first's
        key.
        """
        items = [evaluation_header(call, stage, outputs) for call, stage in calls]
        for item in items:
            item["request"]["shared"] = len(items) > 1
        header = {"many": items, "limits": limits.to_wire(), "priority": int(priority)}
        header |= current_asker().to_wire()
        with asking(calls[0][1].name), self._connections.lend() as connection:
            wire.send(connection, signed(header))
            while not (message := self._receive(connection))[0].get("done"):
                answer, blobs = message
                if "index" not in answer:
                    raise_failure(answer)
                call, stage = calls[answer["index"]]
                try:
                    raise_failure(answer)
                    outcome: Evaluation | EngineError
                    outcome = evaluation(answer, blobs, call.function, stage)
                except EngineError as error:
                    outcome = error
                yield answer["index"], outcome

    def evaluate_values(
        self,
        call: FunctionCall,
        cells: Sequence[Sequence[Argument]],
        *,
        stage: Path,
        limits: Limits,
        priority: Priority = Priority.SCHEDULED,
        outputs: Sequence[Output] = (),
    ) -> Iterator[Told]:
        """Yields indices and outcomes of one call for each of these arguments, some at a time.

        As `evaluate_many`, but no session comes to be: an evaluation has the value as a body. They
        work in `stage`, whose name cancels them; what they write there is lost.
        """
        header = values_header(call, cells, stage, outputs)
        header |= {"limits": limits.to_wire(), "priority": int(priority)}
        header |= current_asker().to_wire()
        with asking(stage.name), self._connections.lend() as connection:
            wire.send(connection, signed(header))
            while not (message := self._receive(connection))[0].get("done"):
                raise_failure(message[0])
                yield evaluations(*message)

    def evaluate_rows(
        self,
        call: FunctionCall,
        *,
        pass_as: str,
        frame: Frame,
        stage: Path,
        limits: Limits,
        priority: Priority = Priority.SCHEDULED,
    ) -> RowsAnswer:
        """Returns the columns that one call over all rows answered, n rows in their order.

        A vector answer is one column named `value`.

        Raises:
            RowCountMismatch: the answer has another number of rows.
            RError: the function raised an error.
        """
        request = call.to_wire() | {
            "operation": "rows",
            "folder": str(stage),
            "pass_as": pass_as,
            "frame": str(stage / ".rows"),
            "columns": frame.write(stage / ".rows"),
            "answer": str(stage / ".answer"),
        }
        header = {"request": request, "folder": str(stage), "limits": limits.to_wire()}
        answer, _ = self._call(header | {"priority": int(priority)})
        if answer["rows"] != frame.rows:
            raise RowCountMismatch(frame.rows, answer["rows"])
        return rows_answer(answer, stage)

    def render(
        self, operation: str, fields: Mapping[str, Any], *, value: bytes | None = None
    ) -> RenderedBody:
        """Returns an object, a plot, a serialized `value` in a format: see r/serve.R."""
        with self._folder() as folder:
            if value is not None:
                (folder / ".value").write_bytes(value)
                fields = {**fields, "folder": str(folder)}
            answer, blobs = self._read(operation, fields, folder)
            return rendered(answer, blobs, folder)

    def read(self, operation: str, **fields: Any) -> dict[str, Any]:
        """Returns what a reading operation answers, as plain values."""
        with self._folder() as folder:
            return self._read(operation, fields, folder)[0]

    def names(self, operation: str, **fields: Any) -> list[str]:
        """Returns the names that a listing operation answers."""
        return [str(name) for name in as_list(self.read(operation, **fields)["names"])]

    def contract(self, package: str, function: str) -> FunctionContract:
        """Returns the arguments that a function takes.

        Raises:
            CallRefused: no such package or function.
        """
        answer = self.read("describe_function", package=package, name=function)
        formals = [Formal(item["name"], item.get("default")) for item in answer["formals"] or []]
        return FunctionContract(package, function, tuple(formals))

    def code_problems(self, texts: Sequence[str]) -> list[str]:
        """Returns why each of these texts is not one R expression; an empty text where it is."""
        return [str(text) for text in as_list(self.read("check_code", texts=texts)["problems"])]

    def version(self, package: str) -> CodeVersion:
        """Returns what the package's answers depend on: its version, or the project's sources'."""
        info = self.info()
        r = info["r"]["version"]
        if package == info["project"]:
            return CodeVersion(package, info["version"], r)
        known = (package, info["shelf"])
        if known not in self._versions:
            answer = self.read("package_version", package=package)
            release = info["releases"].get(package, "")
            self._versions[known] = CodeVersion(package, answer["version"], r, release)
        return self._versions[known]

    def install(self, request: InstallRequest) -> Installed:
        """Returns the installation once it is live; the request's own time limit bounds the wait.

        Raises:
            InstallFailed: it could not be installed, and what was there before still is.
            InstallBusy, EngineUnavailable: as they say.
        """
        header = {"operation": "install", "request": request.to_wire()}
        return installation(self._exchange(header)[0])

    def info(self) -> dict[str, Any]:
        """Returns the state of the engine: project, version, R, calls running and waiting.

        Raises:
            EngineUnavailable: the broker does not answer.
        """
        return self._ask({"operation": "info"})[0]

    def close(self) -> None:
        """Closes the connections."""
        self._connections.close()

    def _read(
        self, operation: str, fields: Mapping[str, Any], folder: Path
    ) -> tuple[dict[str, Any], list[bytes]]:
        request = {"operation": operation, **fields}
        header = {"request": request, "folder": str(folder), "priority": int(Priority.LIVE)}
        return self._call(header | {"limits": self._read_limits.to_wire()})

    @contextlib.contextmanager
    def _folder(self) -> Iterator[Path]:
        """A folder for bodies too large for the socket, where the broker keeps what passes."""
        try:
            folder = Path(tempfile.mkdtemp(prefix="read-", dir=self._path.parent / "work"))
        except OSError as error:
            raise EngineUnavailable(self._path, error.strerror or str(error)) from error
        try:
            yield folder
        finally:
            remove_tree(folder)

    def _call(self, header: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
        """Asks for what runs R, and has a key: the name of its folder."""
        asker = current_asker()
        asker.check()
        with asking(Path(header["folder"]).name):
            return self._ask(header | asker.to_wire())

    def _ask(self, header: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
        answer = self._exchange(header)
        raise_failure(answer[0])
        return answer

    def _exchange(self, header: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
        with self._connections.lend() as connection:
            wire.send(connection, signed(header))
            return self._receive(connection)

    def _receive(self, connection: socket.socket) -> tuple[dict[str, Any], list[bytes]]:
        message = wire.receive(connection)
        if message is None:
            raise EngineUnavailable(self._path, "it ended in the middle of the call")
        return message
