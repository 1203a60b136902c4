"""The audit: what is spooled arrives in one chain, each call once, and nobody changes it unseen."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fakes import FixedClock

from jobs.audit_checkpoint import Checkpoint, read_checkpoint
from jobs.audit_gatherer import AuditGatherer
from jobs.audit_proof import Proof, prove_catalog
from jobs.audit_record import AuditOutcome, AuditRecord
from jobs.audit_rows import AuditFilter
from jobs.audit_spool import AuditSpool
from jobs.repository import Catalog

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = Catalog.in_file(tmp_path / "catalog.db", clock=FixedClock("2026-11-23T12:00"))
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[AuditSpool]:
    opened = AuditSpool(tmp_path)
    yield opened
    opened.close()


def record(number: int = 1, **changes: Any) -> AuditRecord:
    whole: dict[str, Any] = {
        "at": NOW + timedelta(seconds=number),
        "operation": "read",
        "outcome": AuditOutcome.DONE,
        "caller": "shop",
        "target": f"/v1/{number}",
        "job": "churn",
    }
    return AuditRecord(**whole | changes)


def line(spool: AuditSpool, target: str = "/", **more: Any) -> dict[str, Any]:
    facts = {"at": 1_790_000_000_000_000, "operation": "read", "outcome": "done"}
    return {"call": spool.next_call(), "target": target, **facts, **more}


def targets(catalog: Catalog) -> list[str | None]:
    return [row.record.target for row in catalog.audit_since(0)]


def proof(catalog: Catalog, tmp_path: Path) -> Proof:
    noted = read_checkpoint(tmp_path)
    return prove_catalog(catalog, [] if noted is None else [noted])


def test_spooled_lines_are_in_the_chain_once(
    tmp_path: Path, catalog: Catalog, spool: AuditSpool
) -> None:
    gatherer = AuditGatherer(tmp_path, catalog)
    for target in ("/a", "/b"):
        assert spool.write(line(spool, target))
        gatherer.gather()
        gatherer.gather()
    assert targets(catalog) == ["/a", "/b"]
    found = proof(catalog, tmp_path)
    assert (found.is_whole, found.first, found.last) == (True, 1, 2)
    assert read_checkpoint(tmp_path) == Checkpoint(2, found.hash)


def test_spool_is_removed_when_it_is_gathered_and_let_go(
    tmp_path: Path, catalog: Catalog, spool: AuditSpool
) -> None:
    spool.write(line(spool))
    gatherer = AuditGatherer(tmp_path, catalog)
    gatherer.gather()
    assert len(list((tmp_path / "audit").glob("*.spool"))) == 1
    spool.close()
    gatherer.gather()
    assert list((tmp_path / "audit").glob("*.spool")) == []
    assert targets(catalog) == ["/"]


def test_call_that_never_ended_is_lost_when_its_process_is_gone(
    tmp_path: Path, catalog: Catalog, spool: AuditSpool
) -> None:
    begun = line(spool, "/begun")
    ended = line(spool, "/ended")
    spool.write({**begun, "begun": True})
    spool.write({**ended, "begun": True})
    gatherer = AuditGatherer(tmp_path, catalog)
    gatherer.gather()
    assert targets(catalog) == []
    spool.write({**ended, "was_begun": True})
    spool.close()
    gatherer.gather()
    found = [(row.record.target, row.record.outcome) for row in catalog.audit_since(0)]
    assert found == [("/ended", "done"), ("/begun", "lost")]


def test_full_spool_is_followed_by_another(
    tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.audit_spool.FULL_BYTES", 200)
    spool = AuditSpool(tmp_path)
    for number in range(20):
        spool.write(line(spool, f"/{number}"))
    assert len(list((tmp_path / "audit").glob("*.spool"))) > 5
    AuditGatherer(tmp_path, catalog).gather()
    assert targets(catalog) == [f"/{number}" for number in range(20)]
    assert len(list((tmp_path / "audit").glob("*.spool"))) == 1
    spool.close()


def test_removed_spool_is_made_again(tmp_path: Path, catalog: Catalog) -> None:
    moments = iter(range(0, 10**12, 2 * 10**9))
    spool = AuditSpool(tmp_path, lambda: next(moments))
    spool.write(line(spool, "/gone"))
    for path in (tmp_path / "audit").iterdir():
        path.unlink()
    assert spool.write(line(spool, "/kept"))
    AuditGatherer(tmp_path, catalog).gather()
    assert targets(catalog) == ["/kept"]
    spool.close()


def test_what_could_not_be_written_is_counted(
    tmp_path: Path, catalog: Catalog, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "audit").write_text("in the way")
    moments = iter(range(0, 10**12, 2 * 10**9))
    spool = AuditSpool(tmp_path, lambda: next(moments))
    assert not spool.write(line(spool))
    assert not spool.write(line(spool))
    assert "calls not audited count=1" in caplog.text
    (tmp_path / "audit").unlink()
    assert spool.write(line(spool, "/after"))
    AuditGatherer(tmp_path, catalog).gather()
    found = [(row.record.outcome, row.record.detail) for row in catalog.audit_since(0)]
    assert found == [("lost", "2 lines could not be written"), ("done", None)]
    spool.close()


@pytest.mark.parametrize(
    "garbage",
    [b"\x00\xff\n", b"[]\n", b"{}\n", b'{"call":"x"}\n', b'{"call":1,"at":"no"}\n', b"9" * 600_000],
)
def test_line_that_cannot_be_read_is_told(
    tmp_path: Path, catalog: Catalog, spool: AuditSpool, garbage: bytes
) -> None:
    spool.write(line(spool, "/before"))
    [path] = (tmp_path / "audit").glob("*.spool")
    with path.open("ab") as file:
        file.write(garbage)
    AuditGatherer(tmp_path, catalog).gather()
    if not garbage.endswith(b"\n"):
        with path.open("ab") as file:
            file.write(b"\n")
    spool.write(line(spool, "/after"))
    AuditGatherer(tmp_path, catalog).gather()
    found = [(row.record.operation, row.record.outcome) for row in catalog.audit_since(0)]
    assert found[0] == ("read", "done")
    assert found[-1] == ("read", "done")
    assert set(found[1:-1]) == {("audit", "failed")}
    assert proof(catalog, tmp_path).is_whole


def test_two_gatherers_and_two_writers_make_one_chain(tmp_path: Path, catalog: Catalog) -> None:
    spools = [AuditSpool(tmp_path) for _ in range(2)]
    other = Catalog.in_file(tmp_path / "catalog.db")

    def write(spool: AuditSpool) -> None:
        for number in range(300):
            spool.write(line(spool, f"/{id(spool)}/{number}"))

    def gather(by: Catalog) -> None:
        for _ in range(20):
            AuditGatherer(tmp_path, by).gather()

    threads = [threading.Thread(target=write, args=(spool,)) for spool in spools]
    threads += [threading.Thread(target=gather, args=(by,)) for by in (catalog, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    AuditGatherer(tmp_path, other).gather()
    found = targets(catalog)
    assert len(found) == len(set(found)) == 600
    assert proof(catalog, tmp_path).is_whole
    other.close()
    for spool in spools:
        spool.close()


WRITER = """
import sys
from pathlib import Path
from jobs.audit_spool import AuditSpool
import jobs.audit_spool
jobs.audit_spool.FULL_BYTES = 20_000
spool = AuditSpool(Path(sys.argv[1]))
for number in range(1_000_000):
    call = {"call": spool.next_call(), "at": 1, "operation": "read", "outcome": "done"}
    call["target"] = f"{sys.argv[2]}/{number}"
    if number % 3 == 0:
        spool.write({**call, "begun": True})
        call["was_begun"] = True
    spool.write(call)
    print(number, flush=True)
"""
GATHERER = """
import sys
from pathlib import Path
import jobs.audit_gatherer
from jobs.repository import Catalog
jobs.audit_gatherer.PART_BYTES = 3000
state = Path(sys.argv[1])
catalog = Catalog.in_file(state / "catalog.db")
print("ready", flush=True)
while True:
    jobs.audit_gatherer.AuditGatherer(state, catalog).gather()
"""


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def kill(process: subprocess.Popen[str]) -> list[str]:
    """Kills a process; returns what it had said."""
    os.kill(process.pid, signal.SIGKILL)
    said, _ = process.communicate()
    return said.split()


def test_kills_of_writers_and_gatherers_neither_lose_nor_double_a_row(
    tmp_path: Path, catalog: Catalog
) -> None:
    written: set[str] = set()
    for turn in range(6):
        writer = start(WRITER, str(tmp_path), f"/{turn}")
        gatherer = start(GATHERER, str(tmp_path))
        assert gatherer.stdout is not None
        assert writer.stdout is not None
        said = [gatherer.stdout.readline()] + [writer.stdout.readline() for _ in range(200 * turn)]
        kill(gatherer)
        told = [*said[1:], *kill(writer)]
        written |= {f"/{turn}/{int(number)}" for number in told}
    AuditGatherer(tmp_path, catalog).gather()
    rows = list(catalog.audit_since(0))
    found = [row.record.target for row in rows]
    assert len(found) == len(set(found))
    assert written <= set(found)
    assert len(set(found) - written) <= 6  # written, and not told before the kill
    assert proof(catalog, tmp_path).is_whole
    assert list((tmp_path / "audit").glob("*.spool")) == []


def change(tmp_path: Path, *statements: str) -> None:
    with sqlite3.connect(tmp_path / "catalog.db") as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


COPY = "at, operation, outcome, caller, cache, target, job, hash"


@pytest.mark.parametrize(
    ("statements", "broken"),
    [
        (["UPDATE audit SET caller = 'other' WHERE id = 4"], 4),
        (["UPDATE audit SET at = '2026-11-23T12:00:04.000001Z' WHERE id = 4"], 4),
        (["UPDATE audit SET status = 200 WHERE id = 4"], 4),
        (["UPDATE audit SET hash = replace(hash, 'a', 'b') WHERE id = 4"], 4),
        (["DELETE FROM audit WHERE id = 4"], 4),
        (["DELETE FROM audit WHERE id BETWEEN 4 AND 6"], 4),
        (["DELETE FROM audit WHERE id = 1"], 1),
        (["DELETE FROM audit WHERE id = 4", "UPDATE audit SET id = id - 1 WHERE id > 4"], 4),
        (
            [
                "UPDATE audit SET id = -id WHERE id >= 4",
                "UPDATE audit SET id = 1 - id WHERE id < 0",
                f"INSERT INTO audit (id, {COPY}) SELECT 4, {COPY} FROM audit WHERE id = 3",
            ],
            4,
        ),
        (
            [
                "UPDATE audit SET id = -4 WHERE id = 4",
                "UPDATE audit SET id = 4 WHERE id = 5",
                "UPDATE audit SET id = 5 WHERE id = -4",
            ],
            4,
        ),
        (["DELETE FROM audit WHERE id > 8"], 9),
        (
            [
                "DELETE FROM audit WHERE id > 8",
                "UPDATE audit_chain SET last = 8, hash = (SELECT hash FROM audit WHERE id = 8)",
            ],
            9,
        ),
        (["DELETE FROM audit", "DELETE FROM audit_chain"], 1),
        (["DELETE FROM audit_chain"], 1),
        (
            [
                "DELETE FROM audit WHERE id <= 3",
                "UPDATE audit_chain SET dropped = 3, anchor = (SELECT hash FROM audit_chain)",
            ],
            4,
        ),
        ([f"INSERT INTO audit (id, {COPY}) SELECT 11, {COPY} FROM audit WHERE id = 3"], 11),
    ],
)
def test_first_row_that_was_tampered_with_is_found(
    tmp_path: Path, catalog: Catalog, spool: AuditSpool, statements: list[str], broken: int
) -> None:
    for number in range(10):
        spool.write(line(spool, f"/{number}"))
    AuditGatherer(tmp_path, catalog).gather()
    assert proof(catalog, tmp_path).is_whole
    change(tmp_path, *statements)
    found = proof(catalog, tmp_path)
    assert found.broken == broken
    assert found.fault


def test_cut_tail_is_not_forgotten_when_more_rows_come(
    tmp_path: Path, catalog: Catalog, spool: AuditSpool, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(10):
        spool.write(line(spool, f"/{number}"))
    AuditGatherer(tmp_path, catalog).gather()
    change(
        tmp_path,
        "DELETE FROM audit WHERE id > 8",
        "UPDATE audit_chain SET last = 8, hash = (SELECT hash FROM audit WHERE id = 8)",
    )
    for _ in range(5):
        spool.write(line(spool))
    AuditGatherer(tmp_path, catalog).gather()
    assert proof(catalog, tmp_path).broken == 10
    assert "audit was changed" in caplog.text


def test_oldest_rows_are_dropped_and_the_rest_still_verifies(
    tmp_path: Path, catalog: Catalog
) -> None:
    catalog.add_audit([record(number) for number in range(10)])
    assert catalog.drop_audit(NOW + timedelta(seconds=4)) == 4
    assert catalog.drop_audit(NOW + timedelta(seconds=4)) == 0
    assert catalog.drop_audit(NOW + timedelta(seconds=7)) == 3
    ids = [row.id for row in catalog.audit_since(0)]
    assert ids == [8, 9, 10, 11, 12]
    told = catalog.audit_rows(limit=1)[0].record
    assert (told.operation, told.caller, told.target) == ("retention", "scheduler", "5-7")
    assert proof(catalog, tmp_path).is_whole
    change(tmp_path, "DELETE FROM audit WHERE id = 8")
    assert proof(catalog, tmp_path).broken == 8


def test_rows_are_found_by_what_they_are_about(catalog: Catalog) -> None:
    catalog.add_audit(
        [
            record(1),
            record(2, caller="desk", job=None, function="stats::rnorm"),
            record(3, outcome=AuditOutcome.REFUSED, request_id="abc"),
        ]
    )

    def found(**wanted: Any) -> list[int]:
        return [row.id for row in catalog.audit_rows(AuditFilter(**wanted))]

    assert found() == [3, 2, 1]
    assert found(caller="desk") == found(function="stats::rnorm") == [2]
    assert found(job="churn") == [3, 1]
    assert found(outcome=AuditOutcome.REFUSED) == found(request_id="abc") == [3]
    assert found(since=NOW + timedelta(seconds=2)) == [3, 2]
    assert found(until=NOW + timedelta(seconds=2)) == [1]
    assert [row.id for row in catalog.audit_rows(before=3, limit=1)] == [2]


def test_block_that_raises_is_noted_as_failed(
    tmp_path: Path, catalog: Catalog, spool: AuditSpool
) -> None:
    with spool.noted(operation="run", caller="scheduler") as ended:
        ended["detail"] = "as it should"
    with pytest.raises(ZeroDivisionError), spool.noted(operation="run"):
        _ = 1 / 0
    spool.close()
    AuditGatherer(tmp_path, catalog).gather()
    found = [(row.record.outcome, row.record.detail) for row in catalog.audit_since(0)]
    assert found == [("done", "as it should"), ("failed", "ZeroDivisionError")]


def test_installations_have_chains_of_their_own(tmp_path: Path, catalog: Catalog) -> None:
    other = Catalog.in_file(tmp_path / "other.db")
    other.migrate()
    for one in (catalog, other):
        one.add_audit([record()])
    first, second = catalog.audit_chain(), other.audit_chain()
    assert first is not None
    assert second is not None
    assert first.genesis != second.genesis
    assert first.hash != second.hash
    other.close()
