"""What an API process keeps of large answers once they are sent."""

import sys
import threading
from pathlib import Path

import pytest
from busy import busy
from soak_work import Client, large

from bench.roles import by_role, pss

pytestmark = pytest.mark.server

MIB = 2**20


def test_threads_keep_nothing_of_large_answers(tmp_path: Path) -> None:
    with busy(tmp_path) as server:
        assert server.server.process is not None
        (api,) = by_role(server.server.process.pid)["api"]
        before = pss(api)
        failed: list[object] = []
        clients = [
            threading.Thread(target=_ask, args=(server.server.url, number, failed))
            for number in range(6)
        ]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        assert failed == []
        assert pss(api) - before < 50 * MIB


def _ask(url: str, seed: int, failed: list[object]) -> None:
    try:
        with Client(url, seed) as client:
            for _ in range(2):
                large(client)
    except BaseException:  # noqa: BLE001  # the thread's own: told by the test
        failed.append(sys.exc_info())
