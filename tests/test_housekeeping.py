"""Housekeeping: what goes by itself while a server runs."""

from pathlib import Path

import pytest
from kitchen import Kitchen
from serving import wait_until
from test_shelf import put, releases

from cache.sweep import Sweep
from engine.shelf import Shelf
from larder.environment import Environment
from larder.housekeeping import Housekeeping
from larder.settings import load_settings
from larder.wiring import releases_keep_s


def test_a_replaced_release_goes_when_its_time_is_over(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "apps")
    old, new = put(shelf), put(shelf, version="2")
    kitchen = Kitchen(tmp_path)
    sweep = Sweep(kitchen.pantry.store, kitchen.pantry.sessions, 60)
    calls = kitchen.pantry.calls
    housekeeping = Housekeeping(
        sweep, shelf, calls, kitchen.pantry.removed, calls_keep_s=60, releases_keep_s=0
    )
    housekeeping.start()
    try:
        wait_until(lambda: old.release not in releases(tmp_path / "apps"))
        assert shelf.all() == [new]
        assert new.folder.is_dir()
    finally:
        housekeeping.stop()
        kitchen.close()


@pytest.mark.parametrize(("keep", "seconds"), [("2 days", 172800), ("10 s", 90)])
def test_a_release_stays_as_long_as_calls_and_sessions_may_use_it(
    tmp_path: Path, keep: str, seconds: int
) -> None:
    settings = load_settings(tmp_path, environment=Environment({"LARDER_SESSIONS__KEEP": keep}))
    assert releases_keep_s(settings) == seconds
