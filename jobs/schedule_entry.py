"""ScheduleEntry: how a schedule may be written in a job file."""

from dataclasses import replace
from typing import Annotated

from pydantic import Discriminator, Field, Tag, model_validator

from jobs.blackout import parse_blackout
from jobs.entry import Entry, PositiveDuration, Timezone, own_error, text_as, text_schema
from jobs.errors import ValueInvalid
from jobs.schedule_spec import (
    Missed,
    Overlap,
    ScheduleSpec,
    after_schedule,
    cron_schedule,
    every_schedule,
    parse_schedule,
    parse_time_of_day,
    shifted_schedule,
)

BlackoutText = Annotated[
    str,
    text_as(lambda text: parse_blackout(text).text),
    text_schema("Sat-Sun 00:00-06:00", "22:00-06:00"),
]


def _branch(value: object) -> str:
    if isinstance(value, dict):
        return "<mapping>"
    return "<list>" if isinstance(value, list) else "<text>"


_Jobs = Annotated[
    Annotated[str, Tag("<text>")] | Annotated[list[str], Tag("<list>")], Discriminator(_branch)
]


class ScheduleEntry(Entry):
    """A schedule written as a mapping: `cron`, `every` with `at`, or `after`; and what moves it."""

    cron: Annotated[str, text_as(lambda text: cron_schedule(text, "UTC").text)] | None = Field(
        None, description="A line of cron.", examples=["0 5 * * MON-FRI"]
    )
    every: PositiveDuration | None = Field(
        None, description="Time between two runs.", examples=["15 minutes"]
    )
    at: Annotated[str, text_as(parse_time_of_day)] | None = Field(
        None, description="Time of day from which `every` counts.", examples=["02:30"]
    )
    after: _Jobs | None = Field(
        None,
        description="A job, or several: it runs whenever all of these have succeeded anew.",
        examples=["other_job"],
    )
    timezone: Timezone | None = Field(None, description="Zone whose clock is read.")
    jitter: PositiveDuration | None = Field(
        None,
        description="Each run starts up to so much later, always equally late for the same time, "
        "so that not all jobs start at once.",
        examples=["5 minutes"],
    )
    blackout: list[BlackoutText] | None = Field(
        None,
        description="Windows of the week in which it does not fire: days, times, or both. What "
        "falls into one happens once, at its end.",
        examples=[["Sat-Sun 00:00-06:00"]],
    )

    missed: Missed | None = Field(
        None,
        description="What is made up for of the times that passed while the server was down: one "
        "run for all of them, one for each, or none. Default: once.",
        examples=["once"],
    )
    overlap: Overlap | None = Field(
        None,
        description="What happens if its time comes while the job is still being run: nothing, a "
        "run after that one, or a run in its place. Default: skip.",
        examples=["queue"],
    )

    @model_validator(mode="after")
    def _is_one_rule(self) -> "ScheduleEntry":
        try:
            self.spec("UTC")
        except ValueInvalid as error:
            raise own_error(error) from None
        return self

    def spec(self, timezone: str, job: str = "") -> ScheduleSpec:
        """The rule of that job, in `timezone` unless the entry names its own."""
        if self.after is not None:
            for key in ("jitter", "blackout", "missed", "overlap"):
                if getattr(self, key) is not None:
                    reason = f"'{key}' goes with 'cron' or 'every', not with 'after'"
                    raise ValueInvalid(reason, "leave it out")
        spec = shifted_schedule(
            self._times(timezone),
            blackout=tuple(map(parse_blackout, self.blackout or ())),
            jitter_s=self.jitter or 0.0,
            job=job,
        )
        return replace(spec, missed=self.missed or "once", overlap=self.overlap or "skip")

    def _times(self, timezone: str) -> ScheduleSpec:
        zone = self.timezone or timezone
        rules = [key for key in ("cron", "every", "after") if getattr(self, key) is not None]
        if len(rules) != 1:
            raise ValueInvalid(
                "a schedule has either 'cron' or 'every' or 'after'",
                "for example: {every: 1 day, at: '02:30'}",
            )
        if self.every is not None:
            return every_schedule(self.every, self.at, zone)
        if self.at is not None:
            hint = "put the time into cron" if self.cron else "leave it out"
            raise ValueInvalid(f"'at' goes with 'every', not with '{rules[0]}'", hint)
        if self.after is not None:
            return after_schedule([self.after] if isinstance(self.after, str) else self.after, zone)
        return cron_schedule(self.cron or "", zone)


def _schedule_text(text: str) -> str:
    return parse_schedule(text).text


_ONE_SCHEDULE = (
    Annotated[
        str,
        text_as(_schedule_text),
        text_schema("0 5 * * MON-FRI", "every 15 minutes", "at_start", "manual"),
        Tag("<text>"),
    ]
    | Annotated[ScheduleEntry, Tag("<mapping>")]
)


OneSchedule = Annotated[_ONE_SCHEDULE, Discriminator(_branch)]
Schedule = Annotated[
    _ONE_SCHEDULE | Annotated[list[OneSchedule], Tag("<list>")], Discriminator(_branch)
]
