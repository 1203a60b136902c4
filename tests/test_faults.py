"""Parts of the engine are killed at any moment: no wrong answer, nothing left behind, back soon."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import inventory
import pytest
from busy import Busy, busy, copy_busy
from disk import small_disk
from inventory import Inventory
from serving import Server, wait_until

from bench.project import open_jobs
from bench.roles import is_alive, of_state
from jobs.errors import RunInterrupted
from jobs.run_record import Progress
from jobs.scope import EVERYTHING
from jobs.status import Cause, RunStatus

pytestmark = pytest.mark.server

PARTS = ("broker", "parent", "child")
AGAIN = 10
"""Times a fault is repeated where descriptors are counted: one left behind each time shows."""
MOMENTS = 4
"""Moments of one call at which it is disturbed."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Busy]:
    with busy(tmp_path_factory.mktemp("faults")) as running:
        yield running


@pytest.fixture
def place(running: Busy) -> Iterator[tuple[Busy, Inventory]]:
    """The server, and what it holds; it has to hold the same after the test."""
    running.assert_answers()
    before = inventory.take_at_rest(running.server)
    yield running, before
    assert inventory.take_when_like(running.server, before).beyond(before) == []


@pytest.mark.parametrize("part", PARTS)
def test_death_at_rest_costs_no_later_call(place: tuple[Busy, Inventory], part: str) -> None:
    server, before = place
    for _ in range(AGAIN):
        server.end(part)
        server.wait_until_whole(before)
        server.assert_answers()


def test_each_forking_parent_is_made_good(place: tuple[Busy, Inventory]) -> None:
    server, before = place
    for number in range(before.processes["parent"]):
        parent = server.pids("parent")[number]
        os.kill(parent, signal.SIGKILL)
        wait_until(lambda pid=parent: not is_alive(pid))
        server.wait_until_whole(before)
        server.assert_answers()
        assert server.begin("naps/json", seconds="0").result(60).json() == [0]


@pytest.mark.parametrize("part", ["broker", "parent"])
def test_who_is_called_ready_answers(place: tuple[Busy, Inventory], part: str) -> None:
    server, before = place
    server.end(part)
    wait_until(lambda: inventory.is_ready(server.server))
    server.assert_answers()
    server.wait_until_whole(before)


@pytest.mark.parametrize("part", PARTS)
def test_death_in_the_middle_of_a_call_is_an_error_of_that_call(
    place: tuple[Busy, Inventory], part: str
) -> None:
    server, before = place
    sessions = server.sessions()
    asked = server.begin("waits", text="'late'")
    server.wait_until_running()
    server.end(part)
    answer = asked.result(60)
    assert answer.status_code in (500, 503), answer.text
    assert "R stopped in the middle" in answer.text or "does not answer" in answer.text
    assert "x-ocpu-session" not in answer.headers
    server.wait_until_whole(before)
    assert server.sessions() == sessions
    server.assert_answers()


def test_death_of_idle_children_leaves_running_calls_alone(place: tuple[Busy, Inventory]) -> None:
    server, before = place
    kept = server.begin("waits", text="'kept'")
    server.wait_until_running()
    for pid in set(server.pids("child")) - set(server.serving()):
        os.kill(pid, signal.SIGKILL)
    server.let_go()
    answer = kept.result(60)
    assert answer.status_code == 201, answer.text
    server.wait_until_whole(before)
    server.assert_answers()


def test_stopped_child_ends_at_the_time_limit(place: tuple[Busy, Inventory]) -> None:
    server, before = place
    with server.server.client() as client:
        asked = server._threads.submit(client.get, "/v1/results/naps", params={"seconds": 500})
        server.wait_until_running()
        (stopped,) = server.serving()
        os.kill(stopped, signal.SIGSTOP)
        answer = asked.result(60)
    assert answer.status_code == 504
    assert "stopped after 1 second" in answer.text
    wait_until(lambda: not is_alive(stopped))
    server.wait_until_whole(before)
    server.assert_answers()


class KillAt:
    """Told of a run's progress, kills a part when so much is done; once."""

    def __init__(self, server: Busy, part: str, done: int) -> None:
        self._server = server
        self._part = part
        self._done = done
        self.killed = False

    def __call__(self, progress: Progress) -> None:
        if not self.killed and progress.computed >= self._done:
            self.killed = True
            self._server.end(self._part)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(("job", "column"), [("squares", "x"), ("doubles", "id")])
def test_death_in_the_middle_of_a_batch_spoils_no_answer(
    place: tuple[Busy, Inventory], part: str, job: str, column: str
) -> None:
    server, before = place
    kill = KillAt(server, part, done=2)
    interrupted = False
    with open_jobs(server.server.project) as jobs:
        try:
            jobs.runner.run(jobs.job(job), Cause.MANUAL, scope=EVERYTHING, progress=kill)
        except RunInterrupted:
            interrupted = True
        assert not (interrupted and part == "child")
        assert kill.killed
        assert all(row["state"] == "missing" for row in wrong_answers(server, job, column))
        server.wait_until_whole(before)
        wait_until(lambda: finished(server, job))  # the scheduler takes up what was interrupted
        again = jobs.runner.run(jobs.job(job), Cause.MANUAL, scope=EVERYTHING)
        assert again.status is RunStatus.SUCCEEDED
    assert wrong_answers(server, job, column) == []


def finished(server: Busy, job: str) -> bool:
    last = server.client.get(f"/v1/jobs/{job}").json()["last_run"]
    return last["finished_at"] is not None


def wrong_answers(server: Busy, job: str, column: str) -> list[object]:
    """What is stored under a job and is not what its arguments make."""
    rows = server.client.get(f"/v1/results/{job}/table").json()
    right = {"squares": lambda x: x * x, "doubles": lambda x: 2 * (x + 0.5)}[job]
    value = {"squares": "value", "doubles": "double"}[job]
    return [row for row in rows if row[value] != right(row[column])]


@pytest.mark.parametrize("part", PARTS)
def test_death_while_sessions_are_written_leaves_whole_ones_only(
    place: tuple[Busy, Inventory], part: str
) -> None:
    server, before = place
    known, answered = server.sessions(), set()
    for step in range(MOMENTS):
        texts = [f"{step}{name}" for name in "ab"]
        asked = [server.begin("keepsake", text=f"'{text}'") for text in texts]
        time.sleep(0.05 + 0.1 * step)  # another moment each time; any will do
        server.end(part)
        answers = [one.result(60) for one in asked]
        server.wait_until_whole(before)
        for text, answer in zip(texts, answers, strict=True):
            if answer.status_code == 201:
                answered.add(answer.headers["x-ocpu-session"])
                assert_whole(server.client, answer, text)
            else:
                assert answer.status_code in (500, 503), answer.text
    assert server.sessions() - known == answered


def assert_whole(client: httpx.Client, answer: httpx.Response, text: str) -> None:
    """A session of `keepsake` has all its parts, and they are this call's."""
    session = f"/ocpu/tmp/{answer.headers['x-ocpu-session']}"
    assert client.get(f"{session}/R/.val/json").json() == [text]
    assert client.get(f"{session}/graphics/1/png").content.startswith(b"\x89PNG")
    assert client.get(f"{session}/stdout/text").text.split() == [text] * 100
    for number in range(1, 21):
        part = client.get(f"{session}/files/part{number:02d}.txt")
        assert part.text == f"{text} {number}\n" * 1000


def test_killed_server_leaves_no_process(tmp_path: Path) -> None:
    with busy(tmp_path) as running:
        asked = running.begin("waits", text="'late'")
        running.wait_until_running()
        running.server.kill()
        with pytest.raises(httpx.TransportError):
            asked.result(60)
        wait_until(lambda: not of_state(running.state))


BROKEN = "squared <- function(x) 1\n\nstop('no data today')\n"


def test_models_that_break_are_reported_and_the_last_good_ones_serve(tmp_path: Path) -> None:
    with busy(tmp_path) as running:
        model = running.server.project / "models" / "busy.R"
        good = model.read_text()
        doubled = running.begin("waits/json", text="'before'")
        running.wait_until_running()
        for text, said in ((BROKEN, "models/busy.R:3: no data today"), ("f <- )", "busy.R:1:6: ")):
            model.write_text(text)
            wait_until(lambda said=said: said in (problem(running) or ""))
            assert said in running.server.log.read_text()
            assert running.begin("numbered/json").result(60).json() == [1]
        model.write_text(good.replace("numbered <- function() 1", "numbered <- function() 2"))
        wait_until(lambda: problem(running) is None)
        assert running.begin("numbered/json").result(60).json() == [2]
        running.let_go()
        assert doubled.result(60).json() == ["before"]  # in the template that was replaced twice


def problem(running: Busy) -> str | None:
    """What /readyz says is wrong with the models."""
    found: str | None = running.client.get("/readyz").json()["problem"]
    return found


def test_models_broken_at_start_are_reported_and_serve_once_mended(tmp_path: Path) -> None:
    project = copy_busy(tmp_path)
    model = project / "models" / "busy.R"
    good = model.read_text()
    model.write_text(BROKEN)
    server = Server(project, workers=1).begin()
    try:
        with server.client() as client:
            running = Busy(server, client)
            wait_until(lambda: "busy.R:3: no data today" in server.log.read_text())
            wait_until(lambda: "busy.R:3: no data today" in readiness(client).text)
            assert readiness(client).status_code == 503
            running.assert_answers()  # what needs no models
            refused = client.post("/ocpu/library/busy/R/naps", data={"seconds": "0"})
            assert (refused.status_code, "no data today" in refused.text) == (503, True)
            model.write_text(good)
            wait_until(lambda: readiness(client).status_code == 200)
            mended = client.post("/ocpu/library/busy/R/naps/json", data={"seconds": "0"})
            assert mended.json() == [0], mended.text
            running.close()
    finally:
        server.stop()


def readiness(client: httpx.Client) -> httpx.Response:
    """What /readyz says; 503 also while nobody listens yet."""
    try:
        return client.get("/readyz")
    except httpx.TransportError:
        return httpx.Response(503, text="")


def test_full_disk_costs_the_calls_that_write_and_nothing_else(tmp_path: Path) -> None:
    project = copy_busy(tmp_path)
    with (
        small_disk(project / ".larder") as disk,
        Server(project, workers=1) as server,
        server.client() as client,
    ):
        running = Busy(server, client)
        running.assert_answers()
        before, sessions = inventory.take_at_rest(server), running.sessions()
        disk.fill(server)
        for _ in range(AGAIN):
            answer = client.post("/ocpu/library/busy/R/keepsake", data={"text": "'full'"})
            assert answer.status_code >= 400, answer.text
            assert "x-ocpu-session" not in answer.headers
            assert client.get("/healthz").status_code == 200
        disk.make_room(server)
        wait_until(lambda: inventory.is_ready(server))
        running.assert_answers()
        assert inventory.take_when_like(server, before).beyond(before) == []
        assert len(running.sessions()) == len(sessions) + 1
        running.close()
