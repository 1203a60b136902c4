"""AxisSource: where the values of an argument in a grid stand, if not in the job file."""

from contextlib import closing
from dataclasses import astuple, dataclass
from hashlib import blake2b

import pyarrow as pa
import pyarrow.compute as pc

from cache.keys import Value
from jobs.argument import ArgumentSpec
from jobs.errors import ArgumentInvalid, RowsUnreadable
from jobs.nearest import did_you_mean
from jobs.plain_table import ColumnKinds
from jobs.r_expression import AsksR
from jobs.table_source import TableSource


@dataclass(frozen=True)
class AxisSource:
    """The distinct values of a column, in the order in which they come first.

    Attributes:
        table: The table.
        column: Its column; None if the table has only one.
        spec: The argument that takes the values.
    """

    table: TableSource
    column: str | None
    spec: ArgumentSpec

    @property
    def digest(self) -> str:
        """Of what is written; values read for another are not taken for its."""
        text = repr(astuple(self))
        return blake2b(text.encode(), digest_size=16).hexdigest()

    def values(self, r: AsksR | None = None) -> tuple[Value, ...]:
        """The values as they are now; missing ones are left out. `r` makes what R makes.

        Raises:
            RowsUnreadable: If the table cannot be read, or the argument does not take a value.
            EngineError: R had to be asked and could not.
        """
        written = self._written(r)
        if not written:
            hint = "the values that were read before stay"
            raise RowsUnreadable(self.table.name, f"has no values of {self.spec.name}", hint)
        try:
            return tuple(dict.fromkeys(self.spec.accept(self._typed(value)) for value in written))
        except ArgumentInvalid as error:
            fault = error.faults[0]
            raise RowsUnreadable(self.table.name, f"holds a wrong value: {fault}") from error

    def _written(self, r: AsksR | None) -> list[Value]:
        """The distinct values of the column, as the table has them."""
        kinds = ColumnKinds(self.table.name)
        found = []
        with closing(self.table.parts(r)) as parts:
            for part in parts:
                plain = kinds.plain(part)
                if plain.num_columns:  # NULL in R has no column at all
                    name = self._column(plain.column_names)
                    found.append(pa.table({name: pc.unique(plain.column(name))}))
        fitted = [kinds.fitted(part).column(0) for part in found]
        chunks = [chunk for column in fitted for chunk in column.chunks]
        if not chunks:
            return []
        values: list[Value] = pc.unique(pa.chunked_array(chunks)).drop_null().to_pylist()
        return values

    def _column(self, names: list[str]) -> str:
        if self.column in names:
            return self.column
        if self.column is None and len(names) == 1:
            return names[0]
        if self.column is None:
            reason = f"has {len(names)} columns: {', '.join(names[:12])}"
            raise RowsUnreadable(self.table.name, reason, "select one")
        hint = did_you_mean(self.column, names, otherwise=f"its columns: {', '.join(names[:12])}")
        raise RowsUnreadable(self.table.name, f"has no column '{self.column}'", hint, about="key")

    def _typed(self, value: Value) -> Value:
        """What a database without booleans has for one."""
        if self.spec.type == "boolean" and value in (0, 1):
            return bool(value)
        return value
