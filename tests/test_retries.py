"""Retries: what is tried again, after what time, and who ends the waiting."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from fakes import FakePool
from kitchen import WITHIN_S, Kitchen, gain, gain_job, price_job
from serving import wait_until

from engine.call import Priority
from engine.errors import (
    CallRefused,
    EndedByCall,
    EvaluationTimeout,
    MemoryLimit,
    RError,
    RowCountMismatch,
    WorkerDied,
)
from jobs.retries import Retries
from jobs.runs import Runner
from jobs.status import Cause, RunStatus


@pytest.mark.parametrize("error", [RError("x", "x"), WorkerDied("SIGSEGV")])
def test_what_may_pass_is_tried_as_often_as_allowed(error: Exception) -> None:
    retries = Retries(2)
    assert [retries.again(attempt, error) for attempt in (1, 2, 3)] == [True, True, False]


@pytest.mark.parametrize(
    "error",
    [
        EvaluationTimeout(90),
        MemoryLimit(1),
        EndedByCall("q()"),
        CallRefused("x", "bad_rows"),
        RowCountMismatch(3, 2),
    ],
)
def test_what_would_fail_again_is_not_tried_again(error: Exception) -> None:
    assert not Retries(9).again(1, error)


def test_pauses_double_up_to_the_longest_and_differ_from_cell_to_cell() -> None:
    retries = Retries(9, wait_s=2, at_most_s=30)
    for attempt, longest in enumerate((2, 4, 8, 16, 30, 30), start=1):
        pauses = {retries.pause_s(attempt) for _ in range(50)}
        assert len(pauses) > 1
        assert longest / 2 <= min(pauses) <= max(pauses) <= longest


def failing(**_: Any) -> Any:
    raise RError("no luck", "no luck")


@pytest.mark.parametrize("kind", ["grid", "rows"])
def test_cancelling_ends_the_waiting_for_the_next_attempt(tmp_path: Path, kind: str) -> None:
    csv = tmp_path / "prices.csv"
    csv.write_text("id,carat\n1,0.5\n")
    forever = Retries(10, wait_s=3600, at_most_s=3600)
    job = gain_job(retries=forever) if kind == "grid" else price_job(csv, retries=forever)
    kitchen = Kitchen(tmp_path / "state", job, pool=FakePool(gain=failing, price=failing))
    ended = []
    thread = threading.Thread(target=lambda: ended.append(kitchen.runner.run(job, Cause.MANUAL)))
    thread.start()
    wait_until(lambda: kitchen.pool.calls)
    (run,) = kitchen.catalog.runs()
    kitchen.catalog.cancel_run(run.id, "enough")
    thread.join(WITHIN_S)
    assert [(one.status, one.error) for one in ended] == [(RunStatus.CANCELLED, "enough")]
    kitchen.close()


def test_run_keeps_no_more_children_busy_than_its_job_allows(tmp_path: Path) -> None:
    at_once: list[int] = []
    busy = threading.Semaphore(0)

    def counted(**arguments: Any) -> Any:
        busy.release()
        at_once.append(busy._value)
        time.sleep(0.001)
        busy.acquire()
        return gain(**arguments)

    job = gain_job(concurrency=1, priority=Priority.SCHEDULED_HIGH)
    kitchen = Kitchen(tmp_path, job, pool=FakePool(gain=counted))
    Runner(kitchen.pantry, kitchen.catalog, kitchen.keeper, workers=4).run(job, Cause.MANUAL)
    assert at_once == [1] * 6
    assert {asked["priority"] for asked in kitchen.pool.asked} == {Priority.SCHEDULED_HIGH}
    kitchen.close()
