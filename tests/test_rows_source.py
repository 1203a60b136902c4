"""The table of a rows job: types as R reads them, keys, digests, batches."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from kitchen import closing_sources, read_rows

from engine.frame import Frame
from jobs.errors import ArgumentInvalid, RowsUnreadable
from jobs.project import load_project, read_project
from jobs.rows_source import Rows, RowsSource
from jobs.table_source import CsvFile


@pytest.fixture(autouse=True)
def _sources_closed() -> Iterator[None]:
    with closing_sources():
        yield


def source(folder: Path, content: str | bytes, key: str = "id", batch: int = 5000) -> RowsSource:
    path = folder / "rows.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_rows(Rows(CsvFile(path), key, "newdata", batch))


def digests(read: RowsSource) -> list[int]:
    return read.keys.digests(range(len(read)))


def plain(frame: Frame) -> dict[str, tuple[str, list[object]]]:
    return {name: (column.kind, column.plain()) for name, column in frame.columns.items()}


def test_columns_have_the_types_that_r_would_give_them(tmp_path: Path) -> None:
    read = source(
        tmp_path,
        "id,x,n,b,s,d,t,none\n"
        "1,1.5,3,TRUE,a,2026-01-01,2026-01-01T10:00:00,\n"
        '2,,NA,F,NA,,"2026-01-01 11:00:00",NA\n'
        '3,NaN,-5,,"NA",2026-01-03,,\n',
    )
    [batch] = read.batches()
    assert plain(batch.frame) == {
        "id": ("integer", [1, 2, 3]),
        "x": ("double", [1.5, None, None]),
        "n": ("integer", [3, None, -5]),
        "b": ("logical", [True, False, None]),
        "s": ("string", ["a", None, None]),
        "d": ("string", ["2026-01-01", "", "2026-01-03"]),
        "t": ("string", ["2026-01-01T10:00:00", "2026-01-01 11:00:00", ""]),
        "none": ("logical", [None, None, None]),
    }


def test_whole_numbers_beyond_r_integers_are_doubles_and_longer_ones_text(tmp_path: Path) -> None:
    read = source(tmp_path, "id,wide,long\n1,3000000000,\n2,-2147483648,123456789012345678\n")
    columns = plain(next(read.batches()).frame)
    assert columns["wide"] == ("double", [3000000000.0, -2147483648.0])
    assert columns["long"] == ("string", ["", "123456789012345678"])


def test_text_may_hold_commas_quotes_line_ends_and_any_script(tmp_path: Path) -> None:
    read = source(tmp_path, '\ufeffid,s\nä,"a,""b""\nc"\nb,x\n')
    assert list(read.keys) == ["ä", "b"]
    assert plain(next(read.batches()).frame)["s"] == ("string", ['a,"b"\nc', "x"])


def test_batches_hold_as_many_rows_as_said_in_the_order_of_the_file(tmp_path: Path) -> None:
    read = source(tmp_path, "id\n" + "\n".join(map(str, range(10, 0, -1))), batch=4)
    assert [list(batch.keys) for batch in read.batches()] == [
        [10, 9, 8, 7],
        [6, 5, 4, 3],
        [2, 1],
    ]
    assert [(batch.start, list(batch.keys)) for batch in read.batches([1, 9])] == [(1, [9, 1])]
    assert list(read.batches([])) == []


def test_a_batch_carries_the_digests_of_its_rows(tmp_path: Path) -> None:
    read = source(tmp_path, "id,x\n1,a\n2,b\n3,c\n")
    [batch] = read.batches([0, 2])
    assert list(batch.digests) == [digests(read)[0], digests(read)[2]]
    assert batch.frame.columns["id"].plain() == [1, 3]


def test_a_digest_follows_the_content_of_its_row_only(tmp_path: Path) -> None:
    before = digests(source(tmp_path, "id,x,y\n1,a,1\n2,b,2\n3,,3\n"))
    changed = digests(source(tmp_path, "id,x,y\n3,,3\n1,a,1\n2,B,2\n"))
    assert changed[1] == before[0]
    assert changed[0] == before[2]
    assert changed[2] not in before


def test_digests_tell_apart_what_only_looks_alike(tmp_path: Path) -> None:
    one = digests(source(tmp_path, "id,x,y\n1,a,b\n2,,c\n3,NA,c\n4,ab,\n"))
    other = digests(source(tmp_path, "id,y,x\n1,a,b\n"))
    assert len({*one, *other}) == 5
    renamed = digests(source(tmp_path, "id,z,y\n1,a,b\n"))
    assert renamed[0] not in one


def test_digests_are_signed_64_bit_and_the_same_in_every_process(tmp_path: Path) -> None:
    found = digests(source(tmp_path, "id,x\n1,a\n2,b\n"))
    assert found == [-4351757792874723188, 5583500878755672033]
    assert all(-(2**63) <= digest < 2**63 for digest in found)


def test_one_row_is_found_by_its_key(tmp_path: Path) -> None:
    read = source(tmp_path, "id,x\n7,a\n8,b\n")
    found = read.row(read.parse_key("8"))
    assert found is not None
    assert plain(found.frame) == {"id": ("integer", [8]), "x": ("string", ["b"])}
    assert read.row(9) is None
    assert read.row("eight") is None


def test_a_text_key_stays_text(tmp_path: Path) -> None:
    read = source(tmp_path, "id\n7a\n8\n")
    assert read.parse_key("8") == "8"
    assert read.row("8") is not None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("id,x\n1,a\n,b\n", "has a row without id; the first is row 2"),
        ('id,x\na,a\n,b\n"",c\n', "has 2 rows without id; the first is row 2"),
        ("id,x\n1,a\n2,b\n1,c\n", "has id 1 twice, in row 1 and row 3"),
        ("id,x\n1.5,a\n", "the column id holds double"),
        ("id,x\nTRUE,a\n", "the column id holds bool"),
        ("x\n1\n", "has no column 'id'"),
        ("id,x,x\n1,2,3\n", "has several columns called x"),
        ("id,x\n1,2,3\n", "is no CSV table"),
        ("", "is no CSV table"),
        (b"id,x\n1,\xff\n", "column x is no UTF-8"),
    ],
)
def test_a_table_that_cannot_be_used_says_why(
    tmp_path: Path, content: str | bytes, reason: str
) -> None:
    with pytest.raises(RowsUnreadable) as caught:
        source(tmp_path, content)
    assert reason in caught.value.reason


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(RowsUnreadable, match=r"rows\.csv: cannot be read"):
        read_rows(Rows(CsvFile(tmp_path / "rows.csv"), "id", "newdata"))


def test_a_table_without_rows_has_no_batches(tmp_path: Path) -> None:
    read = source(tmp_path, "id,x\n")
    assert len(read) == 0
    assert list(read.batches()) == []
    assert read.row(1) is None


def test_a_row_is_asked_for_by_its_key_alone(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "c.csv").write_text("id\n1\n")
    (tmp_path / "jobs" / "a.yaml").write_text(
        "jobs: {a: {function: a.b::f, rows: {from: {csv: c.csv}, key: id, pass_as: d}}}"
    )
    job = load_project(tmp_path).job("a")
    assert job.arguments_from_query([("id", "17")]) == {"id": "17"}
    with pytest.raises(ArgumentInvalid, match="id is missing"):
        job.arguments_from_query([("idd", "17")])


ROWS = "jobs: {a: {function: a.b::f, rows: {from: {csv: data/c.csv}, key: id, pass_as: d}}}"


def linked(folder: Path, link: str, to: Path) -> list[str]:
    """What is said of a project in which `link` leads to what lies outside."""
    for name in ("jobs", "data"):
        if name != link:
            (folder / name).mkdir(parents=True)
    (folder / "jobs" / "a.yaml").write_text(ROWS)
    (folder / link).symlink_to(to)
    return [str(problem) for problem in read_project(folder).problems]


def test_link_to_a_file_outside_the_project_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("id\n1\n")
    (told,) = linked(tmp_path / "clinic", "data/c.csv", tmp_path / "c.csv")
    assert "the file data/c.csv is a link that leads out of the project" in told


def test_link_within_the_project_is_followed(tmp_path: Path) -> None:
    folder = tmp_path / "clinic"
    folder.mkdir()
    (folder / "c.csv").write_text("id\n1\n")
    assert linked(folder, "data/c.csv", folder / "c.csv") == []


def test_folder_of_data_may_lie_on_another_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    (disk / "c.csv").write_text("id\n1\n")
    (tmp_path / "clinic").mkdir()
    assert linked(tmp_path / "clinic", "data", disk) == []
