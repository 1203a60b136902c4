"""A template keeps as many spare children as it should, whatever becomes of who asked for more."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from compiled import furnish

from engine.host import host_for
from engine.template import Template

SPARES = 2
ASKED = 6


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spares")
    for name in ("work", "sessions"):
        (folder / name).mkdir(mode=0o700)
    furnish(folder)
    return folder


def test_children_that_nobody_waits_for_any_more_are_not_kept_beyond_their_number(
    state: Path,
) -> None:
    assert asyncio.run(_folders_after_giving_up(state)) == SPARES


async def _folders_after_giving_up(state: Path) -> int:
    """How many children are left once more were asked for than there are, in vain."""
    template = Template("base", state / "work", SPARES, lambda: False)
    await template.start_base(_config(state))
    try:
        taking = [asyncio.create_task(template.take()) for _ in range(ASKED)]
        await asyncio.sleep(0)  # all have asked
        for task in taking:
            task.cancel()
        for task in taking:
            with suppress(asyncio.CancelledError):
                await template.finish(await task)
        return await _settled(state)
    finally:
        await template.stop()


async def _settled(state: Path) -> int:
    """How many folders of children there are, once their number has stayed for a while."""
    counts: list[int] = []
    while len(counts) < 20 or len(set(counts[-20:])) > 1:
        counts.append(len(list((state / "work").glob("[0-9]*"))))
        await asyncio.sleep(0.05)
    return counts[-1]


def _config(state: Path) -> dict[str, object]:
    return {
        "state": str(state),
        "sessions_root": str(state / "sessions"),
        "work": str(state / "work"),
        "host": host_for("auto", state).to_wire(),
        "json_digits": 4,
        "ocpu_version": "2.2.12",
        "preload": [],
        "project": None,
        "folder": None,
        "reads": [],
        "libraries": [],
    }
