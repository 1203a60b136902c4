r"""Data frames exchanged with R, one file a column, so that no cell passes through Python code.

Numbers are the bytes that R holds; strings are one line each, `\` and line ends escaped, a missing
one is `\N`. Missing numbers: NaN in a double, R's own NA (-2**31) in an integer or logical.
"""

from __future__ import annotations

import array
from collections.abc import Mapping, Sequence
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

    def write(self, folder: Path) -> list[dict[str, Any]]:
        """Writes one file per column into `folder`; returns what R needs to read them."""
        folder.mkdir(parents=True, exist_ok=True)
        described = []
        for index, (name, column) in enumerate(self.columns.items()):
            file = f"column{index}"
            (folder / file).write_bytes(_encode(column))
            described.append({"name": name, "kind": column.kind, "file": file, "rows": self.rows})
        return described

    @classmethod
    def read(cls, folder: Path, described: Sequence[Mapping[str, Any]]) -> Frame:
        """Returns the frame that R wrote into `folder`."""
        return cls(
            {
                item["name"]: Column(item["kind"], _decode(item["kind"], folder / item["file"]))
                for item in described
            }
        )


def _encode(column: Column) -> bytes:
    if column.kind == "string":
        return "".join(f"{_escape(value)}\n" for value in column.values).encode()
    code = "d" if column.kind == "double" else "i"
    return array.array(code, column.values).tobytes()


def _decode(kind: ColumnKind, path: Path) -> Sequence[Any]:
    content = path.read_bytes()
    if kind == "string":
        return [_unescape(line) for line in content.decode().split("\n")[:-1]]
    values = array.array("d" if kind == "double" else "i")
    values.frombytes(content)
    return values


def _escape(value: str | None) -> str:
    if value is None:
        return "\\N"
    if "\\" in value or "\n" in value or "\r" in value:
        return value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return value


def _unescape(line: str) -> str | None:
    if "\\" not in line:
        return line
    if line == "\\N":
        return None
    parts = line.split("\\\\")
    return "\\".join(part.replace("\\n", "\n").replace("\\r", "\r") for part in parts)
