"""The engine: a trivial call, a chain of calls, and the memory of what stands ready for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench import call, chain, memory
from bench.figures import Figure
from bench.server import Server


def measure(
    server: Server, folder: Path, *, rounds: int, repetitions: int, seconds: float
) -> Iterator[Figure]:
    yield from call.measure(server, folder, rounds=rounds, repetitions=repetitions, seconds=seconds)
    yield from chain.measure(server, folder, rounds=rounds)
    yield from memory.measure(server)
