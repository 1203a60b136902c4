"""The audit as a file: JSON lines or CSV, whose rows can be proved without the catalog.

Each row has the hash of the row before beside its own.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, TextIO

import orjson

from jobs.audit_proof import Link
from jobs.audit_record import FIELDS, AuditRow
from jobs.errors import ValueInvalid

COLUMNS: Final = ("id", *FIELDS, "previous", "hash")
_NUMBERS: Final = ("id", "key_id", "status", "duration_us")
_FORMULA: Final = re.compile(r"'*[=+\-@]")
_MARKED: Final = re.compile(r"'+[=+\-@]")


def write_lines(rows: Iterable[AuditRow], previous: str, out: TextIO) -> int:
    """Writes rows as JSON, one a line; returns how many. `previous` is the hash before them."""
    count = 0
    for row in rows:
        out.write(orjson.dumps(_document(row, previous)).decode() + "\n")
        previous, count = row.hash, count + 1
    return count


def write_csv(rows: Iterable[AuditRow], previous: str, out: TextIO) -> int:
    """Writes rows as CSV with a heading; returns how many.

    What a spreadsheet would take for a formula has a quote before it.
    """
    writer = csv.DictWriter(out, COLUMNS, restval="")
    writer.writeheader()
    count = 0
    for row in rows:
        document = _document(row, previous)
        writer.writerow({name: _cell(value) for name, value in document.items()})
        previous, count = row.hash, count + 1
    return count


def read_export(path: Path) -> Iterator[Link]:
    """Yields the rows of a file that was written here.

    Raises:
        ValueInvalid: It is no such file, and says in which line.
        OSError: It cannot be read.
    """
    with path.open(encoding="utf-8", newline="") as file:
        is_csv = file.read(3) == "id,"
        file.seek(0)
        documents = _from_csv(file) if is_csv else _from_lines(file)
        number = int(is_csv)
        try:
            for document in documents:
                number += 1
                yield _link(document)
        except (ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
            place = f"{path.name}:{number + 1}"
            hint = "a file that `larder audit export` wrote"
            raise ValueInvalid(f"{place}: this is no row of an audit", hint) from error


def _document(row: AuditRow, previous: str) -> dict[str, Any]:
    return {**row.content, "previous": previous, "hash": row.hash}


def _link(document: dict[str, Any]) -> Link:
    previous, digest = document.pop("previous"), document.pop("hash")
    return Link(int(document["id"]), document, str(digest), str(previous))


def _from_lines(file: TextIO) -> Iterator[dict[str, Any]]:
    return (orjson.loads(line) for line in file)


def _from_csv(file: TextIO) -> Iterator[dict[str, Any]]:
    for row in csv.DictReader(file):
        known = {name: value for name, value in row.items() if value}
        yield {name: int(v) if name in _NUMBERS else _text(v) for name, v in known.items()}


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def _text(cell: str) -> str:
    return cell[1:] if _MARKED.match(cell) else cell
