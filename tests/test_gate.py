"""The gate: who is let through, and for what."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from api.key_ring import KeyRing
from cache.clock import utcnow
from cache.generations import Generations
from jobs.access_key import new_secret
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
