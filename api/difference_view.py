"""What changed between two moments, as /v1 and `larder diff --json` show it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from cache.clock import to_text
from jobs.difference import Change, Difference, Kind, Side
from jobs.value_parts import Part


class SideView(BaseModel):
    """A moment that is compared."""

    moment: str = Field(description="RFC 3339, in UTC")
    run: int | None = Field(description="the run at whose end it is, if one was named")


class PartView(BaseModel):
    """A part of a value that is not the same."""

    path: str = Field(description="as R would say it; empty for the value itself")
    before: Any
    after: Any
    change: float | None = Field(description="after less before; null unless both are numbers")
    relative: float | None = Field(description="that as a part of what it was; null of 0")


class ChangeView(BaseModel):
    """An answer that is not the same."""

    kind: Kind
    arguments: dict[str, Any] = Field(description="the cell's, or the key of the row")
    before: Any = Field(description="the value; null where there was none")
    after: Any = Field(description="the value; null where there is none")
    parts: list[PartView] = Field(description="of one that changed; the largest change first")
    parts_total: int = Field(description="how many parts differ; `parts` has the largest")


class DifferenceView(BaseModel):
    """What changed between two moments."""

    job: str
    before: SideView = Field(serialization_alias="from")
    after: SideView = Field(serialization_alias="to")
    same: int = Field(description="answers that are the same")
    changed: int
    appeared: int
    disappeared: int
    changes: list[ChangeView] = Field(description="the largest changes first")


def difference_view(found: Difference) -> DifferenceView:
    """Returns the document."""
    return DifferenceView(
        job=found.job,
        before=_side(found.before),
        after=_side(found.after),
        same=found.same,
        **{kind.value: count for kind, count in found.counts.items()},
        changes=[_change(change) for change in found.changes],
    )


def _side(side: Side) -> SideView:
    return SideView(moment=to_text(side.moment), run=side.run)


def _change(change: Change) -> ChangeView:
    return ChangeView(
        kind=change.kind,
        arguments=dict(change.arguments),
        before=change.before,
        after=change.after,
        parts=[_part(part) for part in change.parts],
        parts_total=change.parts_total,
    )


def _part(part: Part) -> PartView:
    return PartView(**vars(part))
