"""Sessions as one caller sees them: theirs, those shared, and those of answers they may read.

Any other is to them as if it were not there.
"""

from __future__ import annotations

from dataclasses import dataclass

from api.caller import Caller
from api.refusals import Forbidden
from cache.errors import SessionError, SessionNotFound
from cache.sessions import Session
from jobs.pantry import Pantry


@dataclass(frozen=True)
class SessionAccess:
    """What a caller sees of the sessions. Blocks.

    Attributes:
        pantry: Where they are.
        caller: Who looks.
    """

    pantry: Pantry
    caller: Caller

    def open(self, session_key: str) -> Session:
        """Returns the session.

        Raises:
            SessionNotFound: there is none, or it is not for this caller.
            SessionError, StoreUnavailable: it cannot be read.
        """
        session = self.pantry.stored_sessions.open(session_key)
        if not (self.is_own(session) or session.manifest.shared or self._is_answer(session)):
            raise SessionNotFound(session_key)
        return session

    def sees(self, session_key: str) -> bool:
        """Whether there is a session of this key for the caller."""
        if self.caller.sees_all:
            return True
        try:
            self.open(session_key)
        except SessionError:
            return False
        return True

    def is_own(self, session: Session) -> bool:
        """Whether the caller made it, or may do with all what their makers may."""
        owner = session.manifest.owner
        return self.caller.sees_all or (owner != "" and owner == self.caller.name)

    def owns(self, session_key: str) -> bool:
        """Whether there is a session of this key that the caller made."""
        try:
            return self.is_own(self.pantry.stored_sessions.open(session_key))
        except SessionError:
            return False

    def own(self, session_key: str) -> Session:
        """Returns the session, for what its maker alone may do.

        Raises:
            SessionNotFound: there is none for this caller.
            Forbidden: they may read it and no more.
        """
        session = self.open(session_key)
        if not self.is_own(session):
            raise Forbidden(f"session {session_key} was made with another key: you may read it")
        return session

    def _is_answer(self, session: Session) -> bool:
        """Whether it is that of an answer which the caller may read."""
        holder = self.pantry.stored_sessions.holder(session)
        if holder is None:
            return False
        jobs = self.pantry.jobs.declaring(holder.function)
        return any(self.caller.may_read(job.name) for job in jobs)
