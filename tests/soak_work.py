"""Kinds of work for a soak: each asks for something and checks the answer against what is right.

A kind raises `Disturbed` where the engine says that it was disturbed, and AssertionError where an
answer is wrong: the soak knows whether anything was killed that would explain the former.
"""

import json
import random
import socket
import string
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Self

import httpx

PNG = b"\x89PNG"
DISTURBED = (
    "R stopped in the middle of the call",
    "the R engine does not answer",
    "a new one is not ready yet",
)
"""What an answer says whose R, or way to it, was taken away."""


class Disturbed(Exception):
    """The engine, or a part of it, went away in the middle."""


class Client:
    """One of those who ask; a thread has it for itself."""

    def __init__(self, url: str, seed: int) -> None:
        self.http = httpx.Client(base_url=url, timeout=90, trust_env=False)
        self.random = random.Random(seed)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def ask(self, status: int, method: str, path: str, **options: object) -> httpx.Response:
        """The answer, which has this status."""
        answer = self.http.request(method, path, **options)  # type: ignore[arg-type]
        if answer.status_code in (500, 503) and any(word in answer.text for word in DISTURBED):
            raise Disturbed(answer.text)
        assert answer.status_code == status, (path, answer.status_code, answer.text[:500])
        return answer

    def call(self, function: str, status: int = 201, **arguments: str) -> httpx.Response:
        package, _, name = function.partition("::")
        path = f"/ocpu/library/{package}/R/{name}"
        return self.ask(status, "POST", path, data=arguments)

    def done_with(self, *answers: httpx.Response) -> None:
        """Removes their sessions: what is left in the end was left by nobody who was answered."""
        for answer in answers:
            self.ask(200, "DELETE", f"/ocpu/tmp/{answer.headers['x-ocpu-session']}")

    def word(self, length: int = 12) -> str:
        return "".join(self.random.choices(string.ascii_lowercase, k=length))


def echo(client: Client) -> None:
    text = client.word(client.random.choice((1, 100, 5000)))
    answer = client.call("base::identity/json", x=json.dumps(text))
    assert answer.json() == [text]
    client.done_with(answer)


def adds(client: Client) -> None:
    numbers = [client.random.randrange(1000) for _ in range(20)]
    answer = client.call("base::sum/json", **{"...": ",".join(map(str, numbers))})
    assert answer.json() == [sum(numbers)]
    client.done_with(answer)


def chain(client: Client) -> None:
    """Three steps, each a session that the next one names."""
    rows = [(client.random.choice("abc"), client.random.randrange(100)) for _ in range(200)]
    content = "g,x\n" + "".join(f"{group},{x}\n" for group, x in rows)
    path = "/ocpu/library/utils/R/read.csv"
    read = client.ask(201, "POST", path, files={"file": ("rows.csv", content.encode())})
    table = read.headers["x-ocpu-session"]
    grouped = client.call("dplyr::group_by", **{".data": table, "...": "g"})
    by_group = grouped.headers["x-ocpu-session"]
    total = {".data": by_group, "...": "total = sum(x)"}
    summed = client.call("dplyr::summarise/json", **total)
    right = {group: sum(x for g, x in rows if g == group) for group, _ in rows}
    assert {row["g"]: row["total"] for row in summed.json()} == right
    client.done_with(read, grouped, summed)


def large(client: Client) -> None:
    """Three megabytes of answer, and as much printed."""
    letter, times = client.random.choice(string.ascii_lowercase), 3_000_000
    answer = client.call("base::strrep/json", x=f'"{letter}"', times=str(times))
    assert answer.text == f'["{letter * times}"]\n'
    printed = client.call("base::cat", **{"...": f"strrep('{letter}', {times})"})
    session = printed.headers["x-ocpu-session"]
    assert client.ask(200, "GET", f"/ocpu/tmp/{session}/stdout/text").text.strip() == letter * times
    client.done_with(answer, printed)


def plots(client: Client) -> None:
    text = client.word()
    answer = client.call("busy::keepsake", text=f'"{text}"', files="5")
    session = f"/ocpu/tmp/{answer.headers['x-ocpu-session']}"
    assert client.ask(200, "GET", f"{session}/graphics/1/png").content.startswith(PNG)
    assert client.ask(200, "GET", f"{session}/R/.val/json").json() == [text]
    part = client.ask(200, "GET", f"{session}/files/part05.txt")
    assert part.text == f"{text} 5\n" * 1000
    client.done_with(answer)


def errs(client: Client) -> None:
    text = client.word()
    answer = client.call("base::stop", 400, **{"...": f"'{text}'"})
    assert text in answer.text
    client.done_with(answer)


def quits(client: Client) -> None:
    assert "q() or quit()" in client.call("base::q", 400).text


def crashes(client: Client) -> None:
    """A crash of its own, unless something else ended R first."""
    with suppress(Disturbed):
        client.call("tools::pskill", 201, pid="Sys.getpid()", signal="11")
        raise AssertionError("R survived a segmentation fault")


def overruns(client: Client) -> None:
    seconds = client.random.uniform(100, 900)
    answer = client.ask(504, "GET", "/v1/results/naps", params={"seconds": seconds})
    assert "stopped after 1 second" in answer.text


def leaves(client: Client) -> None:
    """Goes away in the middle of a call."""
    url = client.http.base_url
    body = b"time=2"
    head = (
        "POST /ocpu/library/base/R/Sys.sleep HTTP/1.1\r\nHost: x\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((url.host, url.port or 80), timeout=30) as connection:
        connection.sendall(head.encode() + body)
        time.sleep(client.random.uniform(0, 0.5))


def hits(client: Client) -> None:
    x = client.random.randint(1, 12)
    answer = client.ask(200, "GET", "/v1/results/squares", params={"x": x})
    assert answer.json() == x * x, answer.text


KINDS: tuple[Callable[[Client], None], ...] = (
    *(echo, echo, adds, adds, chain, chain, plots, errs, hits, hits, hits),
    *(large, quits, crashes, overruns, leaves),
)
"""What a client chooses from; what is there several times is chosen more often."""
