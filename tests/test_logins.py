"""Logins: tickets of browsers, in every process alike."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from fakes import FixedClock
from typer.testing import CliRunner

from api.caller import Caller
from api.key_ring import COUNTER as KEYS
from api.key_ring import KeyRing
from api.logins import Logins
from cache.clock import utcnow
from cache.generations import Generations
from jobs.access_key import new_secret
from jobs.repository import Catalog
from jobs.role import Role
from larder.cli import app

ANN = Caller(name="login.example.com/ann", role=Role.CALLER, functions=("stats::*",), jobs=("a",))


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def catalog(tmp_path: Path, clock: FixedClock) -> Iterator[Catalog]:
    opened = Catalog.in_file(tmp_path / "catalog.db", clock=clock)
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def generations(tmp_path: Path) -> Iterator[Generations]:
    opened = Generations(tmp_path / "generations")
    yield opened
    opened.close()


@pytest.fixture
def workers(catalog: Catalog, generations: Generations, clock: FixedClock) -> tuple[Logins, Logins]:
    def worker() -> Logins:
        keys = KeyRing(catalog, generations, clock)
        return Logins(catalog, generations, keys, clock, keep_s=3600)

    return worker(), worker()


def test_ticket_is_known_in_every_process_with_all_that_they_may(
    workers: tuple[Logins, Logins],
) -> None:
    ticket = workers[0].begin(ANN)
    assert workers[1].find(ticket, "192.0.2.7") == ANN
    assert workers[1].find(ticket + "x") is None
    assert workers[1].find("") is None


def test_ticket_is_kept_nowhere(workers: tuple[Logins, Logins], catalog: Catalog) -> None:
    ticket = workers[0].begin(ANN)
    [login] = catalog.logins()
    assert ticket not in str(login)
    assert workers[0].find(login.digest) is None


def test_whoever_signs_out_is_out_in_every_process_at_once(
    workers: tuple[Logins, Logins],
) -> None:
    ticket, other = workers[0].begin(ANN), workers[0].begin(ANN)
    assert workers[1].find(ticket) == ANN
    workers[0].end(ticket)
    assert workers[1].find(ticket) is None
    assert workers[1].find(other) == ANN


def test_login_is_over_after_its_time_and_goes(
    workers: tuple[Logins, Logins], catalog: Catalog, clock: FixedClock
) -> None:
    ticket = workers[0].begin(ANN)
    clock.now += timedelta(seconds=3599)
    assert workers[1].find(ticket) == ANN
    clock.now += timedelta(seconds=1)
    assert workers[1].find(ticket) is None
    assert catalog.login(ticket) is not None
    workers[0].begin(ANN)
    assert catalog.login(ticket) is None
    assert len(catalog.logins()) == 1


def test_login_by_a_key_has_the_rights_of_the_key_as_long_as_it_holds(
    workers: tuple[Logins, Logins], catalog: Catalog, generations: Generations
) -> None:
    key = catalog.add_key(new_secret(), "shop", Role.VIEWER, jobs=["churn"], rate="9/minute")
    ticket = workers[0].begin(Caller.with_key(key, ""))
    assert workers[1].find(ticket) == Caller.with_key(key, "")
    catalog.revoke_keys([key.id])
    generations.bump(KEYS)
    assert workers[1].find(ticket) is None


def test_everybody_of_a_name_is_signed_out_by_its_operator(
    workers: tuple[Logins, Logins], catalog: Catalog
) -> None:
    workers[0].begin(ANN)
    workers[0].begin(ANN)
    assert catalog.end_logins("somebody else") == 0
    assert catalog.end_logins(ANN.name) == 2
    assert catalog.logins() == []


def larder(project: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["logins", *words, "--project", str(project)])
    return result.exit_code, result.output


def test_operator_sees_who_is_signed_in_and_ends_it_in_every_process(tmp_path: Path) -> None:
    state = tmp_path / ".larder"
    assert larder(tmp_path) == (0, "nobody is signed in\n")
    with (
        closing(Catalog.in_file(state / "catalog.db")) as catalog,
        closing(Generations(state / "generations")) as generations,
    ):
        worker = Logins(
            catalog, generations, KeyRing(catalog, generations, utcnow), utcnow, keep_s=3600
        )
        ticket = worker.begin(ANN)
        assert worker.find(ticket) == ANN
        status, shown = larder(tmp_path, "--json")
        [login] = json.loads(shown)["logins"]
        assert (status, login["name"], login["with_key"]) == (0, ANN.name, False)
        assert ANN.name in larder(tmp_path)[1]
        assert larder(tmp_path, "end", ANN.name) == (0, f"1 login of {ANN.name} ended\n")
        assert worker.find(ticket) is None
    assert larder(tmp_path, "end", ANN.name)[0] == 1
    assert larder(tmp_path, "end")[0] == 2
