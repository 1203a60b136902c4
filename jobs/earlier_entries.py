"""The answers of a job's cells at a moment of the past."""

from datetime import datetime

from cache.entry import Entry
from cache.errors import EntryFormatTooNew, EntryUnreadable
from cache.store import Store


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
