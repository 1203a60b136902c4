"""Promises in seconds: a saved job file goes live, and a scheduler that is gone is replaced."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench import reload, takeover
from bench.figures import Figure
from bench.server import Server


def measure(server: Server, folder: Path, *, repetitions: int) -> Iterator[Figure]:
    yield from reload.measure(server, repetitions=repetitions)
    yield from takeover.measure(folder, repetitions=repetitions)
