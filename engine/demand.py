"""Which packages calls ask for, and so which are worth a template of their own."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterator, Mapping

WINDOW_S = 600.0
"""A package that no call asked for so long is not worth a template."""
ENOUGH_CALLS = 2
MOST_PACKAGES = 1000
"""Packages that are counted: whoever calls may invent names."""


class Demand:
    """Counts calls by package over the last minutes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=ENOUGH_CALLS))
        self._given_up: dict[str, float] = {}

    def note(self, package: str) -> None:
        """Counts a call."""
        if package in self._asked or len(self._asked) < MOST_PACKAGES:
            self._asked[package].append(self._clock())

    def give_up(self, package: str) -> None:
        """It cannot be loaded: no use to try again soon."""
        self._given_up[package] = self._clock()
        del self._asked[package]

    def wanted(self, there: Collection[str]) -> str | None:
        """Returns the package that most deserves a template, besides those that are there."""
        since = self._clock() - WINDOW_S
        self._forget(since)
        enough = [
            (asked[0], package)
            for package, asked in self._asked.items()
            if len(asked) == ENOUGH_CALLS
            and asked[0] > since
            and package not in there
            and package not in self._given_up
        ]
        return max(enough)[1] if enough else None

    def dispensable(self, sizes: Mapping[str, int], budget_bytes: int) -> Iterator[str]:
        """Yields what nobody asks for any more, and the least recent of what is too much."""
        since = self._clock() - WINDOW_S
        used = {
            package: self._asked[package][-1] if self._asked.get(package) else 0.0
            for package in sizes
        }
        total = sum(sizes.values())
        for package in sorted(used, key=used.__getitem__):
            if used[package] >= since and total <= budget_bytes:
                return
            total -= sizes[package]
            if total + sizes[package] > budget_bytes:
                self._given_up[package] = self._clock()  # else it came back at once
            yield package

    def _forget(self, since: float) -> None:
        for package in [name for name, asked in self._asked.items() if asked[-1] < since]:
            del self._asked[package]
        for package in [name for name, when in self._given_up.items() if when < since]:
            del self._given_up[package]
