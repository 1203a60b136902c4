"""Questions about the calls that wait for R or run now; part of `Pool`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class CallsUnderWay(ABC):
    """What the broker says of them, and does to them."""

    @abstractmethod
    def _ask(self, header: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
        """Returns the broker's answer."""

    def under_way(self) -> list[dict[str, Any]]:
        """Returns the calls that wait or run, in the order in which they came."""
        return list(self._ask({"operation": "under_way"})[0]["calls"])

    def taken(self) -> dict[str, float]:
        """Returns the seconds for which calls held R, by asker, since somebody last took them."""
        found: dict[str, float] = self._ask({"operation": "taken"})[0]["seconds"]
        return found

    def cancel(self, key: str) -> bool:
        """Ends a call that waits or runs, at once; whether there is one of this key.

        The key is that of the session which the call was to make: the name of its stage.
        """
        return bool(self._ask({"operation": "cancel", "key": key})[0]["cancelled"])

    def console(self, key: str, start: int = 0) -> tuple[bytes, int] | None:
        """Returns what a call printed and said since byte `start`, and the place behind that.

        It is what the session's console will show, so far; None where no call of this key waits or
        runs. Much of it comes in parts: the next is there at once.
        """
        answer, blobs = self._ask({"operation": "console", "key": key, "start": start})
        return None if answer["ends_at"] is None else (blobs[0], answer["ends_at"])
