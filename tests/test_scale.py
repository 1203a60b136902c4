"""Jobs of many rows and cells: answered while they run, in memory that does not grow with them."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kitchen import Kitchen, closing_sources, gain, gain_job, price, price_job, read_rows

from cache.entry import State
from jobs.call import call_of_cell
from jobs.dry_run import dry_run
from jobs.errors import RowsUnreadable
from jobs.grid import Axis, Cell, Grid
from jobs.job import Job
from jobs.row_wanting import why_rows
from jobs.rows_source import Rows
from jobs.scope import NOT_FRESH, Scope
from jobs.status import Cause, RunStatus
from jobs.table_source import CsvFile
from jobs.why import Why

ROWS = 50_000
VALUES = 10_000


@pytest.fixture(autouse=True)
def _sources_closed() -> Iterator[None]:
    with closing_sources():
        yield


def write_table(path: Path, rows: int, more: str = "") -> Path:
    lines = (f"{number},{number / 4}{more}\n" for number in range(rows))
    path.write_text("id,carat" + (",text" if more else "") + "\n" + "".join(lines))
    return path


# Rows


def test_rows_are_answered_by_key_while_the_rest_is_computed(tmp_path: Path) -> None:
    csv = write_table(tmp_path / "rows.csv", ROWS)
    job = price_job(csv, rows=Rows(CsvFile(csv), "id", "newdata", batch=5000))
    kitchen = Kitchen(tmp_path / "state", job)
    seen: list[tuple[State, State]] = []

    def looking(newdata: dict[str, list[Any]]) -> Any:
        first = int(newdata["id"][0])
        before = kitchen.pantry.row_answer(job, max(first - 1, 0))
        seen.append((before.state, kitchen.pantry.row_answer(job, first).state))
        return price(newdata)

    kitchen.pool.functions["price"] = looking
    run = kitchen.runner.run(job, Cause.MANUAL)
    assert (run.status, run.computed) == (RunStatus.SUCCEEDED, ROWS)
    # The source is read one batch ahead of R: two are asked for before the first is kept.
    assert seen[2:] == [(State.FRESH, State.MISS)] * (ROWS // 5000 - 2)
    for key in (0, 12_345, ROWS - 1):
        answer = kitchen.pantry.row_answer(job, key).answer
        assert answer is not None
        assert answer.values == {"price": key / 2}
    again = kitchen.runner.run(job, Cause.MANUAL)
    assert (again.computed, again.fresh) == (0, ROWS)
    kitchen.close()


SMALL_MEMORY = """
import resource, sys
from pathlib import Path
from jobs.rows_source import Rows, RowsSource
from jobs.table_source import CsvFile

def source(path):
    return RowsSource.read(Rows(CsvFile(path), "id", "newdata", 1000), folder=path.parent)

folder = Path(sys.argv[1])
source(folder / "small.csv").close()  # libraries and threads are there from now on
status = Path("/proc/self/status").read_text().split("VmData:")[1]
room = int(status.split()[0]) * 1024 + int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_DATA, (room, room))
with source(folder / "large.csv") as large:
    print(sum(len(batch.keys) for batch in large.batches()))
    print(large.row(99_999).frame.columns["carat"].plain())
"""


def test_table_larger_than_the_memory_there_is_can_be_read(tmp_path: Path) -> None:
    write_table(tmp_path / "small.csv", 10, ",x")
    large = write_table(tmp_path / "large.csv", 100_000, "," + "x" * 1000)
    room = 64 * 2**20
    assert large.stat().st_size > 1.5 * room
    script = [sys.executable, "-c", SMALL_MEMORY, str(tmp_path), str(room)]
    done = subprocess.run(
        script,
        check=False,
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.split() == ["100000", "[24999.75]"], done.stderr[-2000:]


def test_state_of_rows_is_told_some_thousand_at_a_time(tmp_path: Path) -> None:
    csv = write_table(tmp_path / "rows.csv", 25_000)
    job = price_job(csv)
    kitchen = Kitchen(tmp_path / "state", job)
    source = read_rows(Rows(CsvFile(csv), "id", "newdata"))
    version = kitchen.keeper.renew(job)
    table = kitchen.pantry.row_answers.table(job)
    blocks = why_rows(table, source, range(len(source)), kitchen.clock(), version)
    assert [(len(block), {why for _, why in block}) for block in blocks] == [
        (10_000, {Why.NEVER}),
        (10_000, {Why.NEVER}),
        (5_000, {Why.NEVER}),
    ]
    kitchen.close()


# Types of a CSV file that only a later block tells


def late(folder: Path, first: str, last: str) -> Any:
    """The column x of a file of some megabytes, in whose last row only it is another text."""
    path = folder / "late.csv"
    rows = "".join(f"{number},{first},{'y' * 20}\n" for number in range(60_000))
    path.write_text(f"id,x,y\n{rows}60000,{last},y\n")
    assert path.stat().st_size > 1.5 * 2**20
    source = read_rows(Rows(CsvFile(path), "id", "newdata"))
    batches = list(source.batches())
    kinds = {batch.frame.columns["x"].kind for batch in batches}
    assert len(kinds) == 1
    return kinds.pop(), batches[0].frame.columns["x"].plain()[0]


@pytest.mark.parametrize(
    ("first", "last", "kind", "value"),
    [
        ("1", "2.5", "double", 1.0),
        ("1", "a", "string", "1"),
        ("", "7", "integer", None),
        ("NA", "a", "string", None),
        ("TRUE", "1", "string", "TRUE"),
        ("2026-01-31", "x", "string", "2026-01-31"),
        ("007", "123456789012345678", "string", "007"),
        ("1", "3000000000", "double", 1.0),
    ],
)
def test_type_of_a_column_is_that_of_all_its_rows(
    tmp_path: Path, first: str, last: str, kind: str, value: object
) -> None:
    assert late(tmp_path, first, last) == (kind, value)


def test_row_longer_than_a_block_is_read(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text(f"id,x\n1,{'a' * 300_000}\n2,b\n")
    [batch] = read_rows(Rows(CsvFile(path), "id", "newdata")).batches()
    assert [len(text) for text in batch.frame.columns["x"].plain()] == [300_000, 1]


def test_text_that_is_no_utf_8_is_found_in_a_late_block(tmp_path: Path) -> None:
    path = tmp_path / "late.csv"
    rows = b"".join(b"%d,%s\n" % (number, b"x" * 40) for number in range(40_000))
    path.write_bytes(b"id,x\n" + rows + b"40000,\xff\n")
    with pytest.raises(RowsUnreadable, match="column x is no UTF-8"):
        read_rows(Rows(CsvFile(path), "id", "newdata"))


def test_repeated_keys_are_found_however_far_apart(tmp_path: Path) -> None:
    path = write_table(tmp_path / "rows.csv", ROWS)
    with path.open("a") as file:
        file.write("17,0\n18,0\n17,0\n")
    told = "has id 17 twice, in row 18 and row 50001, and 2 more"
    with pytest.raises(RowsUnreadable, match=told):
        read_rows(Rows(CsvFile(path), "id", "newdata"))


# Cells


def large_job() -> Job:
    weights = tuple(60 + 50 * number / VALUES for number in range(VALUES))
    grid = Grid((Axis("treatment", ("CBT", "FT")), Axis("prewt", weights)))
    return gain_job(grid=grid)


def test_part_of_twenty_thousand_cells_is_computed_and_answered_meanwhile(tmp_path: Path) -> None:
    job = large_job()
    kitchen = Kitchen(tmp_path, job)
    seen: set[State] = set()
    first = call_of_cell(job, Cell({"treatment": "CBT", "prewt": 60.0}))

    def looking(**arguments: Any) -> Any:
        found = kitchen.pantry.resolve(first, job)
        assert found is not None
        seen.add(found.state)
        return gain(**arguments)

    kitchen.pool.functions["gain"] = looking
    weights = tuple(str(60 + 50 * number / VALUES) for number in range(100))
    run = kitchen.runner.run(job, Cause.MANUAL, scope=Scope({"prewt": weights}))
    assert (run.status, run.computed) == (RunStatus.SUCCEEDED, 200)
    assert seen == {State.MISS, State.FRESH}
    counts = kitchen.pantry.freshness(job)
    assert (counts.total, counts.fresh, counts.missing) == (2 * VALUES, 200, 2 * VALUES - 200)
    version = kitchen.keeper.renew(job)
    rest = dry_run(job, NOT_FRESH, version, kitchen.pantry, kitchen.catalog)
    assert (rest.total, rest.reasons) == (2 * VALUES, {Why.NEVER: 2 * VALUES - 200})
    kitchen.close()
