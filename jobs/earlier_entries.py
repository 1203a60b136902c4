"""The answers of a job's cells at a moment of the past, all of them."""

from collections.abc import Iterator
from datetime import datetime

from cache.entry import Entry
from cache.errors import EntryFormatTooNew, EntryUnreadable
from cache.store import Store


def prepared_then(store: Store, job: str, moment: datetime) -> Iterator[Entry]:
    """The answers that the job's runs had prepared then, in the order of their keys.

    Those past their time at that moment are among them. One that cannot be read is left out.

    Raises:
        StoreUnavailable: The store cannot be read.
    """
    for key in sorted(keys_since(store, job, moment)):
        entry = entry_then(store, key, moment)
        if entry is not None and entry.pinned:
            yield entry


def entry_then(store: Store, key: str, moment: datetime) -> Entry | None:
    """The answer under this key then; None too where it cannot be read."""
    try:
        return store.as_of(key, moment)
    except (EntryUnreadable, EntryFormatTooNew):
        return None


def keys_since(store: Store, job: str, moment: datetime) -> set[str]:
    """The keys of all answers of the job that held at the moment or came after it."""
    current = {summary.cache_key for summary in store.summary(job)}
    return current | set(store.history.keys(job, moment))
