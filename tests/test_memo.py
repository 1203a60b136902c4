"""Replies remembered for a second: never longer, nor for others, nor after a change."""

from pathlib import Path

import anyio
import httpx
import pytest
from fakes import NoPool
from prepared import application, example_jobs, keep

from api.memo import Key, ReplyMemo
from api.reply import Reply
from cache.generations import Generations
from jobs.pantry import Pantry

FUNCTION = "scoring::gain"


class Second:
    """The time of day, as far as the memo is concerned."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def generations(tmp_path: Path) -> Generations:
    return Generations(tmp_path / "generations")


def request(path: bytes = b"/v1/results/a", *headers: tuple[bytes, bytes]) -> Key:
    scope = {"method": "GET", "raw_path": path, "query_string": b"", "headers": list(headers)}
    return ReplyMemo.key(scope)


def test_reply_holds_until_the_second_ends(generations: Generations) -> None:
    second = Second()
    memo = ReplyMemo(generations, second)
    memo.put(request(), Reply(200, b"one"), FUNCTION, memo.mark(FUNCTION))
    second.now += 0.9
    kept = memo.get(request())
    assert kept is not None
    assert kept.body == b"one"
    second.now += 0.2
    assert memo.get(request()) is None


def test_new_answer_ends_the_reply_at_once(generations: Generations) -> None:
    memo = ReplyMemo(generations, Second())
    memo.put(request(), Reply(200, b"one"), FUNCTION, memo.mark(FUNCTION))
    generations.bump(FUNCTION)
    assert memo.get(request()) is None


def test_answer_that_came_while_the_reply_was_made_ends_it(generations: Generations) -> None:
    memo = ReplyMemo(generations, Second())
    mark = memo.mark(FUNCTION)
    generations.bump(FUNCTION)
    memo.put(request(), Reply(200, b"one"), FUNCTION, mark)
    assert memo.get(request()) is None


def test_any_header_makes_another_request(generations: Generations) -> None:
    memo = ReplyMemo(generations, Second())
    memo.put(request(), Reply(200, b"one"), FUNCTION, memo.mark(FUNCTION))
    assert memo.get(request(b"/v1/results/a", (b"accept-encoding", b"br"))) is None
    assert memo.get(request(b"/v1/results/b")) is None


def test_every_answer_of_a_worker_is_the_newest(tmp_path: Path) -> None:
    pantry = Pantry(tmp_path, NoPool(), example_jobs())  # type: ignore[arg-type]

    async def ask_while_it_changes() -> None:
        transport = httpx.ASGITransport(application(pantry, tmp_path))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            for number in range(50):
                keep(pantry, exact=b"%d" % number, json=b"%d" % number)
                pantry.generations.bump(FUNCTION)
                for _ in range(3):
                    got = await client.get("/v1/results/weight_gain?treatment=CBT&prewt=80")
                    assert got.json() == number
                    call = {"treatment": "CBT", "prewt": 80}
                    got = await client.post("/ocpu/library/scoring/R/gain/json", json=call)
                    assert got.json() == number

    anyio.run(ask_while_it_changes)
    pantry.close()
