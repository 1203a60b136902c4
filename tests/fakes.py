"""Stand-ins for what tests do not want the real part of: R, and the time."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from cache.manifest import MANIFEST, Manifest
from engine.call import Argument, FunctionCall, Output, Priority
from engine.code_version import CodeVersion
from engine.errors import EngineError, PackageNotFound, RError
from engine.evaluation import BodyError, Evaluation, RenderedBody, RowsAnswer
from engine.frame import Column, Frame
from engine.limits import Limits
from engine.value_answer import EXACT, VALUE, Told


class FixedClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, start: str = "2026-11-23T05:00") -> None:
        self.now = datetime.fromisoformat(start).replace(tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def steady(self) -> float:
        return self.now.timestamp()

    def set(self, text: str) -> datetime:
        self.now = datetime.fromisoformat(text).replace(tzinfo=UTC)
        return self.now

    def advance(self, **by: float) -> datetime:
        self.now += timedelta(**by)
        return self.now


class Drawn:
    """What a function that also draws returns: only then are there plots to render."""

    def __init__(self, value: Any) -> None:
        self.value = value


class FakePool:
    """The engine's pool over Python functions, each given by the name of the R function.

    A function gets its arguments as plain values, one of a rows job its frame as a dict of lists
    and answers one too. `RError` is an error of R; any other `EngineError` is that of the engine,
    and whatever else is raised goes through. `calls` has the name and arguments of each call,
    `asked` everything else that it was asked with.
    """

    def __init__(self, **functions: Callable[..., Any]) -> None:
        self.functions = functions
        self.versions = {"scoring": "r1"}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.asked: list[dict[str, Any]] = []
        self._turn = threading.Lock()

    def evaluate(
        self,
        call: FunctionCall,
        *,
        stage: Path,
        limits: Limits,
        priority: Priority = Priority.LIVE,
        outputs: Sequence[Output] = (),
    ) -> Evaluation:
        asked = {"limits": limits, "priority": priority, "outputs": outputs, "seed": call.seed}
        return self._evaluate(call, stage, outputs, asked)

    def evaluate_many(
        self,
        calls: Sequence[tuple[FunctionCall, Path]],
        *,
        limits: Limits,
        priority: Priority = Priority.SCHEDULED,
        outputs: Sequence[Output] = (),
    ) -> Iterator[tuple[int, Evaluation | EngineError]]:
        asked = {"limits": limits, "priority": priority, "outputs": outputs, "many": len(calls)}
        for index, (call, stage) in enumerate(calls):
            outcome: Evaluation | EngineError
            try:
                outcome = self._evaluate(call, stage, outputs, asked)
            except EngineError as error:
                outcome = error
            yield index, outcome

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
        asked = {"limits": limits, "priority": priority, "outputs": outputs, "values": len(cells)}
        kept = [Output(VALUE, VALUE), Output(EXACT, EXACT), *outputs]
        for index, arguments in enumerate(cells):
            outcome: Evaluation | EngineError
            try:
                outcome = self._evaluate(
                    replace(call, arguments=tuple(arguments)), stage, kept, asked
                )
                if outcome.ok:
                    outcome = replace(outcome, listing=())
                else:
                    outcome = RError(outcome.error or "", outcome.error_message or "")
            except EngineError as error:
                outcome = error
            yield [(index, outcome)]

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
        given = {name: column.plain() for name, column in frame.columns.items()}
        arguments = _arguments(call) | {pass_as: given}
        asked = {"limits": limits, "priority": priority, "rows": frame.rows}
        answer = self._call(call, arguments, asked)
        return RowsAnswer(Frame({name: _column(values) for name, values in answer.items()}))

    def cancel(self, key: str) -> bool:
        """Functions of Python come to their own end."""
        return False

    def version(self, package: str) -> CodeVersion:
        if package not in self.versions:
            raise PackageNotFound(f"there is no package called '{package}'", "package_not_found")
        return CodeVersion(package, self.versions[package], "4.5.0")

    def _call(self, call: FunctionCall, arguments: dict[str, Any], asked: dict[str, Any]) -> Any:
        with self._turn:
            self.calls.append((call.function, arguments))
            self.asked.append(asked)
        return self.functions[call.function](**arguments)

    def _evaluate(
        self, call: FunctionCall, stage: Path, outputs: Sequence[Output], asked: dict[str, Any]
    ) -> Evaluation:
        try:
            value = self._call(call, _arguments(call), asked)
        except RError as error:
            _write_manifest(stage, call, error.text)
            return Evaluation(
                ok=False,
                error=error.text,
                error_message=str(error),
                listing=("console", "info"),
                duration_s=0.01,
            )
        drawn = isinstance(value, Drawn)
        plain = value.value if isinstance(value, Drawn) else value
        _write_manifest(stage, call, None)
        bodies = {o.label: _body(o.format, plain) for o in outputs if drawn or o.format != "png"}
        without = BodyError("Function call did not generate any graphics", "no_graphics")
        return Evaluation(
            ok=True,
            error=None,
            error_message=None,
            listing=("R/.val", "stdout", "source", "console", "info", "files/DESCRIPTION"),
            duration_s=0.01,
            bodies=bodies,
            body_errors={o.label: without for o in outputs if o.label not in bodies},
        )


class NoPool:
    """An engine that must not be asked."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the engine was asked: {name}")


def _arguments(call: FunctionCall) -> dict[str, Any]:
    return {argument.name: _value(argument) for argument in call.arguments}


def _value(argument: Argument) -> Any:
    if argument.kind == "json":
        return orjson.loads(argument.value)
    if argument.kind == "code":
        try:
            return orjson.loads(argument.value)
        except ValueError:
            return argument.value
    return argument.value


def _body(format_: str, value: Any) -> RenderedBody:
    if format_ == "png":
        return RenderedBody(b"\x89PNG", "image/png")
    if format_ == "csv":
        return RenderedBody(str(value).encode(), "text/csv; charset=utf-8")
    return RenderedBody(orjson.dumps(value) + b"\n", "application/json")


def _column(values: Sequence[Any]) -> Column:
    if any(isinstance(value, str) for value in values):
        return Column("string", list(values))
    return Column("double", [float("nan") if value is None else float(value) for value in values])


def _write_manifest(stage: Path, call: FunctionCall, error: str | None) -> None:
    manifest = Manifest(created_at=datetime.now(UTC), function=call.function, error=error)
    (stage / MANIFEST).write_bytes(manifest.to_json())
