"""A template keeps as many spare children as it should, whatever becomes of who asked for more."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from compiled import furnish

from engine.host import host_for
from engine.template import Template

SPARES = 2
ASKED = 6


@pytest.fixture
def state(tmp_path: Path) -> Path:
    for name in ("work", "sessions"):
        (tmp_path / name).mkdir(mode=0o700)
    furnish(tmp_path)
    return tmp_path


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


def test_child_that_dies_before_it_is_known_is_noticed_and_leaves_no_folder(state: Path) -> None:
    assert asyncio.run(_folders_after_dying(state)) <= SPARES


async def _folders_after_dying(state: Path) -> int:
    """How many folders are left once children were killed as soon as they were there."""
    work = state / "work"
    template = Template("base", work, SPARES, lambda: False)
    await template.start_base(_config(state))
    try:
        for _ in range(ASKED):
            before = set(work.glob("[0-9]*"))
            taking = asyncio.create_task(template.take(network=True))
            while not (made := set(work.glob("[0-9]*")) - before):  # noqa: ASYNC110  # by files
                await asyncio.sleep(0)
            for home in made:
                with suppress(ProcessLookupError):
                    os.kill(int(home.name.rpartition("-")[2]), signal.SIGKILL)
            child = await asyncio.wait_for(taking, 20)  # another one, if that was heard of in time
            await asyncio.wait_for(child.bury(), 20)
        return await _settled(state)
    finally:
        await template.stop()
