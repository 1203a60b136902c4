"""as_of: what a job answered at a moment of the past, through every door."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes import FakePool
from kitchen import Kitchen, gain_job, price_job
from prepared import ask

from cache.clock import to_text
from cache.entry import Freshness
from jobs.argument import ArgumentSpec
from jobs.errors import ValueInvalid
from jobs.grid import Axis, Grid
from jobs.job import Job
from jobs.job_set import JobSet
from jobs.moment import parse_moment
from jobs.status import Cause

NOW = datetime(2026, 10, 20, 12, tzinfo=UTC)
FRESHNESS = Freshness(3600.0, 3 * 86_400.0, 90 * 86_400.0)


@pytest.mark.parametrize(
    ("text", "zone", "moment"),
    [
        ("2026-10-01", "UTC", "2026-10-01T23:59:59.999999+00:00"),
        ("2026-10-01", "America/Chicago", "2026-10-02T04:59:59.999999+00:00"),
        ("2026-03-29", "Europe/Berlin", "2026-03-29T21:59:59.999999+00:00"),
        ("2026-10-20", "Pacific/Auckland", "2026-10-20T10:59:59.999999+00:00"),
        ("2026-10-20", "UTC", "2026-10-20T12:00:00+00:00"),
        ("2026-10-01T12:00", "Europe/Berlin", "2026-10-01T10:00:00+00:00"),
        ("2026-10-01T12:00:00Z", "Europe/Berlin", "2026-10-01T12:00:00+00:00"),
        ("2026-10-01T12:00 02:00", "UTC", "2026-10-01T10:00:00+00:00"),
    ],
)
def test_date_means_the_end_of_the_day_where_the_job_is(text: str, zone: str, moment: str) -> None:
    assert parse_moment(text, zone, NOW) == datetime.fromisoformat(moment)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2026-10-01T25:00", "0001-01-0"])
def test_what_is_no_moment_is_told_how_to_be_written(text: str) -> None:
    with pytest.raises(ValueInvalid, match="is no date and no moment"):
        parse_moment(text, "UTC", NOW)


def test_moment_to_come_is_refused() -> None:
    with pytest.raises(ValueInvalid, match="is still to come"):
        parse_moment("2026-10-21", "UTC", NOW)


class Past:
    """A project whose R answers otherwise from day to day, and the API over it."""

    def __init__(self, folder: Path) -> None:
        self.add = 0.0
        self.folder = folder
        csv = folder / "stones.csv"
        csv.write_text("id,carat\n1,0.5\n2,1\n")
        pool = FakePool(gain=self.gain, price=self.price, dated=self.dated)
        dated = Job(
            *("dated", "scoring", "dated", FRESHNESS),
            arguments=(ArgumentSpec("as_of", "string"),),
            grid=Grid((Axis("as_of", ("2026-01-01",)),)),
        )
        self.gains = gain_job(freshness=FRESHNESS)
        self.prices = price_job(csv, freshness=FRESHNESS)
        self.kitchen = Kitchen(folder / "state", self.gains, self.prices, dated, pool=pool)
        self.kitchen.clock.set("2026-10-01T05:00")

    def gain(self, **given: Any) -> Any:
        return [{"gain": given["prewt"] / 10 + self.add}]

    def price(self, newdata: dict[str, list[float]]) -> dict[str, list[float]]:
        return {"price": [2 * carat + self.add for carat in newdata["carat"]]}

    def dated(self, as_of: str) -> Any:
        return as_of

    def run(self, name: str, **by: float) -> datetime:
        at = self.kitchen.clock.advance(**by)
        self.kitchen.runner.run(self.kitchen.pantry.jobs.job(name), Cause.MANUAL)
        return at

    def change(self, add: float, version: str) -> None:
        self.add = add
        self.kitchen.pool.versions["scoring"] = version

    def get(self, path: str) -> httpx.Response:
        kitchen = self.kitchen
        return ask(kitchen.pantry, self.folder, "GET", path, catalog=kitchen.catalog)


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Past]:
    opened = Past(tmp_path)
    yield opened
    opened.kitchen.close()


CELL = "/v1/results/weight_gain?treatment=CBT&prewt=80"


def test_cell_is_answered_as_it_was(past: Past) -> None:
    first = past.run("weight_gain")
    past.change(1.0, "other")
    past.run("weight_gain", days=1)
    past.kitchen.clock.advance(hours=1)
    assert past.get(CELL).json() == [{"gain": 9.0}]
    then = past.get(f"{CELL}&as_of=2026-10-01")
    assert then.json() == [{"gain": 8.0}]
    assert then.headers["cache-control"] == "max-age=31536000, public, immutable"
    assert then.headers["larder-computed-at"] == to_text(first)
    old, new = reversed(past.kitchen.catalog.versions("weight_gain"))
    assert then.headers["larder-job"] == f"weight_gain; version={old.digest[:12]}"
    assert new.digest[:12] in past.get(CELL).headers["larder-job"]
    today = past.get(f"{CELL}&as_of=2026-10-02")
    assert (today.json(), today.headers["cache-control"]) == ([{"gain": 9.0}], "no-cache")


def test_nothing_then_is_a_404_that_names_the_earliest(past: Past) -> None:
    first = past.run("weight_gain")
    missing = past.get(f"{CELL}&as_of=2026-09-30")
    assert missing.status_code == 404
    assert missing.headers["cache-control"] == "no-store"
    problem = missing.json()
    assert (problem["type"], problem["earliest"]) == (
        "/docs/problems#no-answer-then",
        to_text(first),
    )
    assert f"the earliest that is kept is of {to_text(first)}" in problem["detail"]


def test_what_was_served_no_longer_is_no_answer(past: Past) -> None:
    past.run("weight_gain")
    past.run("weight_gain", days=9)
    assert past.get(f"{CELL}&as_of=2026-10-03").status_code == 200
    gone = past.get(f"{CELL}&as_of=2026-10-05")
    assert gone.status_code == 404
    assert "was served until" in gone.json()["detail"]


def test_seed_that_became_another_hides_no_earlier_answer(past: Past) -> None:
    past.run("weight_gain")
    past.kitchen.clock.advance(days=1)
    past.change(1.0, "v1")
    past.kitchen.pantry.use(JobSet([replace(past.gains, seed=7)]))
    past.run("weight_gain", hours=1)
    assert past.get(f"{CELL}&as_of=2026-10-01").json() == [{"gain": 8.0}]
    assert past.get(CELL).json() == [{"gain": 9.0}]


def test_form_that_was_not_kept_is_told_from_nothing(past: Past) -> None:
    past.run("weight_gain")
    answer = past.get(f"{CELL}&as_of=2026-10-01T05:00:00Z&format=pdf")
    assert answer.status_code == 404
    assert "was not kept as pdf" in answer.json()["detail"]


@pytest.mark.parametrize("text", ["soon", "2027-01-01"])
def test_no_moment_is_a_bad_request(past: Past, text: str) -> None:
    assert past.get(f"{CELL}&as_of={text}").status_code == 400


def test_argument_of_that_name_is_the_argument(past: Past) -> None:
    past.run("dated")
    answer = past.get("/v1/results/dated?as_of=2026-01-01")
    assert (answer.status_code, answer.json()) == (200, "2026-01-01")


def test_row_is_answered_as_it_was(past: Past) -> None:
    first = past.run("prices")
    past.change(1.0, "other")
    past.run("prices", days=1)
    assert past.get("/v1/results/prices?id=2").json() == {"id": 2, "price": 3.0}
    then = past.get("/v1/results/prices?id=2&as_of=2026-10-01")
    assert then.json() == {"id": 2, "price": 2.0}
    assert then.headers["larder-computed-at"] == to_text(first)
    assert past.get("/v1/results/prices.csv?id=2&as_of=2026-10-01").text == "id,price\r\n2,2.0\r\n"
    assert past.get("/v1/results/prices?id=2&as_of=2026-09-30").status_code == 404
    assert past.get("/v1/results/prices?id=9&as_of=2026-10-01").json()["earliest"] is None


@pytest.mark.parametrize(("job", "key"), [("weight_gain", "gain"), ("prices", "price")])
def test_table_is_answered_as_it_was(past: Past, job: str, key: str) -> None:
    past.run(job)
    before = past.get(f"/v1/results/{job}/table").json()
    past.change(1.0, "other")
    past.run(job, days=1)
    then = past.get(f"/v1/results/{job}/table?as_of=2026-10-01")
    assert [row[key] for row in then.json()] == [row[key] for row in before]
    assert then.headers["larder-as-of"] == "2026-10-01T23:59:59.999999Z"
    now = past.get(f"/v1/results/{job}/table").json()
    assert [row[key] for row in now] == [row[key] + 1 for row in before]
    assert past.get(f"/v1/results/{job}/table?as_of=2026-09-30").json() == []


def test_table_has_cells_that_the_grid_no_longer_has(past: Past) -> None:
    past.run("weight_gain")
    fewer = Grid((Axis("treatment", ("CBT",)), Axis("prewt", (70,))))
    past.kitchen.pantry.use(JobSet([replace(past.gains, grid=fewer)]))
    past.run("weight_gain", days=1)
    assert len(past.get("/v1/results/weight_gain/table").json()) == 1
    assert len(past.get("/v1/results/weight_gain/table?as_of=2026-10-01").json()) == 6
