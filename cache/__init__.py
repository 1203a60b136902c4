"""The floor of Larder: finds and keeps results, ignorant of R and of HTTP."""

from cache.clock import utcnow
from cache.entry import Body, Entry, EntrySummary, Freshness, State, Version
from cache.errors import CacheError
from cache.generations import Generations
from cache.keys import cache_key, form_value
from cache.sessions import Manifest, Session, SessionFolder, Stage
from cache.store import Store
from cache.sweep import Sweep, SweepReport
from cache.tables import RowAnswer, RowTable

__all__ = [
    "Body",
    "CacheError",
    "Entry",
    "EntrySummary",
    "Freshness",
    "Generations",
    "Manifest",
    "RowAnswer",
    "RowTable",
    "Session",
    "SessionFolder",
    "Stage",
    "State",
    "Store",
    "Sweep",
    "SweepReport",
    "Version",
    "cache_key",
    "form_value",
    "utcnow",
]
