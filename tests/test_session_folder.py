"""Sessions on disk: seen whole or not at all."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cache.errors import SessionError, SessionFormatTooNew, SessionNotFound, StoreUnavailable
from cache.sessions import MANIFEST, Manifest, SessionFolder, Stage

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
OUTSIDE = [
    "..",
    "../x0123456789abcd",
    ".staging",
    "x0123456789abcd/..",
    "",
    "x0",
    "X0123456789ABCD",
]


@pytest.fixture
def folder(tmp_path: Path) -> SessionFolder:
    return SessionFolder(tmp_path / "sessions")


def filled(folder: SessionFolder, **manifest: object) -> Stage:
    stage = folder.stage()
    (stage.path / "object.rds").write_bytes(b"value")
    (stage.path / MANIFEST).write_bytes(Manifest(created_at=NOON, **manifest).to_json())
    return stage


def test_published_session_can_be_opened(folder: SessionFolder) -> None:
    stage = filled(folder, function="stats::lm", objects=(".val", "lm"), graphics=2)
    path = folder.publish(stage)
    session = folder.open(stage.session_key)
    assert session.path == path
    assert (path / "object.rds").read_bytes() == b"value"
    assert session.manifest.objects == (".val", "lm")
    assert list(folder.keys()) == [stage.session_key]


def test_owner_is_noted_when_a_session_is_published(folder: SessionFolder) -> None:
    stage = filled(folder, owner="somebody else", shared=True)
    folder.publish(stage, owner="shop")
    manifest = folder.open(stage.session_key).manifest
    assert (manifest.owner, manifest.shared) == ("shop", False)


def test_session_is_shared_and_shared_no_more(folder: SessionFolder) -> None:
    stage = filled(folder, owner="shop", function="stats::lm")
    folder.publish(stage)
    before = folder.open(stage.session_key).manifest
    assert not before.shared
    folder.share(stage.session_key, shared=True)
    assert folder.open(stage.session_key).manifest == replace(before, shared=True)
    folder.share(stage.session_key, shared=False)
    assert folder.open(stage.session_key).manifest == before
    with pytest.raises(SessionNotFound):
        folder.share("x0123456789abcd", shared=True)


def test_session_of_an_older_larder_is_nobodys(folder: SessionFolder) -> None:
    older = orjson.loads(Manifest(created_at=NOON).to_json())
    del older["owner"], older["shared"]
    read = Manifest.from_json(orjson.dumps(older))
    assert (read.owner, read.shared) == ("", False)


def test_staged_session_is_seen_by_nobody(folder: SessionFolder) -> None:
    stage = filled(folder)
    assert list(folder.keys()) == []
    assert not folder.exists(stage.session_key)
    with pytest.raises(SessionNotFound):
        folder.open(stage.session_key)


def test_stage_is_private(folder: SessionFolder) -> None:
    assert folder.stage().path.stat().st_mode & 0o777 == 0o700


def test_session_without_manifest_is_not_published(folder: SessionFolder) -> None:
    stage = folder.stage()
    with pytest.raises(SessionError, match="no manifest"):
        folder.publish(stage)
    assert stage.path.is_dir()


def test_session_with_half_a_manifest_is_not_published(folder: SessionFolder) -> None:
    stage = filled(folder)
    (stage.path / MANIFEST).write_bytes(b'{"format": 1, "crea')
    with pytest.raises(SessionError, match="manifest cannot be read"):
        folder.publish(stage)


def test_published_key_is_not_overwritten(folder: SessionFolder) -> None:
    first = filled(folder)
    folder.publish(first)
    second = folder.stage(first.session_key)
    (second.path / MANIFEST).write_bytes(Manifest(created_at=NOON, error="late").to_json())
    with pytest.raises(SessionError, match="there is a session of this key"):
        folder.publish(second)
    assert folder.open(first.session_key).manifest.error is None


def test_key_is_staged_once(folder: SessionFolder) -> None:
    stage = folder.stage()
    with pytest.raises(SessionError, match="staged already"):
        folder.stage(stage.session_key)


def test_discarded_stage_leaves_nothing(folder: SessionFolder) -> None:
    stage = filled(folder)
    folder.discard(stage)
    folder.discard(stage)
    assert list(stage.path.parent.iterdir()) == []


def test_deleted_session_is_gone_with_its_files(folder: SessionFolder) -> None:
    stage = filled(folder)
    folder.publish(stage)
    assert folder.size_bytes(stage.session_key) > 5
    assert folder.delete(stage.session_key)
    assert not folder.delete(stage.session_key)
    assert folder.size_bytes(stage.session_key) == 0
    assert [path.name for path in folder.root.rglob("*")] == [".staging"]


@pytest.mark.parametrize("key", OUTSIDE)
def test_key_is_never_a_path(folder: SessionFolder, key: str) -> None:
    with pytest.raises(SessionNotFound):
        folder.open(key)
    with pytest.raises(SessionError):
        folder.stage(key)
    assert not folder.delete(key)
    assert not folder.exists(key)
    assert folder.size_bytes(key) == 0


def test_keys_are_random_and_as_long_as_asked(tmp_path: Path) -> None:
    folder = SessionFolder(tmp_path, key_digits=27)
    keys = {folder.new_key() for _ in range(1000)}
    assert len(keys) == 1000
    assert {len(key) for key in keys} == {2 + 27}
    assert all(key.startswith("x0") for key in keys)


@pytest.mark.parametrize("digits", [12, 65])
def test_key_length_has_bounds(tmp_path: Path, digits: int) -> None:
    with pytest.raises(ValueError, match="13 to 64"):
        SessionFolder(tmp_path, key_digits=digits)


def test_root_that_is_a_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "sessions").write_text("")
    with pytest.raises(StoreUnavailable):
        SessionFolder(tmp_path / "sessions")


def test_old_stages_are_cleared_and_young_ones_stay(folder: SessionFolder) -> None:
    old, young = filled(folder), filled(folder)
    os.utime(old.path, (0, 0))
    assert folder.clear_staging(3600) == 1
    assert not old.path.exists()
    assert young.path.exists()


def test_age_of_an_unreadable_session_is_that_of_its_folder(folder: SessionFolder) -> None:
    path = folder.publish(filled(folder))
    assert folder.created_at(path.name) == NOON
    (path / MANIFEST).write_text("{")
    os.utime(path, (86400, 86400))
    assert folder.created_at(path.name) == datetime(1970, 1, 2, tzinfo=UTC)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)


@settings(deadline=None)
@given(
    st.builds(
        Manifest,
        created_at=st.just(NOON),
        function=st.none() | texts,
        objects=st.lists(texts, max_size=3).map(tuple),
        graphics=st.integers(0, 9),
        files=st.lists(texts, max_size=3).map(tuple),
        texts=st.fixed_dictionaries(
            {
                name: st.lists(texts, max_size=3)
                for name in ("stdout", "messages", "warnings", "source", "console")
            }
        ),
        error=st.none() | texts,
        owner=texts,
        shared=st.booleans(),
        extra=st.dictionaries(st.just("later"), st.integers(0, 99)),
    )
)
def test_manifest_survives_its_file(manifest: Manifest) -> None:
    assert Manifest.from_json(manifest.to_json()) == manifest


def test_manifest_takes_a_lone_text_for_a_list_of_one() -> None:
    written = orjson.loads(Manifest(created_at=NOON).to_json())
    written |= {"objects": ".val", "texts": {"stdout": "[1] 3"}}
    manifest = Manifest.from_json(orjson.dumps(written))
    assert manifest.objects == (".val",)
    assert manifest.texts["stdout"] == ["[1] 3"]
    assert manifest.texts["console"] == []


def test_manifest_of_a_later_larder_is_refused() -> None:
    with pytest.raises(SessionFormatTooNew, match="format 2"):
        Manifest.from_json(Manifest(created_at=NOON, format=2).to_json())
