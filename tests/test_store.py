"""The results store: what goes in comes out, whole, whatever happens beside it."""

import pickle
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from test_entry import an_entry, with_header

from cache.entry import Body, Entry
from cache.errors import (
    EntryFormatTooNew,
    EntryTooLarge,
    EntryUnreadable,
    PickleRefused,
    StoreFull,
    StoreUnavailable,
)
from cache.store import Store

ROOT = Path(__file__).parents[1]


class Bomb:
    """Its pickle makes a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "results")
    yield opened
    opened.close()


def keyed(number: int, **changes: object) -> Entry:
    return an_entry(cache_key=f"{number:032x}", **changes)


def sabotage(store: Store, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(store.folder / "cache.db")) as connection, connection:
        assert connection.execute(statement, values).rowcount


def test_pickled_row_is_never_opened(store: Store, tmp_path: Path) -> None:
    store.put(keyed(1))
    bomb = pickle.dumps(Bomb(tmp_path / "harm"))
    sabotage(store, "UPDATE Cache SET mode = 4, value = ?", bomb)
    with pytest.raises(EntryUnreadable, match="its row holds a pickle or file of another program"):
        store.get(keyed(1).cache_key)
    assert list(store.summaries()) == []
    assert not (tmp_path / "harm").exists()


def test_pickled_file_is_never_opened(store: Store, tmp_path: Path) -> None:
    store.put(keyed(1))
    (store.folder / "bomb.val").write_bytes(pickle.dumps(Bomb(tmp_path / "harm")))
    sabotage(store, "UPDATE Cache SET mode = 4, value = NULL, filename = 'bomb.val'")
    with pytest.raises(EntryUnreadable):
        store.get(keyed(1).cache_key)
    assert not (tmp_path / "harm").exists()


def test_pickled_key_is_never_opened(store: Store, tmp_path: Path) -> None:
    store.put(keyed(1))
    bomb = pickle.dumps(Bomb(tmp_path / "harm"))
    sabotage(store, "UPDATE Cache SET key = ?, raw = 0 WHERE key LIKE 'e:%'", bomb)
    assert store.get(keyed(1).cache_key) is None
    assert list(store.cache_keys()) == []
    with pytest.raises(PickleRefused):
        list(store._rows)
    assert not (tmp_path / "harm").exists()


def test_nothing_but_bytes_is_written(store: Store) -> None:
    for value in ({"a": 1}, "text", 1, None):
        with pytest.raises(PickleRefused):
            store._rows.set("e:1", value)
    with pytest.raises(PickleRefused):
        store._rows.set(("e", 1), b"")


def test_damaged_row_is_a_clear_error_and_a_put_replaces_it(store: Store) -> None:
    store.put(keyed(1))
    sabotage(store, "UPDATE Cache SET value = substr(value, 1, 100)")
    with pytest.raises(EntryUnreadable, match=keyed(1).cache_key):
        store.get(keyed(1).cache_key)
    store.put(keyed(1))
    assert store.get(keyed(1).cache_key) == keyed(1)


def test_entry_of_a_later_larder_is_refused_and_left(store: Store) -> None:
    store.put(keyed(1))
    newer = with_header(keyed(1).to_bytes(), format=9)
    sabotage(store, "UPDATE Cache SET value = ? WHERE key LIKE 'e:%'", newer)
    sabotage(store, "DELETE FROM Cache WHERE key LIKE 'm:%'")
    assert store.check() == 0
    with pytest.raises(EntryFormatTooNew):
        store.get(keyed(1).cache_key)


def test_damaged_database_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "cache.db").write_bytes(b"this is no database" * 1000)
    with pytest.raises(StoreUnavailable, match="not a database"):
        Store(tmp_path)


def test_folder_that_is_a_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("")
    with pytest.raises(StoreUnavailable):
        Store(tmp_path / "results")


def limited(store: Store, pages: int) -> None:
    """As a disk with so many pages more than are in use: SQLite answers the same."""
    (used,) = store._rows._sql("PRAGMA page_count").fetchone()
    store._rows._sql(f"PRAGMA max_page_count = {used + pages}")


def test_full_disk_loses_nothing(store: Store) -> None:
    store.put(keyed(1))
    limited(store, 4)
    larger = keyed(1, bodies={"csv": Body.of(b"\x00" * 200_000, "image/png")})
    with pytest.raises(StoreFull, match="no room left on disk for results"):
        store.put(larger)
    assert store.get(keyed(1).cache_key) == keyed(1)
    assert [summary.formats for summary in store.summaries()] == [("json", "png")]


def test_full_disk_keeps_nothing_of_a_failed_batch(store: Store) -> None:
    limited(store, 4)
    with pytest.raises(StoreFull):
        store.put_many(keyed(number) for number in range(50))
    assert list(store.cache_keys()) == []
    assert list(store.summaries()) == []


def test_store_works_again_once_there_is_room(store: Store) -> None:
    limited(store, 0)
    with pytest.raises(StoreFull):
        store.put(keyed(1))
    store.put(keyed(1))  # the limit went with the connection
    assert store.get(keyed(1).cache_key) == keyed(1)


def test_entry_too_large_for_a_row_is_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cache.store._ROW_LIMIT_BYTES", 1000)
    with pytest.raises(EntryTooLarge, match="more than 1,000"):
        store.put(keyed(1))


def test_what_is_put_is_got_in_another_process_too(store: Store) -> None:
    store.put(keyed(1))
    script = (
        "import sys, pathlib; from cache.store import Store\n"
        "entry = Store(pathlib.Path(sys.argv[1])).get(sys.argv[2])\n"
        "sys.stdout.buffer.write(entry.to_bytes())"
    )
    got = subprocess.run(
        [sys.executable, "-c", script, str(store.folder), keyed(1).cache_key],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    assert Entry.from_bytes(got.stdout) == keyed(1)


def test_missing_entry_is_none(store: Store) -> None:
    assert store.get("0" * 32) is None
    assert not store.delete("0" * 32)


def test_put_replaces_and_delete_removes(store: Store) -> None:
    store.put(keyed(1))
    store.put(keyed(1, version="v2", job="other"))
    assert store.get(keyed(1).cache_key).version == "v2"
    assert [summary.version for summary in store.summary("other")] == ["v2"]
    assert list(store.summary("weight_gain")) == []
    assert store.delete(keyed(1).cache_key)
    assert store.get(keyed(1).cache_key) is None
    assert list(store.summaries()) == []


def test_large_bodies_come_back_whole(store: Store) -> None:
    large = keyed(1, bodies={"csv": Body.of(bytes(range(256)) * 20_000, "application/x-r-data")})
    store.put(large)
    assert store.get(large.cache_key) == large


def test_expired_entry_is_still_there(store: Store) -> None:
    old = keyed(1, keep_until=an_entry().computed_at.replace(year=2001))
    store.put(old)
    assert store.get(old.cache_key) == old


def test_get_writes_nothing(store: Store) -> None:
    store.put(keyed(1))
    writes = {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}
    store._rows._con.set_authorizer(
        lambda action, *_: sqlite3.SQLITE_DENY if action in writes else sqlite3.SQLITE_OK
    )
    assert store.get(keyed(1).cache_key) == keyed(1)
    assert store.get("0" * 32) is None
    assert len(list(store.summaries())) == 1


def test_summaries_are_those_of_the_job(store: Store) -> None:
    store.put_many(keyed(number, job=f"job{number % 3}") for number in range(1200))
    found = list(store.summary("job1"))
    assert [summary.cache_key for summary in found] == [f"{n:032x}" for n in range(1, 1200, 3)]
    assert found[0] == keyed(1, job="job1").summary(found[0].size_bytes)
    assert len(list(store.summaries())) == 1200
    assert list(store.summary("job")) == []


def test_summaries_of_some_keys(store: Store) -> None:
    store.put_many(map(keyed, range(700)))
    wanted = [f"{number:032x}" for number in range(690, 1300)]
    assert sorted(store.summaries_of(wanted)) == wanted[:10]


def test_summary_says_what_room_the_entry_takes(store: Store) -> None:
    before = store.volume_bytes()
    store.put_many(map(keyed, range(200)))
    said = sum(summary.size_bytes for summary in store.summaries())
    assert said == pytest.approx(store.volume_bytes() - before, rel=0.25)


def test_writing_while_summaries_are_read_is_fine(store: Store) -> None:
    store.put_many(map(keyed, range(1100)))
    for summary in store.summaries():
        store.delete(summary.cache_key)
    assert list(store.cache_keys()) == []


def test_discard_leaves_what_was_put_anew(store: Store) -> None:
    store.put_many(map(keyed, range(3)))
    seen = list(store.summaries())
    store.put(keyed(1, version="v2"))
    store.delete(keyed(2).cache_key)
    assert [gone.cache_key for gone in store.discard(seen)] == [keyed(0).cache_key]
    assert list(store.cache_keys()) == [keyed(1).cache_key]


def test_revise_changes_an_entry_in_place(store: Store) -> None:
    store.put(keyed(1))
    assert store.revise(keyed(1).cache_key, lambda entry: replace(entry, pinned=False))
    assert store.get(keyed(1).cache_key) == keyed(1, pinned=False)
    assert not store.revise(keyed(1).cache_key, lambda _: None)
    assert not store.revise(keyed(2).cache_key, lambda entry: entry)


def test_revise_many_changes_those_that_are_there_and_can_be_read(store: Store) -> None:
    store.put_many(map(keyed, range(250)))
    sabotage(store, "UPDATE Cache SET value = x'00' WHERE key = ?", f"e:{keyed(7).cache_key}")
    keys = [keyed(number).cache_key for number in range(251)]

    def change(entry: Entry) -> Entry | None:
        return None if entry.cache_key == keys[8] else replace(entry, version="v9")

    assert store.revise_many(keys, change) == {*keys[:7], *keys[9:250]}
    assert {one.version for one in store.summaries_of(keys[9:]).values()} == {"v9"}
    assert store.get(keys[249]) == keyed(249, version="v9")
    assert store.get(keys[8]) == keyed(8)


def test_check_makes_missing_summaries_and_drops_stray_ones(store: Store) -> None:
    store.put_many(map(keyed, range(4)))
    sabotage(store, "DELETE FROM Cache WHERE key = ?", f"m:{keyed(0).cache_key}")
    sabotage(store, "UPDATE Cache SET value = x'00' WHERE key = ?", f"m:{keyed(1).cache_key}")
    sabotage(store, "DELETE FROM Cache WHERE key = ?", f"e:{keyed(2).cache_key}")
    assert store.check() == 3
    kept = [keyed(number).cache_key for number in (0, 1, 3)]
    assert sorted(summary.cache_key for summary in store.summaries()) == kept
    assert list(store.cache_keys()) == kept
    assert store.check() == 0


def test_threads_and_processes_write_and_read_at_once(store: Store) -> None:
    script = (
        "import sys, pathlib; sys.path.insert(0, 'tests')\n"
        "from cache.store import Store; from test_store import keyed\n"
        "store = Store(pathlib.Path(sys.argv[1]))\n"
        "for n in range(60): store.put(keyed(n)); assert store.get(keyed(n).cache_key)"
    )
    command = [sys.executable, "-c", script, str(store.folder)]
    writers = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda number: store.put(keyed(number)), range(120)))
    assert [writer.wait() for writer in writers] == [0, 0]
    assert [store.get(keyed(number).cache_key) for number in range(120)] == list(
        map(keyed, range(120))
    )


def test_reader_sees_the_old_or_the_new_entry_never_a_mixture(store: Store) -> None:
    versions = [
        keyed(1, version=name, bodies={"x": Body.of(name.encode() * 90_000, "image/png")})
        for name in ("v1", "v2")
    ]
    store.put(versions[0])

    def read(_: int) -> bool:
        return store.get(keyed(1).cache_key) in versions

    with ThreadPoolExecutor(2) as threads:
        reads = threads.map(read, range(200))
        for number in range(30):
            store.put(versions[number % 2])
        assert all(reads)


def test_reading_threads_keep_little_of_what_they_read(store: Store) -> None:
    large = an_entry(bodies={"json": Body(bytes(2**20), "application/json")})
    keys = [f"k{number}" for number in range(100)]  # more than what of the file is mapped
    for key in keys:
        store.put(replace(large, cache_key=key))
    before = _own_memory()

    def read_all(_thread: int) -> int:
        return sum(store.get(key) is not None for key in keys)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(read_all, range(8))) == [len(keys)] * 8
        assert _own_memory() - before < 100 * 2**20


def _own_memory() -> int:
    """Bytes that no file stands behind."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss_Anon:"))
