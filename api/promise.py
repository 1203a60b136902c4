"""Promises: answers that come later, for clients who do not wait for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import orjson

from api.call_document import Accepted, addresses_of, result_url_of
from api.errors import OURS, CallInterrupted
from api.reply import Reply
from cache.call_records import CallRecord, CallRecords
from cache.clock import Clock
from jobs.errors import CallFailed
from jobs.materialise import Evaluated
from jobs.owner import Owner
from jobs.resolution import Resolution
from jobs.row_resolution import RowResolution

Made = TypeVar("Made", Evaluated, Resolution, RowResolution)

RETRY_AFTER_S = 1


@dataclass
class Promise:
    """One answer that is to come: given when the call is sure to be made, and kept when it was.

    Attributes:
        key: Of the session that the call makes.
        records: Where it is noted, for every worker to look up.
        clock: Gives the moment.
        given: Is told, in the call's thread, that the client need not wait any longer.
        address: Where the answer will be: a path of its own, or one below its session.
        caller: Whose it is.
    """

    key: str
    records: CallRecords
    clock: Clock
    given: Callable[[], None]
    address: str = ""
    caller: str = ""
    _record: CallRecord | None = field(default=None, init=False)

    def keep(self, function: str, make: Callable[[str], Made], *, is_shared: bool) -> Made:
        """Returns what `make` does of the key, and notes how that came out.

        `is_shared`: whether somebody else may be making the same, whose session is the answer then.

        Raises:
            StoreFull, StoreUnavailable: it cannot be noted, so it is not promised.
        """
        self._record = CallRecord(
            key=self.key,
            function=function,
            began_at=self.clock(),
            owner=str(Owner.here()),
            address=self.address,
            caller=self.caller,
            session_key=None if is_shared else self.key,
        )
        self.records.put(self._record)
        self.given()
        try:
            made = make(self.key)
        except CallFailed as error:
            self.records.end(self.key, function, session_key=error.session_key)
            raise
        except OURS as error:
            self.records.end(self.key, function, failure=type(error).__name__, reason=str(error))
            raise
        except BaseException:
            self.break_off("the server made a mistake; its log says more")
            raise
        self.records.end(self.key, function, session_key=_session_of(made))
        return made

    def break_off(self, reason: str = "") -> None:
        """Notes that the call was interrupted: nothing more will come of it."""
        if self._record is not None:
            error = CallInterrupted(reason)
            kind = type(error).__name__
            self.records.end(self.key, self._record.function, failure=kind, reason=str(error))

    def reply(self) -> Reply:
        """Returns the answer for now: 202, and where to look for more."""
        status_url, events_url = addresses_of(self.key)
        session_key = None if self._record is None else self._record.session_key
        document = Accepted(
            key=self.key,
            status_url=status_url,
            events_url=events_url,
            result_url=result_url_of(self.address, session_key),
        )
        headers = (
            ("Location", status_url),
            ("Preference-Applied", "respond-async"),
            ("Retry-After", str(RETRY_AFTER_S)),
            ("Cache-Control", "no-store"),
        )
        return Reply(202, orjson.dumps(document.model_dump()), "application/json", headers)


def asked(
    promise: Promise | None,
    function: str,
    make: Callable[[str | None], Made],
    *,
    is_shared: bool = True,
) -> Made:
    """Returns what `make` does, for a client who waits or for one who has a promise."""
    if promise is None:
        return make(None)
    return promise.keep(function, make, is_shared=is_shared)


def _session_of(made: Evaluated | Resolution | RowResolution) -> str | None:
    if isinstance(made, Evaluated):
        return made.session_key
    if isinstance(made, Resolution) and made.entry is not None:
        return made.entry.session_key
    return None
