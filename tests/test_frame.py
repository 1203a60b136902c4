"""Frames on disk: what is written is what is read."""

import math
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from serving import ROOT

from engine.frame import NA_INTEGER, Column, Frame
from engine.sources import Sources
from engine.wire import pack


def round_trip(folder: Path, frame: Frame) -> Frame:
    path = folder / "frame"
    described = frame.write(path)
    return Frame.read(path.read_bytes(), described)


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(values=st.lists(st.none() | TEXT))
def test_strings_come_back(
    tmp_path_factory: pytest.TempPathFactory, values: list[str | None]
) -> None:
    folder = tmp_path_factory.mktemp("frame")
    frame = Frame({"x": Column("string", values), "n": Column("double", [0.0] * len(values))})
    assert round_trip(folder, frame).columns["x"].plain() == values


def test_numbers_come_back_with_what_is_missing(tmp_path: Path) -> None:
    frame = Frame(
        {
            "d": Column("double", [0.1, math.nan, math.inf]),
            "i": Column("integer", [1, NA_INTEGER, -3]),
            "l": Column("logical", [1, NA_INTEGER, 0]),
        }
    )
    back = round_trip(tmp_path, frame)
    assert back.rows == 3
    assert back.columns["d"].plain() == [0.1, None, math.inf]
    assert back.columns["i"].plain() == [1, None, -3]
    assert back.columns["l"].plain() == [True, None, False]


def test_arrow_stays_out_of_the_forking_parent() -> None:
    # It would bring its threads into a process that forks.
    code = "import sys, engine.parent; sys.exit('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_message_names_the_lengths_of_its_parts() -> None:
    message = pack({"a": 1}, [b"xy", b""])
    assert struct.unpack("<IIII", message[:16]) == (7, 2, 2, 0)
    assert message[16:] == b'{"a":1}xy'


def test_sources_change_by_content_and_not_by_time(tmp_path: Path) -> None:
    model = tmp_path / "models" / "m.R"
    model.parent.mkdir()
    model.write_text("f <- 1")
    sources = Sources(tmp_path)
    before = sources.digest
    model.write_text("f <- 1")
    assert not sources.changed()
    model.write_text("f <- 2")
    assert sources.changed()
    assert sources.digest != before
    assert not sources.changed()


def test_model_objects_are_sources_and_other_data_is_not(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "models").mkdir()
    for name in ("data/fit.rds", "data/rows.csv", "models/a.R"):
        (tmp_path / name).write_text("x")
    files = [path.name for path in Sources(tmp_path).files()]
    assert files == ["fit.rds", "a.R"]
