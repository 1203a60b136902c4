"""A dry run as `larder run --dry-run` tells it."""

from typing import Any

from rich.text import Text

from jobs.dry_run import DryRun, WantedCell
from jobs.shown import shown
from jobs.why import Why
from larder.console import counted, say

WHY = {
    Why.FRESH: "fresh, but asked for",
    Why.AGED: "stale: its `fresh_for` is over",
    Why.CHANGED: "stale: another version of the job made it",
    Why.ROW_CHANGED: "stale: the row has changed in the source",
    Why.EXPIRED: "missing: what there is may not be served any more",
    Why.NEVER: "missing: it was never computed",
}
"""Why a cell would be computed."""


def print_dry_run(seen: DryRun) -> None:
    """Prints how many cells would be computed, the reasons, and the first of them."""
    noun = "cell" if seen.job.rows is None else "row"
    say(f"{seen.job.name}: {seen.wanted:,} of {counted(seen.total, noun)} would be computed")
    for why, number in sorted(seen.reasons.items(), key=lambda pair: -pair[1]):
        say(f"  {number:>9,}  {WHY[why]}")
    if seen.failed:
        say(Text(f"  {seen.failed:>9,}  of them failed last time", style="red"))
    for cell in seen.first:
        say(
            Text(f"  {_arguments(cell)}", style="cyan").append(
                f"  {_reason(cell)}", style="default"
            )
        )
    if seen.wanted > len(seen.first):
        say(f"  and {seen.wanted - len(seen.first):,} more")


def dry_run_document(seen: DryRun) -> dict[str, Any]:
    """The same for programs."""
    return {
        "job": seen.job.name,
        "scope": seen.scope.to_json(),
        "total": seen.total,
        "would_compute": seen.wanted,
        "reasons": {why.value: number for why, number in seen.reasons.items()},
        "failed": seen.failed,
        "first": [
            {"arguments": one.arguments, "why": one.why.value, "failed": one.failed}
            for one in seen.first
        ],
    }


def _arguments(cell: WantedCell) -> str:
    pairs = cell.arguments.items()
    return (
        " ".join(f"{n}={v if isinstance(v, str) else shown(v)}" for n, v in pairs)
        or "(no arguments)"
    )


def _reason(cell: WantedCell) -> str:
    return f"{cell.why.value.replace('_', ' ')}{', failed last time' if cell.failed else ''}"
