"""Renewal: answers whose input did not change are made fresh anew, without R."""

from collections.abc import Collection
from dataclasses import replace

from cache.entry import Entry, EntryFacts, EntrySummary, Version
from jobs.job import Job
from jobs.new_entry import FINGERPRINT
from jobs.pantry import Pantry


def has_same_input(answer: EntryFacts, version: Version, input_now: str | None) -> bool:
    """Whether an answer of this version was made of the input as it is now."""
    return (
        input_now is not None
        and answer.extra.get(FINGERPRINT) == input_now
        and answer.version == version.digest
    )


def renew(
    pantry: Pantry, job: Job, keys: Collection[str], version: Version, input_now: str | None
) -> dict[str, EntrySummary]:
    """Makes these answers fresh; returns them, without those that have gone or are new."""
    if not keys:
        return {}
    fresh_until, stale_until, keep_until = job.freshness.until(pantry.clock())

    def revised(entry: Entry) -> Entry | None:
        if not has_same_input(entry, version, input_now):
            return None
        return replace(
            entry, fresh_until=fresh_until, stale_until=stale_until, keep_until=keep_until
        )

    done = pantry.store.revise_many(keys, revised)
    if done:
        pantry.generations.bump(job.qualified)
    return dict(pantry.store.summaries_of(done))
