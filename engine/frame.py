"""Data frames exchanged with R as one file of buffers: no number passes through Python code.

A column's buffers follow each other, each padded to eight bytes (engine/r/columns.R). Numbers are
the bytes that R holds; a column of strings is their sizes in bytes, then their UTF-8. Missing:
NaN in a double, R's own NA (-2**31) in an integer, a logical or a string's size.
"""

from __future__ import annotations

import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

ColumnKind = Literal["double", "integer", "logical", "string"]
NA_INTEGER = -(2**31)


@dataclass(frozen=True)
class Column:
    """`values`: an array('d') or array('i'), or for strings a sequence of str and None."""

    kind: ColumnKind
    values: Sequence[Any]

    def plain(self) -> list[Any]:
        """Returns the values as Python's own; missing ones are None."""
        if self.kind == "double":
            return [None if value != value else value for value in self.values]  # noqa: PLR0124
        if self.kind == "integer":
            return [None if value == NA_INTEGER else value for value in self.values]
        if self.kind == "logical":
            return [None if value == NA_INTEGER else bool(value) for value in self.values]
        return list(self.values)


@dataclass(frozen=True)
class Frame:
    """Named columns of one length, in order."""

    columns: Mapping[str, Column]

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(next(iter(self.columns.values())).values) if self.columns else 0

    def write(self, path: Path) -> list[dict[str, Any]]:
        """Writes the columns into one file; returns what R needs to read them."""
        with path.open("wb") as file:
            for column in self.columns.values():
                for buffer in _buffers(column):
                    file.write(buffer)
                    file.write(bytes(padding(len(buffer))))
        return [
            {"name": name, "kind": column.kind, "rows": self.rows}
            for name, column in self.columns.items()
        ]

    @classmethod
    def read(cls, written: bytes, described: Sequence[Mapping[str, Any]]) -> Frame:
        """Returns the frame that R wrote."""
        content = Cursor(memoryview(written))
        return cls(
            {
                item["name"]: Column(item["kind"], _values(item["kind"], item["rows"], content))
                for item in described
            }
        )


class Cursor:
    """Takes buffers from the content of a file, one after the other."""

    def __init__(self, content: memoryview) -> None:
        self._content = content
        self._at = 0

    def take(self, size: int) -> memoryview:
        """Returns the next `size` bytes, and goes on behind their padding."""
        start = self._at
        self._at += size + padding(size)
        return self._content[start : start + size]


def padding(size: int) -> int:
    """Returns how many bytes follow a buffer of `size`."""
    return -size % 8


def _buffers(column: Column) -> Iterator[bytes]:
    if column.kind == "double":
        yield array.array("d", column.values).tobytes()
    elif column.kind == "string":
        encoded = [None if value is None else value.encode() for value in column.values]
        sizes = [NA_INTEGER if value is None else len(value) for value in encoded]
        yield array.array("i", sizes).tobytes()
        yield b"".join(value for value in encoded if value is not None)
    else:
        yield array.array("i", column.values).tobytes()


def _values(kind: ColumnKind, rows: int, content: Cursor) -> Sequence[Any]:
    values = array.array("d" if kind == "double" else "i")
    values.frombytes(content.take(rows * values.itemsize))
    return list(_strings(values, content)) if kind == "string" else values


def _strings(sizes: array.array[int], content: Cursor) -> Iterator[str | None]:
    text = bytes(content.take(sum(size for size in sizes if size != NA_INTEGER)))
    start = 0
    for size in sizes:
        if size == NA_INTEGER:
            yield None
        else:
            yield text[start : start + size].decode()
            start += size
