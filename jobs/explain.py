"""Explaining: what there is for a call, why, and what made it. No R, no write."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from cache.entry import State, Version
from cache.keys import Value
from jobs.argument_fault import ArgumentFault
from jobs.call import is_prepared
from jobs.errors import ArgumentInvalid
from jobs.job import Job
from jobs.making import Making, making_of_cell, making_of_row
from jobs.near_cell import Difference, NearCell, near_cell, near_key
from jobs.pantry import Pantry
from jobs.r_expression import RExpression
from jobs.repository import Catalog
from jobs.status import Outcome
from jobs.why import Why, why_of

OnAsking = Literal["served", "served_and_renewed", "computed", "refused"]


@dataclass(frozen=True)
class Explanation:
    """What a call would find at a moment.

    Attributes:
        job: The job.
        arguments: The canonical ones; where some are not allowed, those that are.
        now: The moment.
        version: The job's current version, if one was published.
        why: The reason for the answer's state.
        prepared: Whether the job's runs compute it.
        on_asking: What the server does when somebody asks for it.
        cache_key: Of the answer; None for a row, and where the arguments are not allowed.
        faults: What the job does not allow.
        nearest: Of what is not prepared, the nearest that is.
        made_by: What made the answer that is there, even one too old to be served.
        error: Why the last run that tried could not compute it.
    """

    job: Job
    arguments: dict[str, Value]
    now: datetime
    version: Version | None
    why: Why
    prepared: bool
    on_asking: OnAsking
    cache_key: str | None = None
    faults: tuple[ArgumentFault, ...] = ()
    nearest: NearCell | None = None
    made_by: Making | None = None
    error: str | None = None

    @property
    def state(self) -> State:
        """Fresh (a hit), stale or a miss."""
        return self.why.state


def explain(
    pantry: Pantry,
    catalog: Catalog,
    name: str,
    pairs: Sequence[tuple[str, str]],
    *,
    with_r: bool = True,
) -> Explanation:
    """Explains the answer of the job `name` to the arguments of a query.

    Without `with_r` it is for somebody for whom R is never asked: the rows that R makes are not
    looked through for one that has no answer yet, either.

    Raises:
        JobNotFound: There is no such job.
        RowsUnreadable: The table of the rows job cannot be read.
        StoreUnavailable, CatalogUnavailable: What is stored cannot be read.
    """
    job = pantry.jobs.job(name)
    version = pantry.versions.current(name)
    now = pantry.clock()
    try:
        arguments = job.arguments_from_query(pairs)
    except ArgumentInvalid as error:
        blank = Explanation(
            job, {}, now, version, Why.NOT_ALLOWED, prepared=False, on_asking="refused"
        )
        return replace(_with_nearest_allowed(blank, pairs), faults=error.faults)
    if job.rows is not None:
        looks = with_r or not isinstance(job.rows.source, RExpression)
        seen = _of_row(pantry, catalog, job, arguments[job.rows.key], (now, version), looks=looks)
    else:
        seen = _of_cell(pantry, catalog, job, arguments, (now, version))
    if with_r:
        return seen
    return replace(seen, on_asking="refused" if seen.state is State.MISS else "served")


def _of_cell(
    pantry: Pantry,
    catalog: Catalog,
    job: Job,
    arguments: dict[str, Value],
    at: tuple[datetime, Version | None],
) -> Explanation:
    now, version = at
    cache_key = job.cache_key(arguments)
    entry = pantry.store.summaries_of([cache_key]).get(cache_key)
    prepared = is_prepared(job, arguments)
    why = why_of(entry, now, version)
    if why is Why.NEVER and not prepared:
        why = Why.NOT_PREPARED
    outcome = catalog.cell(job.name, cache_key)
    failed = outcome is not None and outcome.outcome is Outcome.FAILED and why is not Why.FRESH
    return Explanation(
        job,
        arguments,
        now,
        version,
        why,
        prepared,
        _on_asking(job, why),
        cache_key=cache_key,
        nearest=near_cell(job, arguments) if why.state is State.MISS and not prepared else None,
        made_by=making_of_cell(catalog, job.name, entry, version) if entry else None,
        error=outcome.error if outcome is not None and failed else None,
    )


def _of_row(
    pantry: Pantry,
    catalog: Catalog,
    job: Job,
    asked: Value,
    at: tuple[datetime, Version | None],
    *,
    looks: bool,
) -> Explanation:
    assert job.rows is not None  # noqa: S101 - the caller looked
    now, version = at
    column = job.rows.key
    row = pantry.row_answers.table(job).get(str(asked))
    why = why_of(row, now, version)
    key: int | str = row.key if row is not None else str(asked)
    nearest = None
    if why is Why.NEVER and looks:
        with pantry.row_answers.source(job) as source:
            key = source.parse_key(str(asked))
            if source.keys.place(key) is None:
                why = Why.NOT_IN_SOURCE
                like = near_key(source.keys, key)
                if like is not None:
                    nearest = NearCell({column: like}, (Difference(column, key, like),))
    return Explanation(
        job,
        {column: key},
        now,
        version,
        why,
        why is not Why.NOT_IN_SOURCE,
        _on_asking(job, why),
        nearest=nearest,
        made_by=making_of_row(catalog, job.name, row, version) if row else None,
    )


def _on_asking(job: Job, why: Why) -> OnAsking:
    if why is Why.FRESH:
        return "served"
    if why.state is State.STALE:
        return "served_and_renewed"
    return "refused" if job.on_miss == "refuse" or why is Why.NOT_IN_SOURCE else "computed"


def _with_nearest_allowed(blank: Explanation, pairs: Sequence[tuple[str, str]]) -> Explanation:
    """What can be understood of arguments that are not allowed, and the cell nearest to them."""
    job = blank.job
    asked: dict[str, Value] = {}
    allowed: dict[str, Value] = {}
    for name, text in pairs:
        spec = job.argument(name)
        if spec is None or name in asked:
            continue
        try:
            asked[name] = allowed[name] = spec.parse(text)
        except ArgumentInvalid:
            asked[name] = _as_written(text)
    nearest = near_cell(job, job.complete(asked)) if asked else None
    return replace(blank, arguments=job.complete(allowed), nearest=nearest)


def _as_written(text: str) -> Value:
    try:
        value: Value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, int | float) else text
