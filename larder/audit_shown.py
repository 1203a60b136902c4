"""Rows of the audit as the command line shows them."""

from collections.abc import Iterable
from typing import Any

import orjson
from rich.table import Table
from rich.text import Text

from jobs.audit_record import AuditOutcome, AuditRow, CacheUse
from larder.console import out, say

_STYLES = {
    AuditOutcome.DONE: "",
    AuditOutcome.REFUSED: "yellow",
    AuditOutcome.FAILED: "red",
    AuditOutcome.GONE: "yellow",
    AuditOutcome.LOST: "bold red",
}


def row_for_programs(row: AuditRow) -> dict[str, Any]:
    """The row as plain values."""
    return {**row.content, "hash": row.hash}


def audit_table(rows: Iterable[AuditRow]) -> Table:
    """The rows as a table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("row", justify="right")
    for name in ("when", "who", "from", "did", "what", "answer", "outcome", "request"):
        table.add_column(name)
    for row in rows:
        table.add_row(str(row.id), *_cells(row))
    return table


def say_row(row: AuditRow, *, json: bool) -> None:
    """Prints one row in a line."""
    if json:
        out.out(orjson.dumps(row_for_programs(row)).decode(), highlight=False)
    else:
        say(Text("  ").join([Text(str(row.id)), *_cells(row)]))


def _cells(row: AuditRow) -> list[Text]:
    record = row.record
    took = "" if record.duration_us is None else f"{record.duration_us / 1000:,.1f} ms"
    use = "" if record.cache is CacheUse.NONE else str(record.cache)
    status = "" if record.status is None else str(record.status)
    what = f"{record.method or ''} {record.target or ''}".strip()
    return [
        Text(record.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")),
        Text(record.caller or "-"),
        Text(record.address or "-"),
        Text(record.operation),
        Text(what),
        Text(" ".join(part for part in (status, use, took) if part)),
        Text(record.outcome.value, style=_STYLES[record.outcome]),
        Text(record.request_id or "-"),
    ]
