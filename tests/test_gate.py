"""The gate: who is let through, and for what."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from doors import ask, house
from starlette.types import Receive, Scope, Send

from api.entrance import Entrance
from api.key_minder import KeyMinder
from api.key_ring import GOOD_FOR_S, READ_AGAIN_S, KeyRing
from cache.clock import utcnow
from cache.generations import Generations
from jobs.access_key import AccessKey, new_secret
from jobs.errors import CatalogUnavailable
from jobs.key_book import COUNTER
from jobs.repository import Catalog
from jobs.role import Role


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = Catalog.in_file(tmp_path / "catalog.db")
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def generations(tmp_path: Path) -> Iterator[Generations]:
    opened = Generations(tmp_path / "generations")
    yield opened
    opened.close()


@pytest.fixture
def ring(catalog: Catalog, generations: Generations) -> KeyRing:
    return KeyRing(catalog, generations, utcnow)


def test_key_is_found_by_its_text_alone(ring: KeyRing, catalog: Catalog) -> None:
    secret = new_secret()
    made = catalog.add_key(secret, "shop", Role.CALLER, jobs=["churn"])
    assert ring.find(secret) == made
    assert ring.find(secret + "x") is None
    assert ring.find(made.digest) is None


def test_revoked_key_opens_nothing_from_the_next_request_on(
    ring: KeyRing, catalog: Catalog, generations: Generations
) -> None:
    secret = new_secret()
    made = catalog.add_key(secret, "shop", Role.CALLER)
    assert ring.find(secret) == made
    catalog.revoke_keys([made.id])
    generations.bump(COUNTER)
    assert ring.find(secret) is None


def test_key_opens_nothing_once_it_has_expired(ring: KeyRing, catalog: Catalog) -> None:
    secret = new_secret()
    catalog.add_key(secret, "shop", Role.CALLER, expires_at=utcnow() - timedelta(seconds=1))
    assert ring.find(secret) is None


class Ajar:
    """A catalog that can be read, or not."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.readable = True
        self.asked = 0

    def access_keys(self) -> list[AccessKey]:
        self.asked += 1
        if not self.readable:
            raise CatalogUnavailable("the database did not answer")
        return self._catalog.access_keys()

    def note_use(self, last: dict[int, datetime]) -> None:
        if not self.readable:
            raise CatalogUnavailable("the database did not answer")
        self._catalog.note_use(last)


class Watch:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ajar(catalog: Catalog) -> Ajar:
    return Ajar(catalog)


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def troubled(ajar: Ajar, generations: Generations, watch: Watch) -> KeyRing:
    return KeyRing(ajar, generations, utcnow, watch)  # type: ignore[arg-type]


def test_finding_keys_asks_the_catalog_once(
    troubled: KeyRing, ajar: Ajar, catalog: Catalog
) -> None:
    secret = new_secret()
    catalog.add_key(secret, "shop", Role.CALLER)
    for _ in range(100):
        assert troubled.find(secret)
        assert troubled.any()
    assert ajar.asked == 1


def test_keys_stay_good_for_a_while_when_the_catalog_cannot_be_read(
    troubled: KeyRing,
    ajar: Ajar,
    catalog: Catalog,
    watch: Watch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    secret = new_secret()
    catalog.add_key(secret, "shop", Role.CALLER)
    assert troubled.find(secret)
    ajar.readable = False
    watch.now += READ_AGAIN_S + 1
    troubled.refresh()
    for _ in range(50):
        assert troubled.find(secret)
    assert ajar.asked == 2  # it is left alone for a moment
    watch.now += GOOD_FOR_S + 1
    with pytest.raises(CatalogUnavailable):
        troubled.find(secret)
    ajar.readable = True
    watch.now += 2
    troubled.refresh()
    assert troubled.find(secret)
    told = [record.getMessage().split(" age_s")[0] for record in caplog.records]
    assert told == ["keys not readable", "keys readable again keys=1"]


def test_nobody_gets_in_before_the_keys_were_ever_read(tmp_path: Path, ajar: Ajar) -> None:
    ajar.readable = False
    with house(tmp_path) as home:
        gate = Entrance.of(home.services(), ajar).gate(_nobody)  # type: ignore[arg-type]
        assert ask(gate, "GET", "/v1/jobs").status == 503
        refused = ask(gate, "GET", "/ocpu/info")
    assert (refused.status, refused.headers["retry-after"]) == (503, "1")


async def _nobody(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("somebody got in")


def test_changes_of_another_machine_are_noticed_beside_the_requests(
    troubled: KeyRing, catalog: Catalog, watch: Watch
) -> None:
    assert not troubled.any()
    catalog.add_key(new_secret(), "shop", Role.CALLER)  # its counter is another one
    assert not troubled.any()
    troubled.refresh()
    assert not troubled.any()
    watch.now += READ_AGAIN_S + 1
    troubled.refresh()
    assert troubled.any()


def test_use_is_noted_later_when_the_catalog_cannot_be_written(
    troubled: KeyRing, ajar: Ajar, catalog: Catalog
) -> None:
    secret = new_secret()
    catalog.add_key(secret, "shop", Role.CALLER)
    troubled.find(secret)
    ajar.readable = False
    troubled.note_use()
    ajar.readable = True
    assert catalog.access_keys()[0].last_used_at is None
    troubled.note_use()
    assert catalog.access_keys()[0].last_used_at is not None


def test_minder_notes_every_use_before_it_ends(ring: KeyRing, catalog: Catalog) -> None:
    secret = new_secret()
    catalog.add_key(secret, "shop", Role.CALLER)
    minder = KeyMinder(ring)
    minder.start()
    assert ring.find(secret)
    minder.close()
    assert catalog.access_keys()[0].last_used_at is not None
