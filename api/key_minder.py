"""The key minder: the thread of a worker that keeps its key ring, beside the requests."""

from __future__ import annotations

from threading import Event, Thread
from typing import Final

from api.key_ring import KeyRing

LOOK_EACH_S: Final = 1.0
NOTE_EACH: Final = 10
"""The use of keys is noted each so many looks."""


class KeyMinder:
    """Has changes of other machines noticed, and the use of keys noted, until it is closed.

    Args:
        keys: The worker's.
    """

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys
        self._stop = Event()
        self._thread = Thread(target=self._mind, name="keys", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def close(self) -> None:
        """Ends, with every use noted."""
        self._stop.set()
        self._thread.join()

    def _mind(self) -> None:
        looks = 0
        while not self._stop.wait(LOOK_EACH_S):
            looks += 1
            self._keys.refresh()
            if looks % NOTE_EACH == 0:
                self._keys.note_use()
        self._keys.note_use()
