"""The counters that tell every process that answers changed."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cache.errors import StoreUnavailable
from cache.generations import COUNTERS, Generations

ROOT = Path(__file__).parents[1]


def test_counters_start_at_zero_and_count_bumps(tmp_path: Path) -> None:
    generations = Generations(tmp_path / "state" / "generations")
    assert generations.read("scoring::gain") == 0
    generations.bump("scoring::gain")
    generations.bump("scoring::gain")
    assert generations.read("scoring::gain") == 2
    assert generations.read("scoring::churn") == 0
    generations.close()


def test_bump_is_seen_through_another_map_at_once(tmp_path: Path) -> None:
    writer, reader = Generations(tmp_path / "g"), Generations(tmp_path / "g")
    writer.bump("f::g")
    assert reader.read("f::g") == 1
    writer.close()
    reader.close()


def test_counters_outlive_their_process(tmp_path: Path) -> None:
    first = Generations(tmp_path / "g")
    first.bump("f::g")
    first.close()
    again = Generations(tmp_path / "g")
    assert again.read("f::g") == 1
    again.close()


def test_no_bump_is_lost_between_threads(tmp_path: Path) -> None:
    generations = Generations(tmp_path / "g")
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: generations.bump("f::g"), range(200)))
    assert generations.read("f::g") == 200
    generations.close()


def test_no_bump_is_lost_between_processes(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from cache.generations import Generations\n"
        "g = Generations(pathlib.Path(sys.argv[1]))\n"
        "for _ in range(500): g.bump('f::g')"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "g")]
    writers = [subprocess.Popen(command, cwd=ROOT) for _ in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    generations = Generations(tmp_path / "g")
    assert generations.read("f::g") == 1500
    generations.close()


def test_file_cut_short_is_made_whole(tmp_path: Path) -> None:
    (tmp_path / "g").write_bytes(b"\1")
    generations = Generations(tmp_path / "g")
    for number in range(100):
        generations.bump(f"f::g{number}")
    assert (tmp_path / "g").stat().st_size == COUNTERS * 8
    generations.close()


def test_file_that_cannot_be_opened_is_our_error(tmp_path: Path) -> None:
    (tmp_path / "g").mkdir()
    with pytest.raises(StoreUnavailable):
        Generations(tmp_path / "g")
