"""The end of sessions: removed by hand or by time, and never while an answer needs them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from fakes import FakePool, FixedClock
from kitchen import gain, gain_job, open_pantry
from worker import Worker, engine, worker

from cache.entry import State
from cache.errors import SessionNotFound
from cache.sweep import Sweep
from jobs.call import Call
from jobs.errors import SessionPinned
from jobs.job_set import JobSet
from jobs.pantry import Pantry
from jobs.project import load_project

DAY_S = 86_400.0
PREPARED = Call("scoring::gain", {"treatment": "CBT", "prewt": 80})
ON_DEMAND = Call("scoring::gain", {"treatment": "CBT", "prewt": 85})
UNDECLARED = Call("stats::rnorm", {"n": 3})
URL = "/library/scoring/R/gain"


@pytest.fixture
def pool() -> FakePool:
    return FakePool(gain=gain, rnorm=lambda n: [n])


@pytest.fixture
def clock() -> FixedClock:
    """Stands at the present: sessions are dated by the machine's clock."""
    return FixedClock(datetime.now(UTC).replace(tzinfo=None).isoformat())


@pytest.fixture
def pantry(tmp_path: Path, pool: FakePool, clock: FixedClock) -> Iterator[Pantry]:
    with open_pantry(tmp_path, pool, gain_job(), clock=clock, keep_sessions_s=DAY_S) as pantry:
        yield pantry


def session_of(pantry: Pantry, call: Call) -> str:
    """Has the call computed; gives its session."""
    if call is UNDECLARED:
        return pantry.materialiser.evaluate(call).session_key
    entry = pantry.materialise(call, gain_job()).entry
    assert entry is not None
    assert entry.session_key is not None
    return entry.session_key


def sweep(pantry: Pantry) -> Sweep:
    return Sweep(pantry.store, pantry.sessions, DAY_S)


def test_session_of_an_undeclared_call_is_removed_alone(pantry: Pantry) -> None:
    answer = session_of(pantry, ON_DEMAND)
    session = session_of(pantry, UNDECLARED)
    pantry.stored_sessions.remove(session)
    assert not pantry.sessions.exists(session)
    assert pantry.sessions.exists(answer)
    with pytest.raises(SessionNotFound):
        pantry.stored_sessions.remove(session)


def test_answer_on_demand_goes_with_its_session(pantry: Pantry, pool: FakePool) -> None:
    first = session_of(pantry, ON_DEMAND)
    pantry.stored_sessions.remove(first)
    found = pantry.resolve(ON_DEMAND)
    assert found is not None
    assert (found.state, found.entry) == (State.MISS, None)
    assert session_of(pantry, ON_DEMAND) != first
    assert len(pool.calls) == 2


def test_session_of_a_prepared_answer_stays_and_names_its_job(pantry: Pantry) -> None:
    session = session_of(pantry, PREPARED)
    with pytest.raises(SessionPinned, match="weight_gain"):
        pantry.stored_sessions.remove(session)
    assert pantry.stored_sessions.open(session).session_key == session


def test_session_of_an_answer_that_was_replaced_is_removed_alone(
    pantry: Pantry, clock: FixedClock
) -> None:
    old = session_of(pantry, PREPARED)
    found = pantry.resolve(PREPARED)
    assert found is not None
    new = pantry.materialise(PREPARED, gain_job(), newer_than=clock.advance(seconds=1))
    assert new.entry is not None
    assert new.entry.session_key != old
    pantry.stored_sessions.remove(old)
    again = pantry.resolve(PREPARED)
    assert again is not None
    assert again.entry is not None
    assert again.entry.session_key == new.entry.session_key


def test_session_that_no_answer_holds_is_over_when_its_time_is(
    pantry: Pantry, clock: FixedClock
) -> None:
    session = session_of(pantry, UNDECLARED)
    clock.advance(seconds=DAY_S - 60)
    assert pantry.stored_sessions.open(session)
    assert sweep(pantry).run(clock()).sessions == 0
    clock.advance(seconds=120)
    with pytest.raises(SessionNotFound):
        pantry.stored_sessions.open(session)
    assert pantry.sessions.exists(session)  # not swept yet, and over all the same
    assert sweep(pantry).run(clock()).sessions == 1
    assert not pantry.sessions.exists(session)


def test_session_that_an_answer_holds_outlives_its_time(
    tmp_path: Path, pool: FakePool, clock: FixedClock
) -> None:
    freshness = gain_job().freshness
    job = gain_job(freshness=type(freshness)(3 * DAY_S, 3 * DAY_S, 5 * DAY_S))
    with open_pantry(tmp_path, pool, job, clock=clock, keep_sessions_s=DAY_S) as pantry:
        made = pantry.materialise(ON_DEMAND, job).entry
        assert made is not None
        assert made.session_key is not None
        clock.advance(days=2)
        assert sweep(pantry).run(clock()).sessions == 0
        assert pantry.stored_sessions.open(made.session_key).path.is_dir()
        clock.advance(days=4)  # the answer's own time is over
        sweep(pantry).run(clock())
        with pytest.raises(SessionNotFound):
            pantry.stored_sessions.open(made.session_key)


def call(made: Worker, prewt: int, **headers: str) -> httpx.Response:
    answer = made.post(URL, json={"treatment": "CBT", "prewt": prewt}, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer


@pytest.fixture
def made(tmp_path: Path, pool: FakePool) -> Iterator[Worker]:
    with worker(tmp_path, pool=pool, jobs=JobSet([gain_job()])) as made:
        yield made


@pytest.mark.parametrize("slash", ["", "/"])
def test_delete_removes_a_session_now(made: Worker, slash: str) -> None:
    key = made.post("/library/stats/R/rnorm", data={"n": "3"}).headers["x-ocpu-session"]
    assert made.get(f"/tmp/{key}/").status_code == 200
    gone = made.client.delete(f"/tmp/{key}{slash}")
    assert (gone.status_code, gone.text) == (200, f"Session {key} is removed\n")
    assert gone.headers["cache-control"] == "no-store"
    assert gone.headers["access-control-allow-origin"] == "*"
    for path in (f"/tmp/{key}", f"/tmp/{key}/", f"/tmp/{key}/stdout/text", f"/tmp/{key}/zip"):
        answer = made.get(path)
        assert (answer.status_code, answer.text) == (404, f"File not found: /tmp/{key}\n")
    assert made.client.delete(f"/tmp/{key}{slash}").status_code == 404


@pytest.mark.parametrize("key", ["x0123456789abcd", "nothing", "..%2fresults"])
def test_delete_of_what_is_no_session_is_a_404(made: Worker, key: str) -> None:
    assert made.client.delete(f"/tmp/{key}").status_code == 404


def test_deleted_answer_is_computed_again_by_every_worker(
    made: Worker, tmp_path: Path, pool: FakePool
) -> None:
    with worker(tmp_path, pool=pool, jobs=JobSet([gain_job()])) as other:
        first = call(made, 85)
        again = call(other, 85)
        assert again.headers["cache-status"].startswith("larder; hit")
        assert again.text == first.text
        key = first.headers["x-ocpu-session"]
        assert made.client.delete(f"/tmp/{key}").status_code == 200
        anew = call(other, 85)
        assert anew.headers["cache-status"].startswith("larder; fwd=miss")
        assert anew.headers["x-ocpu-session"] != key
        assert call(made, 85).text == anew.text
    assert len(pool.calls) == 2


def test_delete_of_a_prepared_answer_says_which_job_it_is_of(made: Worker) -> None:
    key = call(made, 80).headers["x-ocpu-session"]
    refused = made.client.delete(f"/tmp/{key}")
    assert (refused.status_code, "weight_gain" in refused.text) == (409, True)
    assert call(made, 80).headers["x-ocpu-session"] == key
    assert made.get(f"/tmp/{key}/").status_code == 200


def test_delete_anywhere_else_says_what_works_there(made: Worker) -> None:
    key = call(made, 85).headers["x-ocpu-session"]
    for path, allow in (
        ("/tmp/", "GET, HEAD, OPTIONS"),
        (f"/tmp/{key}/R", "GET, HEAD, OPTIONS"),
        (f"/tmp/{key}/stdout/text", "GET, HEAD, OPTIONS"),
        (f"/tmp/{key}/files/DESCRIPTION", "GET, HEAD, OPTIONS"),
        (f"/tmp/{key}/R/f", "GET, HEAD, POST, OPTIONS"),
        (f"/tmp/{key}::f", "GET, HEAD, POST, OPTIONS"),
        ("/library/", "GET, HEAD, OPTIONS"),
        ("/library/stats/R/rnorm", "GET, HEAD, POST, OPTIONS"),
        ("/library/stats::rnorm", "GET, HEAD, POST, OPTIONS"),
        ("/library/MASS/scripts/ch01.R", "GET, HEAD, POST, OPTIONS"),
        ("/doc/", "GET, HEAD, OPTIONS"),
        ("/info", "GET, HEAD, OPTIONS"),
        ("/test/", "GET, HEAD, OPTIONS"),
        ("/", "GET, HEAD, OPTIONS"),
    ):
        answer = made.client.delete(path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allow), path
    put = made.client.put(f"/tmp/{key}/")
    assert (put.status_code, put.headers["allow"]) == (405, "GET, HEAD, DELETE, OPTIONS")
    assert made.get(f"/tmp/{key}/").status_code == 200


def test_session_that_vanishes_while_it_is_read_is_a_404(
    made: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = call(made, 85).headers["x-ocpu-session"]
    opened = made.services.pantry.stored_sessions.open

    def then_gone(session_key: str) -> object:
        session = opened(session_key)
        made.services.sessions.delete(session_key)
        return session

    monkeypatch.setattr(made.services.pantry.stored_sessions, "open", then_gone)
    assert made.get(f"/tmp/{key}/zip").status_code == 404


PROJECT = {
    "larder.yaml": "name: counting\n",
    "models/count.R": "twice <- function(n) 2 * n\n",
    "jobs/twice.yaml": """
version: 1
jobs:
  twice:
    function: counting::twice
    args: {n: {type: number}}
    grid: {n: [1, 2]}
    schedule: manual
    cache: {fresh_for: 7 days, keep: 30 days}
""",
}


@pytest.mark.r
def test_swept_session_is_refused_as_an_argument_and_a_held_one_is_not(tmp_path: Path) -> None:
    project = tmp_path / "project"
    for name, content in PROJECT.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(content)
    jobs = JobSet(load_project(project, name="counting", timezone="UTC").jobs.values())
    clock = FixedClock(datetime.now(UTC).replace(tzinfo=None).isoformat())
    keeping = {"clock": clock, "keep_sessions_s": DAY_S}
    state = project / ".larder"
    with (
        engine(state, project="counting", folder=str(project)),
        worker(state, jobs=jobs, pantry=keeping) as made,
    ):
        free = made.post("/library/base/R/identity", data={"x": "42"}).headers["x-ocpu-session"]
        held = made.post("/library/counting/R/twice", json={"n": 2}).headers["x-ocpu-session"]
        clock.now += timedelta(days=2)
        assert made.get(f"/tmp/{free}/R/.val/json").status_code == 404
        assert sweep(made.services.pantry).run(clock()).sessions == 1
        refused = made.post("/library/base/R/sqrt/json", data={"x": free})
        assert (refused.status_code, refused.text) == (400, f"Session not found: {free}\n")
        assert made.post(f"/tmp/{free}/R/identity", data={}).status_code == 404
        names = made.get(f"/tmp/{held}/")
        assert (names.status_code, "files/DESCRIPTION" in names.text) == (200, True)
        for path in ("R/.val/json", "files/DESCRIPTION", "info/print", "source/text"):
            assert made.get(f"/tmp/{held}/{path}").status_code == 200, path
        assert made.post("/library/base/R/sqrt/json", data={"x": held}).json() == [2]
        refused = made.client.delete(f"/tmp/{held}")
        assert (refused.status_code, "'twice'" in refused.text) == (409, True)
