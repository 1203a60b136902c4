"""One page of a row table as a query: checked names, bound values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cache.columns import Column, Kind
from cache.errors import ColumnUnknown

AT: Final = "computed_at"
_TRUTH: Final = {"true": 1, "TRUE": 1, "false": 0, "FALSE": 0}


@dataclass(frozen=True)
class PageQuery:
    """The names of what comes, the statement and its values, and which places are true or false.

    The statement gives the number of the batch where ``names`` has the moment.
    """

    names: list[str]
    sql: str
    values: list[Any]
    booleans: list[int]


def page_query(
    path: Path,
    key: str,
    known: Mapping[str, Column],
    *,
    columns: Sequence[str] | None,
    where: Mapping[str, Any],
    order_by: str | None,
    descending: bool,
    limit: int | None,
    offset: int,
    source: str = "rows",
) -> PageQuery:
    """The query for these rows of the table at ``path``, as ``RowTable.page`` describes them.

    ``source`` is what is read: a table, or a query in brackets.

    Raises:
        ColumnUnknown: a name is no column of the table.
    """
    # Numbers of batches rise with time, so they order as the moments do.
    stored = {name: column.quoted for name, column in known.items()} | {key: "key", AT: "batch"}
    chosen = [name for name in (known if columns is None else columns) if name not in (key, AT)]
    asked = [*chosen, *where, *([] if order_by is None else [order_by])]
    for name in asked:
        if name not in stored or (name == AT and name in where):
            raise ColumnUnknown(path, name, [key, *known])
    names = [key, *chosen]
    conditions, values = _conditions(where, known, stored)
    direction = " DESC" if descending else ""
    order = f"{stored[order_by]}{direction}, key" if order_by else f"key{direction}"
    return PageQuery(
        [*names, AT],
        f"SELECT {', '.join(stored[name] for name in names)}, batch FROM {source}"  # noqa: S608  (quoted)
        f"{conditions} ORDER BY {order} LIMIT ? OFFSET ?",
        [*values, -1 if limit is None else limit, offset],
        [at for at, name in enumerate(chosen, 1) if known[name].kind is Kind.BOOLEAN],
    )


def _conditions(
    where: Mapping[str, Any], known: Mapping[str, Column], stored: Mapping[str, str]
) -> tuple[str, list[Any]]:
    conditions: list[str] = []
    values: list[Any] = []
    for name, wanted in where.items():
        several = wanted if isinstance(wanted, list | tuple) else [wanted]
        boolean = name in known and known[name].kind is Kind.BOOLEAN
        some = [_TRUTH.get(one, one) if boolean else one for one in several if one is not None]
        either = [f"{stored[name]} IN ({', '.join('?' * len(some))})"]
        if len(some) < len(several):
            either.append(f"{stored[name]} IS NULL")
        conditions.append(f"({' OR '.join(either)})")
        values += some
    return (f" WHERE {' AND '.join(conditions)}" if conditions else ""), values
