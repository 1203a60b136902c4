"""Whether the job files are live as they are now, as /v1 shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field

from cache.clock import to_text
from jobs.live_definitions import LiveDefinitions


class Mistake(BaseModel):
    """One mistake in a job file."""

    file: str = Field(description="Relative to the project.")
    line: int = Field(description="From 1; 0 if the whole file is meant.")
    column: int
    message: str
    hint: str = Field(description="What to write instead, or empty.")
    severity: Literal["error", "warning"]


class DefinitionsView(BaseModel):
    """What came of the last reading of the job files."""

    valid: bool = Field(description="Whether the files as they are now are live.")
    read_at: str | None = Field(description="When they were read last.")
    live_since: str | None = Field(
        description="When what is live was taken over whole; null if the files held mistakes from "
        "the server's start, and only the jobs that are right are live."
    )
    jobs: int = Field(description="How many jobs are live.")
    problems: list[Mistake] = Field(
        description="What is wrong with the files; what was live before stays until it is mended."
    )


def definitions_view(state: Path, jobs: int) -> DefinitionsView:
    """Returns what the scheduler wrote down; before that, that `jobs` are live."""
    live = LiveDefinitions.read(state)
    if live is None:
        return DefinitionsView(valid=True, read_at=None, live_since=None, jobs=jobs, problems=[])
    return DefinitionsView(
        valid=live.valid,
        read_at=to_text(live.read_at),
        live_since=live.live_since and to_text(live.live_since),
        jobs=live.jobs,
        problems=[Mistake(**vars(problem)) for problem in live.problems],
    )
