"""What R code leaves behind is handled with care: links lead nowhere, depth stops nobody."""

import asyncio
import io
import os
import struct
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from api.archive import zip_of
from cache.clock import utcnow
from cache.manifest import Manifest
from cache.sessions import SessionFolder
from cache.tree import remove_tree, size_of_tree
from engine import left_files, wire
from engine.arrow_body import arrow_body
from engine.errors import CallRefused, WorkerDied
from engine.left_files import BODIES, read_left_file, write_beside
from engine.ownership import take_back

LEVELS = 1500


def deep(folder: Path) -> Path:
    """A folder with more folders in each other than a path can name, the last of them closed."""
    folder.mkdir()
    place = os.open(folder, os.O_RDONLY)
    for level in range(LEVELS):
        os.mkdir("long-enough", 0o700, dir_fd=place)
        deeper = os.open("long-enough", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = deeper
        if level % 500 == 0:
            os.close(os.open("file", os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=place))
    os.mkdir("closed", 0o000, dir_fd=place)
    os.close(place)
    return folder


@pytest.mark.parametrize("remove", [remove_tree, left_files.remove_tree])
def test_deep_folders_are_removed(tmp_path: Path, remove: object) -> None:
    assert callable(remove)
    remove(deep(tmp_path / "deep"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("remove", [remove_tree, left_files.remove_tree])
def test_what_links_lead_to_stays(tmp_path: Path, remove: object) -> None:
    assert callable(remove)
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "f").touch()
    (tmp_path / "doomed" / "d").mkdir(parents=True)
    (tmp_path / "doomed" / "d" / "l").symlink_to(tmp_path / "kept")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    remove(tmp_path / "doomed")
    remove(tmp_path / "link")
    remove(tmp_path / "nothing")
    assert (tmp_path / "kept" / "f").exists()
    assert not (tmp_path / "doomed").exists()


def test_deep_folders_are_measured_as_far_as_paths_go(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(bytes(1000))
    (tmp_path / "l").symlink_to("/usr/bin")
    deep(tmp_path / "deep")
    assert 1000 <= size_of_tree(tmp_path) < 1100
    remove_tree(tmp_path / "deep")


def test_ownership_of_deep_folders_is_taken_back(tmp_path: Path) -> None:
    assert take_back(deep(tmp_path / "deep"))
    assert not take_back(tmp_path / "deep", 3)
    assert take_back(tmp_path / "nothing")
    remove_tree(tmp_path / "deep")


@pytest.mark.parametrize("trick", ["link", "folder link", "pipe", "folder", "nothing", "path"])
def test_answer_that_is_no_file_is_not_read(tmp_path: Path, trick: str) -> None:
    (tmp_path / "secret").write_text("secret")
    folder = tmp_path / "call"
    folder.mkdir()
    bodies = folder / BODIES
    name = "answer"
    if trick == "folder link":
        (tmp_path / "answer").write_text("secret")
        bodies.symlink_to(tmp_path)
    else:
        bodies.mkdir()
    if trick == "link":
        (bodies / name).symlink_to(tmp_path / "secret")
    elif trick == "pipe":
        os.mkfifo(bodies / name)
    elif trick == "folder":
        (bodies / name).mkdir()
    elif trick == "path":
        name = "../../secret"
    with pytest.raises(WorkerDied, match="cannot be read"):
        read_left_file(folder, BODIES, name)


def test_answer_in_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / BODIES).mkdir()
    (tmp_path / BODIES / "answer").write_bytes(b"a")
    assert read_left_file(tmp_path, BODIES, "answer") == b"a"


def test_file_takes_the_place_of_a_link(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("kept")
    (tmp_path / "call").mkdir()
    (tmp_path / "call" / "manifest").symlink_to(tmp_path / "kept")
    write_beside(tmp_path / "call", "manifest", b"new")
    assert (tmp_path / "kept").read_text() == "kept"
    assert (tmp_path / "call" / "manifest").read_bytes() == b"new"
    assert len(list((tmp_path / "call").iterdir())) == 1


def test_manifest_that_is_a_link_is_not_written_through(tmp_path: Path) -> None:
    sessions = SessionFolder(tmp_path / "sessions")
    stage = sessions.stage()
    manifest = Manifest(created_at=utcnow()).to_json()
    (tmp_path / "kept").write_bytes(manifest)
    (stage.path / ".larder.json").symlink_to(tmp_path / "kept")
    sessions.publish(stage, cache_key="key")
    assert (tmp_path / "kept").read_bytes() == manifest
    assert sessions.open(stage.session_key).manifest.cache_key == "key"


def test_archive_of_a_session_holds_no_file_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    folder = tmp_path / "session"
    folder.mkdir()
    (folder / "mine").write_text("mine")
    (folder / "link").symlink_to(tmp_path / "secret")
    assert zipfile.ZipFile(io.BytesIO(zip_of(folder))).namelist() == ["mine"]


@pytest.mark.parametrize(
    "forged",
    [
        struct.pack("<II", 2**31, 0),
        struct.pack("<II", 2, 2**31),
        struct.pack("<III", 2, 1, 2**31) + b"{}",
        struct.pack("<II", 2, 0) + b"[]",
        struct.pack("<II", 5, 0) + b"{nope",
        b"short",
    ],
)
def test_forged_answer_is_none(forged: bytes) -> None:
    async def read() -> object:
        reader = asyncio.StreamReader()
        reader.feed_data(forged)
        reader.feed_eof()
        return await wire.read(reader)

    assert asyncio.run(read()) is None


@pytest.mark.parametrize(
    ("column", "content"),
    [
        ({"name": "x", "kind": "double", "rows": 10**6}, bytes(8)),
        ({"name": "x", "kind": "string", "rows": 1}, struct.pack("<ii", 10**6, 0)),
        ({"name": "x", "kind": "string", "rows": 2}, struct.pack("<ii", 4, -4)),
        ({"name": "x", "kind": "integer", "rows": -1}, bytes(8)),
    ],
)
def test_columns_of_more_than_there_is_are_refused(
    column: dict[str, object], content: bytes
) -> None:
    with pytest.raises((CallRefused, pa.ArrowInvalid)):
        arrow_body("feather", content, [column], {})
