"""RetriesEntry: how retries may be written in a job file."""

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from jobs.entry import Entry, PositiveDuration
from jobs.retries import NO_RETRIES, Retries

Times = Annotated[int, Field(ge=0, le=10)]


class RetriesEntry(Entry):
    """How often what failed is tried again, and after what time."""

    times: Times = Field(description="How often, after the first attempt.", examples=[3])
    wait: PositiveDuration | None = Field(
        None,
        description="Time before the first of these; each time it is twice as long. "
        "Default: 1 second.",
        examples=["2 seconds"],
    )
    at_most: PositiveDuration | None = Field(
        None, description="The longest such time. Default: 1 minute.", examples=["1 minute"]
    )

    def retries(self) -> Retries:
        """What it says."""
        wait_s = self.wait or NO_RETRIES.wait_s
        return Retries(self.times, wait_s, max(wait_s, self.at_most or NO_RETRIES.at_most_s))


def _branch(value: object) -> str:
    return "<mapping>" if isinstance(value, dict | RetriesEntry) else "<number>"


AnyRetries = Annotated[
    Annotated[Times, Tag("<number>")] | Annotated[RetriesEntry, Tag("<mapping>")],
    Discriminator(_branch),
]


def retries_of(written: int | RetriesEntry | None) -> Retries:
    """The retries that an entry, or its lack, means."""
    if isinstance(written, RetriesEntry):
        return written.retries()
    return Retries(written or 0)
