"""Tables of other kinds than CSV: the same rows, keys, digests and errors."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from kitchen import Kitchen, closing_sources, price_job, read_rows
from pyarrow import parquet

from engine.frame import Frame
from jobs.errors import RowsUnreadable
from jobs.rows_source import Rows, RowsSource
from jobs.status import Cause
from jobs.table_source import CsvFile, ParquetFile


@pytest.fixture(autouse=True)
def _sources_closed() -> Iterator[None]:
    with closing_sources():
        yield


def plain(frame: Frame) -> dict[str, tuple[str, list[object]]]:
    return {name: (column.kind, column.plain()) for name, column in frame.columns.items()}


def read(path: Path, table: pa.Table | dict[str, Any], **options: Any) -> RowsSource:
    whole = table if isinstance(table, pa.Table) else pa.table(table)
    parquet.write_table(whole, path, **options)
    return read_rows(Rows(ParquetFile(path), "id", "newdata"))


def test_columns_of_parquet_get_types_that_r_has(tmp_path: Path) -> None:
    instant = datetime(2026, 1, 1, 10, tzinfo=UTC)
    source = read(
        tmp_path / "t.parquet",
        {
            "id": pa.array([1, 2], pa.int16()),
            "whole": pa.array([7, None], pa.uint32()),
            "wide": pa.array([3_000_000_000, 1]),
            "long": pa.array([123456789012345678, 1]),
            "x": pa.array([1.5, None], pa.float32()),
            "money": pa.array([Decimal("1.50"), None]),
            "b": [True, None],
            "s": ["NA", None],
            "words": pa.array(["a", "b"]).dictionary_encode(),
            "day": [date(2026, 1, 31), None],
            "at": pa.array([1769835600_000_000, 1769835600_250_000], pa.timestamp("us")),
            "instant": [instant, None],
            "clock": [time(5, 30), None],
            "none": pa.nulls(2),
        },
    )
    assert plain(next(source.batches()).frame) == {
        "id": ("integer", [1, 2]),
        "whole": ("integer", [7, None]),
        "wide": ("double", [3_000_000_000.0, 1.0]),
        "long": ("string", ["123456789012345678", "1"]),
        "x": ("double", [1.5, None]),
        "money": ("double", [1.5, None]),
        "b": ("logical", [True, None]),
        "s": ("string", ["NA", None]),
        "words": ("string", ["a", "b"]),
        "day": ("string", ["2026-01-31", None]),
        "at": ("string", ["2026-01-31 05:00:00", "2026-01-31 05:00:00.25"]),
        "instant": ("string", ["2026-01-01 10:00:00", None]),
        "clock": ("string", ["05:30:00", None]),
        "none": ("logical", [None, None]),
    }


def test_a_row_has_the_digest_that_it_has_in_a_csv_file(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,carat,cut\n1,0.5,Fair\n2,,Good\n")
    csv = read_rows(Rows(CsvFile(tmp_path / "t.csv"), "id", "newdata"))
    table = {"id": [1, 2], "carat": [0.5, None], "cut": ["Fair", "Good"]}
    parquet = read(tmp_path / "t.parquet", table)
    assert parquet.keys.digests([0, 1]) == csv.keys.digests([0, 1])


def test_row_groups_are_one_table(tmp_path: Path) -> None:
    table = {"id": list(range(10)), "x": [None] * 9 + [1.5]}
    source = read(tmp_path / "t.parquet", table, row_group_size=3)
    assert list(source.keys) == list(range(10))
    found = source.row(9)
    assert found is not None
    assert plain(found.frame)["x"] == ("double", [1.5])


def test_a_parquet_file_without_rows_has_no_batches(tmp_path: Path) -> None:
    source = read(tmp_path / "t.parquet", {"id": pa.array([], pa.int64())})
    assert len(source) == 0
    assert list(source.batches()) == []


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (pa.table({"id": [1, None]}), "has a row without id; the first is row 2"),
        (pa.table({"id": ["a", ""]}), "has a row without id; the first is row 2"),
        (pa.table({"id": [1, 1]}), "has id 1 twice, in row 1 and row 2"),
        (pa.table({"id": [1.5]}), "the column id holds double"),
        (pa.table({"x": [1]}), "has no column 'id'"),
        (pa.table([[1], [2], [3]], ["id", "x", "x"]), "has several columns called x"),
        (pa.table({"id": [1], "x": [b"a"]}), "column x holds binary"),
        (pa.table({"id": [1], "x": [[1, 2]]}), "column x holds list<"),
    ],
)
def test_a_parquet_table_that_cannot_be_used_says_why(
    tmp_path: Path, table: pa.Table, reason: str
) -> None:
    with pytest.raises(RowsUnreadable) as caught:
        read(tmp_path / "t.parquet", table)
    assert reason in caught.value.reason


def test_a_file_that_is_no_parquet_is_said_to_be_none(tmp_path: Path) -> None:
    rows = Rows(ParquetFile(tmp_path / "t.parquet"), "id", "newdata")
    with pytest.raises(RowsUnreadable, match=r"t\.parquet: cannot be read: No such file"):
        read_rows(rows)
    (tmp_path / "t.parquet").write_text("id,x\n1,2\n")
    with pytest.raises(RowsUnreadable, match=r"t\.parquet: is no Parquet table"):
        read_rows(rows)


def test_a_run_over_parquet_computes_what_changed(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    rows = Rows(ParquetFile(path), "id", "newdata", batch=3)
    job = price_job(tmp_path / "none.csv", rows=rows)
    kitchen = Kitchen(tmp_path / "state", job)
    parquet.write_table(pa.table({"id": [1, 2, 3, 4], "carat": [0.5, 1.0, 1.5, 2.0]}), path)
    assert kitchen.runner.run(job, Cause.MANUAL).computed == 4
    parquet.write_table(pa.table({"id": [1, 2, 4], "carat": [0.5, 9.0, 2.0]}), path)
    run = kitchen.runner.run(job, Cause.MANUAL)
    assert (run.computed, run.fresh) == (1, 2)
    assert kitchen.pantry.row_answers.table(job).count() == 3
    kitchen.close()
