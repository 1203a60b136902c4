"""What the domain needs of the engine: one small interface, which `engine.pool.Pool` has."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from engine.call import Argument, FunctionCall, Output, Priority
from engine.code_version import CodeVersion
from engine.errors import EngineError
from engine.evaluation import Evaluation, RowsAnswer
from engine.frame import Frame
from engine.limits import Limits
from engine.value_answer import Told


class Evaluator(Protocol):
    """Runs R and blocks meanwhile; for any number of threads at once."""

    def evaluate(
        self,
        call: FunctionCall,
        *,
        stage: Path,
        limits: Limits,
        priority: Priority,
        outputs: Sequence[Output],
    ) -> Evaluation:
        """Returns what one call did; an R error is an evaluation that is not `ok`."""

    def evaluate_many(
        self,
        calls: Sequence[tuple[FunctionCall, Path]],
        *,
        limits: Limits,
        priority: Priority,
        outputs: Sequence[Output],
    ) -> Iterator[tuple[int, Evaluation | EngineError]]:
        """Yields index and outcome of each call as they end."""

    def evaluate_values(
        self,
        call: FunctionCall,
        cells: Sequence[Sequence[Argument]],
        *,
        stage: Path,
        limits: Limits,
        priority: Priority,
        outputs: Sequence[Output],
    ) -> Iterator[Told]:
        """Yields indices and outcomes of the call for these arguments, without sessions."""

    def cancel(self, key: str) -> bool:
        """Ends what waits or runs under this key, at once; returns whether there is anything."""

    def evaluate_rows(
        self,
        call: FunctionCall,
        *,
        pass_as: str,
        frame: Frame,
        stage: Path,
        limits: Limits,
        priority: Priority,
    ) -> RowsAnswer:
        """Returns one row of answers for each row of the frame."""

    def version(self, package: str) -> CodeVersion:
        """Returns what the answers of a package depend on."""
