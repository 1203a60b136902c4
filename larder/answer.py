"""Answer: one result of a job as bytes, found as the API would find it."""

import csv
import io
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

import orjson

from cache.entry import Entry
from cache.keys import Value
from cache.tables import RowAnswer
from engine.call import Output
from engine.errors import CallRefused, RError
from engine.pool import Pool
from jobs.call import call_of_query
from jobs.earlier import find_earlier, find_earlier_row
from jobs.job import Job
from jobs.job_set import JobSet
from jobs.kept_value import render_kept
from jobs.moment import parse_moment
from jobs.outputs import DRAWN, EXACT, can_be_made
from jobs.pantry import Pantry
from jobs.project import Project
from jobs.repository import Catalog
from jobs.resolution import Resolution
from jobs.row_resolution import RowResolution
from jobs.version_keeper import VersionKeeper
from larder.errors import FormatUnavailable
from larder.private_engine import engine_for
from larder.settings import Settings
from larder.state import make_state_folder
from larder.wiring import open_catalog, open_pantry, open_pool


@dataclass(frozen=True)
class Then:
    """When an answer of the past was computed, and by which version of its job."""

    computed_at: datetime
    version: str


@dataclass(frozen=True)
class Answer:
    """An answer in one format.

    Attributes:
        content: Its bytes.
        computed: Whether R was called for it now.
        age_s: Seconds since it was computed.
        ttl_s: Seconds for which it is still fresh; 0 or less where it is not.
        took_s: Seconds that it took to come by.
        then: What made it, if it is one of the past.
    """

    content: bytes
    computed: bool
    age_s: float
    ttl_s: float
    took_s: float = 0.0
    then: Then | None = None


class _Way(Protocol):
    """How an answer is come by."""

    def look(self, pantry: Pantry) -> Answer | None:
        """What is there, in the format asked for; without R."""

    def look_then(self, pantry: Pantry, catalog: Catalog, moment: datetime) -> Answer:
        """What was current then; without R."""

    def make(self, pantry: Pantry, pool: Pool) -> Answer:
        """What R makes of it."""


def find_answer(
    settings: Settings,
    project: Project,
    name: str,
    pairs: Sequence[tuple[str, str]],
    form: str,
    *,
    as_of: str | None = None,
) -> Answer:
    """The answer of the job `name` for the arguments of `pairs`, computed if it is not there.

    With `as_of` it is what was current at that moment of the past.

    Raises:
        NoAnswerThen: Nothing was.
        JobNotFound, ArgumentInvalid: There is no such job, or it does not take these arguments.
        FormatUnavailable: The answer has no such form.
        JobError, EngineError: It could not be computed.
    """
    jobs = JobSet(project.jobs.values())
    job = jobs.job(name)
    values = job.arguments_from_query(pairs)
    way: _Way = _Cell(job, values, form)
    if job.rows is not None:
        way = _Row(job, str(values[job.rows.key]), form)
    make_state_folder(settings.state_folder)
    with closing(open_pantry(settings, open_pool(settings), jobs)) as pantry:
        if as_of is not None:
            moment = parse_moment(as_of, job.timezone, pantry.clock())
            with closing(open_catalog(settings)) as catalog:
                return way.look_then(pantry, catalog, moment)
        answer = way.look(pantry)
    return answer or _made(settings, jobs, job, way)


def _made(settings: Settings, jobs: JobSet, job: Job, way: _Way) -> Answer:
    with (
        engine_for(settings) as pool,
        closing(open_catalog(settings)) as catalog,
        closing(open_pantry(settings, pool, jobs)) as pantry,
    ):
        VersionKeeper(catalog, pool, pantry.versions).renew(job)
        began = time.monotonic()
        answer = way.make(pantry, pool)
        return replace(answer, took_s=time.monotonic() - began)


@dataclass(frozen=True)
class _Cell:
    """An answer that is an entry of its own."""

    job: Job
    values: dict[str, Value]
    form: str

    def look(self, pantry: Pantry) -> Answer | None:
        found = pantry.resolver.look(call_of_query(self.job, self.values), self.job)
        content = self._stored(found.entry)
        return None if content is None else _answer(found, content)

    def look_then(self, pantry: Pantry, catalog: Catalog, moment: datetime) -> Answer:
        call = call_of_query(self.job, self.values)
        entry = find_earlier(pantry, catalog, self.job, call, moment)
        content = self._stored(entry)
        if content is None:
            raise FormatUnavailable(self.job.name, self.form, "it was not kept in this form")
        return _earlier(content, entry.computed_at, moment, entry.version)

    def make(self, pantry: Pantry, pool: Pool) -> Answer:
        call = call_of_query(self.job, self.values)
        found = pantry.resolver.look(call, self.job)
        if found.entry is None or self._is_to_be_made_anew(found.entry):
            job = pantry.jobs.job(self.job.name)  # its grid has what runs read from outside
            found = pantry.materialise(call, job, also=[Output(self._label, self._label)])
        content = self._stored(found.entry)
        return _answer(found, self._rendered(found, pool) if content is None else content)

    @property
    def _label(self) -> str:
        return EXACT if self.form == "json" else self.form

    def _stored(self, entry: Entry | None) -> bytes | None:
        body = entry.bodies.get(self._label) if entry is not None else None
        return None if body is None else body.content

    def _is_to_be_made_anew(self, entry: Entry) -> bool:
        """Whether it takes a session, which cells of this job do not keep."""
        is_there = self._label in entry.bodies or can_be_made(entry, self.form)
        return self.job.sessions == "none" and not is_there

    def _rendered(self, found: Resolution, pool: Pool) -> bytes:
        """The answer made from its session or value, where it was not rendered when computed."""
        entry = found.entry
        if entry is None or not can_be_made(entry, self.form):
            raise FormatUnavailable(self.job.name, self.form, "its session is gone")
        fields: dict[str, Any] = {
            "session_key": entry.session_key,
            "format": self.form,
            "options": {},
        }
        try:
            if self.form not in DRAWN:
                return render_kept(pool, self.job, entry, self.form).content
            drawn = sum(one.startswith("graphics/") for one in entry.listing)
            if not drawn:
                raise FormatUnavailable(self.job.name, self.form, "the function draws nothing")
            return pool.render("render_session_plot", {**fields, "index": drawn}).content
        except (CallRefused, RError) as error:
            raise FormatUnavailable(self.job.name, self.form, str(error)) from error


@dataclass(frozen=True)
class _Row:
    """An answer that is a row of the job's table."""

    job: Job
    key: str
    form: str

    def look(self, pantry: Pantry) -> Answer | None:
        if self.form in DRAWN:
            raise FormatUnavailable(self.job.name, self.form, "it is a row of a table")
        found = pantry.row_answer(self.job, self.key)
        return None if found.answer is None else self._answer(found)

    def look_then(self, pantry: Pantry, catalog: Catalog, moment: datetime) -> Answer:  # noqa: ARG002 - as the other way
        row = find_earlier_row(pantry, self.job, self.key, moment)
        return _earlier(self._content(row), row.computed_at, moment, row.version)

    def make(self, pantry: Pantry, pool: Pool) -> Answer:  # noqa: ARG002 - as the other way
        return self._answer(pantry.begin_row(self.job, self.key).result())

    def _answer(self, found: RowResolution) -> Answer:
        assert found.answer is not None  # noqa: S101 - looked at, or just made
        return _answer(found, self._content(found.answer))

    def _content(self, row: RowAnswer) -> bytes:
        values = {self.job.rows.key if self.job.rows else "key": row.key, **row.values}
        return _csv(values) if self.form == "csv" else _json(values)


def _answer(found: Resolution | RowResolution, content: bytes) -> Answer:
    return Answer(content, found.computed, found.age_s, found.ttl_s)


def _earlier(content: bytes, computed_at: datetime, moment: datetime, version: str) -> Answer:
    age_s = (moment - computed_at).total_seconds()
    return Answer(content, computed=False, age_s=age_s, ttl_s=0, then=Then(computed_at, version))


def _json(values: dict[str, Any]) -> bytes:
    return orjson.dumps(values, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _csv(values: dict[str, Any]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(values)
    writer.writerow("" if value is None else value for value in values.values())
    return text.getvalue().encode()
