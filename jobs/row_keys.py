"""Key and digest of each row of a table, read from its spool."""

from array import array
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from cache.rowkeys import RowKeys
from jobs.errors import RowsUnreadable
from jobs.spool import Spool


def read_keys(spool: Spool, column: str, folder: Path) -> RowKeys:
    """The key of each row, each once, with a digest of the content of its row.

    Args:
        spool: The table.
        column: The one that has the keys.
        folder: Where there is room for them.

    Raises:
        RowsUnreadable: If one is missing, is neither whole number nor text, or names two rows.
        StoreFull, StoreUnavailable: There is no room for them.
    """
    _check_missing(spool, column)
    kind = spool.kinds.kind(column)
    is_number = pa.types.is_integer(kind)
    if len(spool) and not (is_number or pa.types.is_string(kind)):
        hint = "a key is a whole number or a text"
        reason = f"the column {column} holds {kind}"
        raise RowsUnreadable(spool.name, reason, hint, about="key")
    keys = RowKeys(folder, numbers=is_number)
    try:
        digests = _digests_of(spool.columns)
        for _, part in spool.parts():
            keys.add(part.column(column).to_pylist(), digests(part))
        _check_unique(spool, column, keys)
    except BaseException:
        keys.close()
        raise
    return keys


def _check_missing(spool: Spool, key: str) -> None:
    count, first = 0, -1
    for start, part in spool.parts():
        column = part.column(key)
        missing = pc.is_null(column)
        if pa.types.is_string(column.type):
            missing = pc.or_(missing, pc.fill_null(pc.equal(column, ""), fill_value=False))
        here = pc.sum(missing).as_py() or 0
        if here and not count:
            first = start + pc.index(missing, pa.scalar(value=True)).as_py() + 1
        count += here
    if count:
        rows_without = "a row" if count == 1 else f"{count} rows"
        reason = f"has {rows_without} without {key}; the first is row {first}"
        raise RowsUnreadable(spool.name, reason, "every row needs its key", about="key")


def _check_unique(spool: Spool, column: str, keys: RowKeys) -> None:
    repeated = keys.repeated()
    if repeated is not None:
        key, first, second, count = repeated
        more = f", and {count - 1} more" if count > 1 else ""
        reason = f"has {column} {key} twice, in row {first + 1} and row {second + 1}{more}"
        raise RowsUnreadable(spool.name, reason, "every key must be unique", about="key")


def _digests_of(names: Sequence[str]) -> Callable[[pa.Table], list[int]]:
    """Makes digests of rows; types are left out: 1 and 1.0 read the same, so they digest so."""
    keyed = blake2b("\x1f".join(names).encode(), digest_size=16).digest()

    def digests(part: pa.Table) -> list[int]:
        columns = [pc.cast(column, pa.string()) for column in part.columns]
        joined = pc.binary_join_element_wise(
            *columns, "\x1f", null_handling="replace", null_replacement="\x00"
        )
        made = (
            blake2b(text, digest_size=8, key=keyed).digest()
            for text in joined.cast(pa.binary()).to_pylist()
        )
        return array("q", b"".join(made)).tolist()

    return digests
