"""A table that is the value of an R expression, in the project's own namespace."""

import json
import re
from collections.abc import Generator, Hashable
from dataclasses import dataclass
from typing import Final, Protocol

import pyarrow as pa

from cache.border import disk_border
from cache.sessions import SessionFolder
from engine.call import Argument, FunctionCall, Output, Priority
from engine.evaluation import Evaluation
from engine.limits import Limits
from jobs.errors import RowsUnreadable
from jobs.evaluator import Evaluator

NAME: Final = "the R expression"
_FORMAT: Final = "arrowipc"

_UNREAD = re.compile(r"<text>:[0-9]+:[0-9]+: (.*)")  # what parse() says


class AsksR(Protocol):
    """Has R make a table."""

    def __call__(self, code: str) -> pa.Table:
        """The data frame that is the value of the code.

        Raises:
            RowsUnreadable: R raised an error, or it is no data frame.
            EngineError: R cannot be asked, or a limit was reached.
        """


@dataclass(frozen=True)
class RTables:
    """Has the engine make tables; for several threads at once.

    Attributes:
        pool: Runs R.
        sessions: Lends the folder in which R works.
        limits: Of one expression.
    """

    pool: Evaluator
    sessions: SessionFolder
    limits: Limits

    def __call__(self, code: str) -> pa.Table:
        """See `AsksR`."""
        stage = self.sessions.stage()
        try:
            with disk_border(self.sessions.root):
                evaluation = self.pool.evaluate(
                    FunctionCall("base", "identity", (Argument("x", "code", code),)),
                    stage=stage.path,
                    limits=self.limits,
                    priority=Priority.SCHEDULED,
                    outputs=(Output(_FORMAT, _FORMAT),),
                )
        finally:
            self.sessions.discard(stage)
        return _table(evaluation)


@dataclass(frozen=True)
class RExpression:
    """An R expression that gives a table.

    Attributes:
        text: The expression.
        package: The project's; the expression sees all that it has.
        is_vector: Whether the value is a vector, which is then the column `value`.
    """

    text: str
    package: str
    is_vector: bool = False

    @property
    def name(self) -> str:
        """What people call it."""
        return NAME

    def parts(self, r: AsksR | None = None, /) -> Generator[pa.Table]:
        """Its value now, whole: R has all of it in memory, and so has who asks."""
        if r is None:
            raise RowsUnreadable(NAME, "needs R, which is not asked here", about="surroundings")
        yield r(self._code())

    def columns(self, r: AsksR | None = None, /) -> list[str]:
        """The names of its columns."""
        return [name for part in self.parts(r) for name in part.column_names]

    def mark(self) -> Hashable:
        """None: only asking again tells whether the value changed."""
        return None

    def _code(self) -> str:
        text, package = (json.dumps(part, ensure_ascii=False) for part in (self.text, self.package))
        value = f"eval(parse(text = {text}), new.env(parent = asNamespace({package})))"
        if self.is_vector:
            return f"(function(x) data.frame(value = if (is.list(x)) unlist(x) else x))({value})"
        # A vector would become a column with the name of this code.
        needs = 'stop("a data frame is needed, and this is of class ", class(x)[1L])'
        is_table = "is.data.frame(x) || is.matrix(x) || is.list(x)"
        return f"(function(x) if ({is_table}) as.data.frame(x) else {needs})({value})"


def _table(evaluation: Evaluation) -> pa.Table:
    if not evaluation.ok:
        said = evaluation.error_message or evaluation.error or "R raised an error"
        if unread := _UNREAD.match(said):
            raise RowsUnreadable(NAME, f"is no R: {unread[1]}")
        raise RowsUnreadable(NAME, f"failed: {' '.join(said.split())}")
    if _FORMAT not in evaluation.bodies:
        reasons = ", ".join(error.text for error in evaluation.body_errors.values())
        raise RowsUnreadable(NAME, f"gives no table: {' '.join(reasons.split())}")
    try:
        return pa.ipc.open_stream(evaluation.bodies[_FORMAT].content).read_all()
    except pa.ArrowException as error:
        raise RowsUnreadable(NAME, f"gives no table: {error}") from error
