"""The job files' language as pydantic models; the JSON Schema for editors comes from them too."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from jobs.cells_entry import ArgumentEntry, GridEntry, RowsEntry
from jobs.entry import Duration, Entry, PositiveDuration, RCode, Timezone
from jobs.input_entry import RefreshWhenEntry
from jobs.limits_entry import LimitsEntry
from jobs.notify_entry import NotifyEntry
from jobs.retries_entry import AnyRetries
from jobs.schedule_entry import Schedule

OutputFormat = Literal[
    "json", "csv", "tab", "ndjson", "text", "print", "md", "rds", "rda", "pb", "png", "svg", "pdf"
]


class CacheEntry(Entry):
    """How long answers are fresh, may still be served, and are kept."""

    fresh_for: Duration | None = Field(
        None, description="How long an answer counts as current. Default: 24 hours."
    )
    serve_stale_for: Duration | None = Field(
        None, description="How long it is then still served while it is refreshed. Default: 7 days."
    )
    keep: Duration | None = Field(
        None, description="How long it stays on disk at all. Default: 90 days."
    )


class Defaults(Entry):
    """What every job of the file has unless it says otherwise."""

    schedule: Schedule | None = Field(
        None,
        description="When the job runs: cron, every, after, at_start, manual, or several of them. "
        "Default: manual.",
        examples=["0 5 * * MON-FRI"],
    )
    timezone: Timezone | None = Field(None, description="Zone whose clock the schedules read.")
    cache: CacheEntry | None = Field(
        None,
        description="How long answers live.",
        examples=[{"fresh_for": "24 hours", "serve_stale_for": "7 days"}],
    )
    on_miss: Literal["run", "refuse"] | None = Field(
        None, description="What a call does that was not prepared. Default: run."
    )
    outputs: list[OutputFormat] | None = Field(
        None, description="Formats rendered ahead of time. Default: [json].", examples=[["json"]]
    )
    seed: Annotated[int, Field(ge=-(2**31) + 1, le=2**31 - 1)] | None = Field(
        None, description="Given to set.seed() before each call.", examples=[20260101]
    )
    timeout: PositiveDuration | None = Field(
        None, description="Longest time of one call. Default: 90 seconds."
    )
    limits: LimitsEntry | None = Field(
        None,
        description="What else one call may take. Default: as the server's settings say.",
        examples=[{"memory": "1 GB", "cpu_time": "1 minute"}],
    )
    network: bool | None = Field(
        None,
        description="Whether the function may open connections. Default: false.",
        examples=[True],
    )
    retries: AnyRetries | None = Field(
        None,
        description="How often a run tries again what failed, and after what time. Default: 0.",
        examples=[2],
    )
    concurrency: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None,
        description="Most R processes that a run of the job keeps busy. "
        "Default: as many as the server has processors.",
        examples=[1],
    )
    priority: Literal["low", "normal", "high"] | None = Field(
        None,
        description="Whose run begins, and computes, first where several jobs are run. "
        "Default: normal.",
        examples=["high"],
    )
    notify: NotifyEntry | None = Field(
        None,
        description="Who is told when runs fail, answers go stale or change. Default: nobody.",
        examples=[{"on": ["failed", "stale"], "email": "team@example.com"}],
    )
    isolation: Literal["cell", "batch"] | None = Field(
        None,
        description="Whether each cell of a grid gets an R process of its own, or many share one, "
        "which is put back in order after each. Default: batch.",
        examples=["cell"],
    )
    sessions: Literal["keep", "none"] | None = Field(
        None,
        description="Whether each cell of a grid that a run computes keeps its session (console, "
        "source, plots, files), or nothing but its value: for many cheap cells. Default: keep.",
        examples=["none"],
    )
    tags: list[str] | None = Field(
        None, description="Words to find jobs by.", examples=[["regulated"]]
    )
    owner: str | None = Field(
        None, description="Who answers for the job.", examples=["analytics@example.com"]
    )


class JobEntry(Defaults):
    """One job: a function, the arguments to prepare, and when."""

    model_config = ConfigDict(
        json_schema_extra={
            "required": ["function"],
            "examples": [{"function": "scoring::gain", "schedule": "0 5 * * *"}],
        }
    )

    description: str | None = Field(
        None, description="One sentence for people.", examples=["Expected weight gain"]
    )
    # Not required here: a job without it still gets all its other mistakes reported.
    function: str | None = Field(
        None,
        description="The R function, as package::function.",
        examples=["scoring::gain"],
    )
    args: dict[str, ArgumentEntry | None] | None = Field(
        None,
        description="The function's arguments.",
        examples=[{"level": {"type": "number", "default": 0.95}}],
    )
    grid: GridEntry | None = Field(
        None,
        description="What is computed ahead, as expand.grid().",
        examples=[{"prewt": {"from": 70, "to": 95, "by": 1}}],
    )
    rows: RowsEntry | None = Field(
        None,
        description="What is computed ahead, one answer per row of a table.",
        examples=[
            {"from": {"csv": "data/customers.csv"}, "key": "customer_id", "pass_as": "newdata"}
        ],
    )
    refresh_when: RefreshWhenEntry | None = Field(
        None,
        description="What the answers are made of: a run computes a cell when this has changed.",
        examples=[{"file": "data/visits.csv"}],
    )
    checks: list[RCode] | None = Field(
        None,
        description="R expressions about an answer, `value`; one that does not give TRUE fails it.",
        examples=[["is.finite(value$gain)"]],
    )


class JobFile(Entry):
    """A file of job definitions."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"jobs": {"weight_gain": {"function": "scoring::gain"}}}]}
    )

    version: Literal[1] = Field(1, description="Version of this language.", examples=[1])
    defaults: Defaults | None = Field(
        None,
        description="What every job of this file has unless it says otherwise.",
        examples=[{"timezone": "America/Chicago"}],
    )
    jobs: dict[str, JobEntry | None] = Field(
        description="The jobs by name.",
        examples=[{"weight_gain": {"function": "scoring::gain"}}],
    )


def schema() -> dict[str, Any]:
    """The JSON Schema of a job file (2020-12)."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {**dialect, **JobFile.model_json_schema(by_alias=True), "title": "Larder job file"}
