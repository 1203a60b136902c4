"""`larder audit` and /v1/audit: rows, proofs and files."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fakes import NoPool
from prepared import ask, example_jobs
from typer.testing import CliRunner, Result

from jobs.audit_record import AuditOutcome, AuditRecord
from jobs.audit_spool import AuditSpool
from jobs.pantry import Pantry
from jobs.repository import Catalog
from larder.cli import app
from larder.errors import NotOnRecord
from larder.on_record import on_record, system_user
from larder.settings import load_settings

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
NASTY = '=cmd|"x"!A1\u2028\n,"'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".larder").mkdir(mode=0o700)
    return tmp_path


@pytest.fixture
def catalog(project: Path) -> Iterator[Catalog]:
    opened = Catalog.in_file(project / ".larder" / "catalog.db")
    opened.migrate()
    records = [
        AuditRecord.of_line(
            {
                "at": int((BEGIN + timedelta(days=day)).timestamp() * 1e6),
                "operation": "read",
                "outcome": AuditOutcome.DONE if day % 2 else AuditOutcome.REFUSED,
                "caller": "shop" if day < 5 else NASTY,
                "target": f"/v1/results/{day}",
                "job": "churn",
                "status": 200,
                "duration_us": 1500,
                "cache": "hit",
            }
        )
        for day in range(10)
    ]
    opened.add_audit(records)
    yield opened
    opened.close()


def larder(project: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["audit", *words, "--project", str(project)])


def ids(result: Result) -> list[int]:
    assert result.exit_code == 0, result.output
    return [row["id"] for row in json.loads(result.output)["rows"]]


@pytest.mark.usefixtures("catalog")
def test_rows_are_chosen_and_shown_newest_last(project: Path) -> None:
    assert ids(larder(project, "--json")) == list(range(1, 11))
    assert ids(larder(project, "--json", "--limit", "2")) == [9, 10]
    assert ids(larder(project, "--json", "--who", "shop", "--outcome", "done")) == [2, 4]
    assert ids(larder(project, "--json", "--since", "2026-11-09")) == [9, 10]
    assert ids(larder(project, "--json", "--until", "2026-11-02")) == [1, 2]
    assert ids(larder(project, "--json", "--job", "other")) == []
    shown = larder(project, "--limit", "1").output
    assert "GET" not in shown
    assert "/v1/results/9" in shown
    assert "200 hit 1.5 ms" in shown
    assert "\u2028" not in shown


def test_verify_names_the_first_row_that_was_changed(project: Path, catalog: Catalog) -> None:
    whole = larder(project, "verify")
    assert whole.exit_code == 0
    assert "10 rows, 1 to 10: as they were written" in whole.output
    noted = whole.output.split()[-1]
    with catalog._write() as connection:
        connection.exec_driver_sql("DELETE FROM audit WHERE id = 4")
    broken = larder(project, "verify")
    assert broken.exit_code == 1
    assert "row 4 is not as it was written: it was removed" in broken.output
    found = json.loads(larder(project, "verify", "--json").output)
    assert (found["whole"], found["broken"], found["last"]) == (False, 4, 3)
    assert larder(project, "verify", "--checkpoint", noted).exit_code == 1
    assert "is no checkpoint" in larder(project, "verify", "--checkpoint", "7").output


def test_checkpoint_noted_elsewhere_shows_that_all_was_written_anew(
    project: Path, catalog: Catalog
) -> None:
    noted = larder(project, "verify").output.split()[-1]
    rows = list(catalog.audit_since(0))
    with catalog._write() as connection:
        connection.exec_driver_sql("DELETE FROM audit")
        connection.exec_driver_sql("DELETE FROM audit_chain")
    (project / ".larder" / "audit" / "checkpoint").unlink(missing_ok=True)
    catalog.add_audit([row.record for row in rows])
    assert larder(project, "verify").exit_code == 0
    broken = larder(project, "verify", "--checkpoint", noted)
    assert broken.exit_code == 1
    assert "row 10" in broken.output


@pytest.mark.usefixtures("catalog")
@pytest.mark.parametrize("name", ["all.jsonl", "all.csv"])
def test_export_is_proved_by_itself(project: Path, name: str) -> None:
    file = project / name
    assert larder(project, "export", str(file)).exit_code == 0
    assert file.stat().st_mode & 0o077 == 0
    proved = larder(project, "verify", str(file))
    assert "10 rows, 1 to 10" in proved.output
    assert larder(project, "export", str(file)).exit_code == 1
    text = file.read_text()
    file.write_text(text.replace("/v1/results/4", "/v1/results/5"))
    broken = larder(project, "verify", str(file))
    assert broken.exit_code == 1
    assert "row 5 is not" in broken.output
    file.write_text("".join(text.splitlines(keepends=True)[:5] + text.splitlines(True)[6:]))
    assert "it was removed" in larder(project, "verify", str(file)).output
    file.write_text(text + "garbage\n")
    assert "no row of an audit" in larder(project, "verify", str(file)).output


@pytest.mark.usefixtures("catalog")
def test_export_of_a_time_is_proved_and_harmless_in_a_spreadsheet(project: Path) -> None:
    file = project / "part.csv"
    larder(project, "export", str(file), "--since", "2026-11-04", "--until", "2026-11-08")
    assert "5 rows, 4 to 8" in larder(project, "verify", str(file)).output
    assert "'=cmd" in file.read_text()
    assert larder(project, "export", "--who", "shop").exit_code == 2


def test_command_is_on_record_by_the_name_of_its_user(project: Path) -> None:
    settings = load_settings(project)
    with on_record(settings, "add key", "shop") as ended:
        ended["detail"] = "viewer"
    with pytest.raises(ZeroDivisionError), on_record(settings, "revoke key", "shop"):
        _ = 1 / 0
    rows = json.loads(larder(project, "--json").output)["rows"]
    # Each command has a spool of its own, and those of one moment are gathered in any order.
    assert sorted((row["operation"], row["outcome"], row["caller"]) for row in rows) == [
        ("add key", "done", system_user()),
        ("revoke key", "failed", system_user()),
    ]


def test_command_does_nothing_that_cannot_be_put_on_record_where_that_is_required(
    project: Path,
) -> None:
    (project / "larder.yaml").write_text("audit: {required: true}\n")
    (project / ".larder" / "audit").write_text("in the way")
    with pytest.raises(NotOnRecord), on_record(load_settings(project), "add key", "shop"):
        pytest.fail("it was done")


def test_admins_read_it_in_pages_or_lines(project: Path, catalog: Catalog) -> None:
    state = project / ".larder"
    spool = AuditSpool(state)
    spool.write({"call": 1, "at": 1_790_000_000_000_000, "operation": "run", "outcome": "done"})
    pantry = Pantry(state, NoPool(), example_jobs())  # type: ignore[arg-type]

    def get(path: str, **headers: str) -> Any:
        return ask(pantry, state, "GET", path, catalog=catalog, headers=headers)

    first = get("/v1/audit?limit=4&job=churn").json()
    assert [row["id"] for row in first["rows"]] == [10, 9, 8, 7]
    second = get(first["next"]).json()
    assert [row["id"] for row in second["rows"]] == [6, 5, 4, 3]
    assert get(second["next"]).json()["next"] is None
    assert get("/v1/audit?operation=run").json()["rows"][0]["outcome"] == "done"
    assert get("/v1/audit?since=nonsense").status_code == 400
    lines = get("/v1/audit?until=2026-11-03", Accept="application/x-ndjson")
    assert lines.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line)["id"] for line in lines.text.splitlines()][:3] == [1, 2, 3]
    spool.close()
    pantry.close()
