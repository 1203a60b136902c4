"""Sessions of a server, and the entries that hold them: an answer needs its session to be there."""

from datetime import timedelta

from cache.clock import Clock
from cache.entry import EntrySummary
from cache.errors import SessionNotFound
from cache.generations import Generations
from cache.sessions import Session, SessionFolder
from cache.store import Store
from jobs.errors import SessionPinned


class StoredSessions:
    """Opens and removes sessions, with regard to the answers that are made of them.

    Args:
        sessions: Where they are.
        store: The answers.
        generations: Are told of answers that went.
        clock: Gives the moment.
        keep_s: How long a session stays that no answer holds; None: until it is swept.
    """

    def __init__(
        self,
        sessions: SessionFolder,
        store: Store,
        generations: Generations,
        *,
        clock: Clock,
        keep_s: float | None = None,
    ) -> None:
        self._sessions = sessions
        self._store = store
        self._generations = generations
        self._clock = clock
        self._keep_s = keep_s

    def open(self, session_key: str) -> Session:
        """The session. Reads one small file, and for an old session the store.

        Raises:
            SessionNotFound: There is none, or its time is over, swept yet or not.
            SessionError: Its manifest cannot be read.
            StoreUnavailable: The disk refuses.
        """
        session = self._sessions.open(session_key)
        if self._is_old(session) and self.holder(session) is None:
            raise SessionNotFound(session_key)
        return session

    def remove(self, session_key: str) -> None:
        """Removes a session now, and the answer made of it: the next such call computes again.

        Raises:
            SessionNotFound: There is none.
            SessionPinned: It holds an answer that a job prepared.
            StoreFull, StoreUnavailable: The answer could not be removed; the session stays too.
        """
        session = self.open(session_key)
        holder = self.holder(session)
        if holder is not None:
            if holder.pinned:
                raise SessionPinned(session_key, holder.job)
            # The answer first: nobody must find one whose session is gone.
            self._store.discard([holder])
            self._generations.bump(holder.function)
        if not self._sessions.delete(session_key):
            raise SessionNotFound(session_key)  # somebody else was quicker

    def _is_old(self, session: Session) -> bool:
        if self._keep_s is None:
            return False
        return session.manifest.created_at + timedelta(seconds=self._keep_s) <= self._clock()

    def holder(self, session: Session) -> EntrySummary | None:
        """The entry whose answer is this session; None where it is that of none."""
        cache_key = session.manifest.cache_key
        if cache_key is None:
            return None
        entry = self._store.summaries_of([cache_key]).get(cache_key)
        return entry if entry is not None and entry.session_key == session.session_key else None
