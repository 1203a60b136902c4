"""The command line: what it prints, with which exit status, and on which stream."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kitchen import Kitchen, gain_job, price_job
from typer.testing import CliRunner

from api.job_view import job_view
from engine.errors import RError
from jobs.call import Call
from jobs.job import Job
from jobs.records import ScheduleRow
from jobs.status import Cause
from larder.cli import COMMANDS, app
from larder.definitions import Definitions
from larder.inspection import inspect_project
from larder.settings import load_settings
from larder.state import ENGINE_LOCK, SERVER_LOCK, Lock

ROOT = Path(__file__).parent.parent
GAIN = """
jobs:
  weight_gain:
    function: scoring::gain
    args:
      treatment: {type: string, values: [CBT, FT]}
      prewt: {type: number, min: 60, max: 110}
      level: {type: number, default: 0.95}
    grid: {treatment: all, prewt: [70, 80, 90]}
    cache: {fresh_for: 1 hour, serve_stale_for: 2 hours, keep: 10 hours}
"""
PRICES = """
jobs:
  prices:
    function: scoring::price
    rows: {from: {csv: data/prices.csv}, key: id, pass_as: newdata, batch: 3}
"""
MODELS = """
gain <- function(treatment, prewt, level = 0.95) {
  plot(prewt)
  data.frame(gain = prewt / 10, width = level)
}
price <- function(newdata) data.frame(price = newdata$carat * 2)
slow <- function(x) { Sys.sleep(60); x }
"""


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("LARDER_PORT", "PORT", "LARDER_DEBUG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path)


def make_project(folder: Path, **jobs: str) -> Path:
    for part in ("jobs", "models", "data"):
        (folder / part).mkdir(exist_ok=True)
    (folder / "larder.yaml").write_text("name: scoring\n")
    (folder / "models" / "models.R").write_text(MODELS)
    (folder / "data" / "prices.csv").write_text("id,carat\n1,0.5\n2,0.7\n")
    for name, text in (jobs or {"gain": GAIN, "prices": PRICES}).items():
        (folder / "jobs" / f"{name}.yaml").write_text(text)
    return folder


def larder(*words: object) -> SimpleNamespace:
    """What the command prints on stdout and stderr, and its exit status."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    error = result.exception
    if error is not None and not isinstance(error, SystemExit):
        raise error
    return SimpleNamespace(out=result.stdout, err=result.stderr, status=result.exit_code)


def with_results(folder: Path, *jobs: Job) -> Kitchen:
    """The project's state after these jobs were run; fresh whenever the test is run."""
    kitchen = Kitchen(folder / ".larder", *jobs)
    kitchen.clock.set("2999-01-01")
    for job in jobs:
        kitchen.runner.run(job, Cause.SCHEDULE)
    return kitchen


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_in_a_line_what_it_does_and_gives_examples(command: str) -> None:
    said = larder(command, "--help").out
    assert "Examples:" in said
    assert f" larder {command}" in said
    assert larder("--help").out.count(f" {command} ") >= 1


def test_exit_statuses_are_documented() -> None:
    said = " ".join(larder("--help").out.split())
    for number in (0, 1, 2, 3, 130):
        assert f" {number} " in said


def test_unknown_command_and_option_are_usage_errors() -> None:
    unknown = larder("chek")
    assert (unknown.status, "Did you mean 'check'" in unknown.err) == (2, True)
    assert larder("check", "--jsn").status == 2


def test_check_finds_nothing_wrong_with_a_good_project(project: Path) -> None:
    checked = larder("check", project, "--no-r")
    assert (checked.out, checked.status) == ("no problems in 2 jobs\n", 0)


def test_check_reports_every_mistake_of_every_file_at_once(project: Path) -> None:
    (project / "larder.yaml").write_text("name: scoring\nprot: 8080\n")
    (project / "jobs" / "gain.yaml").write_text(GAIN.replace("min: 60", "mim: 60"))
    (project / "jobs" / "prices.yaml").write_text(PRICES.replace("batch: 3", "batch: many"))
    checked = larder("check", project, "--no-r")
    assert checked.status == 1
    lines = checked.out.splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        "jobs/gain.yaml:7:29",
        "jobs/prices.yaml:5:76",
        "larder.yaml:2:1",
        "3 problems",
    ]
    assert "(did you mean 'port'?)" in lines[2]


def test_check_has_the_same_facts_for_programs(project: Path) -> None:
    (project / "jobs" / "gain.yaml").write_text(GAIN.replace("min: 60", "mim: 60"))
    checked = larder("check", project, "--no-r", "--json")
    assert checked.status == 1
    found = json.loads(checked.out)
    assert found["jobs"] == ["prices"]
    assert found["problems"] == [
        {
            "file": "jobs/gain.yaml",
            "line": 7,
            "column": 29,
            "message": "unknown key 'mim'",
            "hint": "did you mean 'min'?",
            "severity": "error",
        }
    ]


def test_check_of_a_folder_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    checked = larder("check", tmp_path / "nowhere")
    assert checked.status == 1
    assert "there is no such folder" in checked.out


@pytest.mark.parametrize(("which", "key"), [("jobs", "jobs"), ("settings", "port")])
def test_schema_is_a_json_schema(which: str, key: str) -> None:
    schema = json.loads(larder("schema", which).out)
    assert schema["$schema"].endswith("2020-12/schema")
    assert key in schema["properties"]


def test_new_project_has_no_mistake_and_its_editor_a_schema(tmp_path: Path) -> None:
    folder = tmp_path / "my clinic"
    made = CliRunner().invoke(app, ["init", str(folder)])
    assert (made.exit_code, "my.clinic" in made.stderr) == (0, True)
    assert all((folder / file).exists() for file in made.stdout.splitlines())
    inspection = inspect_project(folder, with_r=False)
    assert (inspection.problems, list(inspection.jobs)) == ((), ["dose"])
    line = (folder / "jobs" / "dose.yaml").read_text().splitlines()[0]
    schema = folder / "jobs" / line.partition("$schema=")[2]
    assert "jobs" in json.loads(schema.read_text())["properties"]


def test_new_project_writes_over_nothing(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "dose.yaml").write_text("mine")
    refused = CliRunner().invoke(app, ["init", str(tmp_path)])
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "dose.yaml is there already" in refused.stderr
    assert [path.name for path in tmp_path.rglob("*")] == ["jobs", "dose.yaml"]


def test_status_shows_freshness_and_last_run_without_a_server(project: Path) -> None:
    with_results(project, gain_job()).close()
    said = larder("status", project).out
    assert said.startswith("scoring is not being served; its schedules do not fire\n")
    row = next(line for line in said.splitlines() if line.startswith("weight_gain"))
    assert row.split()[:7] == ["weight_gain", "grid", "6", "0", "0", "6", "succeeded"]


def fails(**_: Any) -> None:
    raise RError("Error in lm(): no convergence", "no convergence")


def test_status_names_the_server_and_the_error_of_the_last_run(project: Path) -> None:
    kitchen = with_results(project)
    kitchen.pool.functions["gain"] = fails
    kitchen.runner.run(gain_job(), Cause.SCHEDULE)
    kitchen.close()
    lock = Lock(project / ".larder", SERVER_LOCK)
    lock.take()
    try:
        said = larder("status", project).out
    finally:
        lock.release()
    assert said.startswith(f"scoring is served by process {os.getpid()};")
    assert "weight_gain: 6 of 6 failed; the first: no convergence" in said


def test_status_for_programs_has_counts_times_and_mistakes(project: Path) -> None:
    with_results(project, price_job(project / "data" / "prices.csv")).close()
    (project / "jobs" / "gain.yaml").write_text(GAIN.replace("min: 60", "mim: 60"))
    found = json.loads(larder("status", project, "--json").out)
    (prices,) = found["jobs"]
    assert (prices["job"], prices["kind"], prices["cells"]["total"]) == ("prices", "rows", 2)
    assert prices["last_run"]["computed"] == 2
    assert prices["last_run"]["started_at"] == "2999-01-01T00:00:00Z"
    assert (found["server"], found["fires"]) == (None, False)
    [mistake] = found["definitions"]["problems"]
    assert (mistake["file"], mistake["line"], mistake["column"]) == ("jobs/gain.yaml", 7, 29)
    assert (found["definitions"]["valid"], found["definitions"]["live_since"]) == (False, None)


def test_status_lists_the_mistakes_of_job_files(project: Path) -> None:
    (project / "jobs" / "gain.yaml").write_text(GAIN.replace("min: 60", "mim: 60"))
    said = larder("status", project).out.splitlines()
    assert said[-2:] == [
        "1 mistake in the job files:",
        "jobs/gain.yaml:7:29: unknown key 'mim' (did you mean 'min'?)",
    ]


def test_status_tells_why_a_time_was_left_out_until_the_schedule_fires(project: Path) -> None:
    gain = GAIN + "    schedule: every 1 hour\n"
    (project / "jobs" / "gain.yaml").write_text(gain)
    kitchen = with_results(project)
    row = ScheduleRow("weight_gain#1", "weight_gain", "every", "every 1 hour", "UTC")
    kitchen.catalog.mirror_schedules([row])
    kitchen.catalog.mark_skipped(row.id, reason="still being run", next_fire=None)
    said = larder("status", project).out
    assert "weight_gain: 'every 1 hour' did not fire 0.0 s ago: still being run" in said
    [job, _] = json.loads(larder("status", project, "--json").out)["jobs"]
    assert (job["last_skipped"], job["skip_reason"]) == ("2999-01-01T00:00:00Z", "still being run")
    view = job_view(kitchen.pantry, gain_job(), None, kitchen.catalog.schedules())["schedules"][0]
    assert (view["last_skipped"], view["skip_reason"]) == (
        "2999-01-01T00:00:00.000000Z",
        "still being run",
    )
    kitchen.clock.advance(hours=1)
    kitchen.catalog.fire_schedule(row.id, Cause.SCHEDULE, scheduled_for=None, next_fire=None)
    assert "did not fire" not in larder("status", project).out
    kitchen.close()


def stored(project: Path, job: Job, value: Any) -> None:
    """Puts an answer of now into the project's store."""
    kitchen = Kitchen(project / ".larder", job)
    try:
        kitchen.clock.set("2999-01-01")
        kitchen.pool.functions["gain"] = lambda **_: value
        kitchen.pantry.materialise(Call(job.qualified, {"treatment": "CBT", "prewt": 70}), job)
    finally:
        kitchen.close()


def test_get_prints_a_stored_answer_and_says_beside_it_that_it_is_a_hit(project: Path) -> None:
    stored(project, gain_job(), [{"gain": 4.5}])
    got = larder("get", "weight_gain", "prewt=70.0", "treatment=CBT", "--project", project)
    assert got.status == 0
    assert json.loads(got.out) == [{"gain": 4.5}]
    assert got.err.startswith("hit: computed ")


def test_get_writes_to_a_file(project: Path) -> None:
    stored(project, gain_job(), [{"gain": 4.5}])
    file = project / "answer.json"
    words = ("get", "weight_gain", "prewt=70", "treatment=CBT", "-p", project, "-o", file)
    assert larder(*words).out == ""
    assert json.loads(file.read_bytes()) == [{"gain": 4.5}]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("weight_gian",), "there is no job 'weight_gian'; did you mean 'weight_gain'?"),
        (("weight_gain", "prewt"), "'prewt' is no argument: write NAME=VALUE"),
        (("weight_gain", "prewt=7", "treatment=CBX"), "prewt is 7; allowed"),
        (("prices",), "id is missing"),
    ],
)
def test_get_of_what_is_not_there_is_a_usage_error(
    project: Path, words: tuple[str, ...], told: str
) -> None:
    got = larder("get", *words, "--project", project)
    assert (got.status, got.out) == (2, "")
    assert got.err.startswith("larder: ")
    assert told in got.err


def test_get_refuses_to_print_a_picture_on_a_terminal(project: Path) -> None:
    leader, follower = os.openpty()
    command = [sys.executable, "-m", "larder", "get", "weight_gain", "--format", "png"]
    done = subprocess.run(
        [*command, "--project", str(project)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(leader)
    os.close(follower)
    assert done.returncode == 2
    assert "give --output FILE" in done.stderr


def test_serving_beyond_loopback_is_refused_with_what_to_do(project: Path) -> None:
    served = larder("serve", project, "--host", "192.0.2.1")
    assert served.status == 1
    assert "listen on 127.0.0.1" in served.err
    assert "--insecure" in served.err
    assert not (project / ".larder").exists()


def test_a_taken_port_is_a_clear_error(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        served = in_a_process("serve", str(project), "--port", str(port))
    assert served.returncode == 1
    assert served.stderr.splitlines()[-1] == (
        f"larder: cannot listen on 127.0.0.1, port {port}: another program listens there; "
        f"stop it or take another port (--port {port + 1})"
    )


@pytest.mark.parametrize("name", [SERVER_LOCK, ENGINE_LOCK])
def test_two_servers_on_one_project_are_refused(project: Path, name: str) -> None:
    (project / ".larder").mkdir()
    lock = Lock(project / ".larder", name)
    lock.take()
    served = in_a_process("serve", str(project), "--port", "0")
    lock.release()
    assert served.returncode == 1
    assert f"is served already by process {os.getpid()}" in served.stderr


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"PORT": "http"}, "PORT: expected a whole number, found the text 'http'"),
        ({"PORT": "1", "LARDER_PORT": "http"}, "LARDER_PORT: expected a whole number"),
        ({"LARDER_PROT": "1"}, "did you mean LARDER_PORT?"),
    ],
)
def test_a_wrong_variable_is_named(
    project: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], told: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    served = larder("serve", project)
    assert served.status == 1
    assert told in served.err


def test_the_port_of_the_command_line_wins_over_the_platforms(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "8123")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port}:" in in_a_process("serve", str(project), "--port", str(port)).stderr


def test_our_errors_have_a_traceback_only_when_asked(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = in_a_process("get", "nothing", "--project", str(project))
    assert (plain.returncode, plain.stderr) == (2, "larder: there is no job 'nothing'\n")
    monkeypatch.setenv("LARDER_DEBUG", "1")
    assert "Traceback" in in_a_process("get", "nothing", "--project", str(project)).stderr


def in_a_process(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "larder", *words],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.r
def test_check_asks_r_about_functions_and_arguments(project: Path) -> None:
    (project / "jobs" / "gain.yaml").write_text(GAIN.replace("prewt", "weight"))
    (project / "jobs" / "prices.yaml").write_text(PRICES.replace("::price", "::prise"))
    checked = larder("check", project)
    assert checked.status == 1
    assert "scoring::gain takes no argument 'weight'" in checked.out
    assert "R finds no function scoring::prise (did you mean 'price'?)" in checked.out


@pytest.mark.r
def test_check_places_a_mistake_in_a_model(project: Path) -> None:
    (project / "models" / "models.R").write_text(MODELS + "oops <- function( {\n")
    checked = larder("check", project)
    assert checked.status == 1
    assert checked.out.startswith("models/models.R:8:")
    run = larder("run", "weight_gain", "--project", project)
    assert run.status == 3
    assert "the R engine did not start: models/models.R:8:" in run.err


def test_status_names_the_job_that_another_waits_for(tmp_path: Path) -> None:
    after = PRICES + "    schedule: {after: weight_gain}\n"
    shown = larder("status", make_project(tmp_path, gain=GAIN, prices=after))
    assert "  after weight_gain " in shown.out


@pytest.mark.r
def test_run_says_what_it_skipped(project: Path) -> None:
    (project / "data").mkdir(exist_ok=True)
    (project / "data" / "visits.csv").write_text("id\n1\n")
    entry = GAIN + "    refresh_when: {file: data/visits.csv}\n"
    (project / "jobs" / "gain.yaml").write_text(entry)
    assert larder("run", "weight_gain", "--project", project).status == 0
    again = larder("run", "weight_gain", "--project", project)
    assert again.out.endswith(": 0 computed, 0 fresh, 6 skipped: input unchanged, 0 failed\n")
    assert "6 of 6 (0 computed, 0 fresh, 6 skipped: input unchanged)" in again.err


@pytest.mark.r
def test_run_computes_what_is_missing_and_get_finds_it(project: Path) -> None:
    first = larder("run", "weight_gain", "--project", project)
    assert first.status == 0
    assert first.out.endswith(": 6 computed, 0 fresh, 0 failed\n")
    assert "weight_gain: 6 of 6 (6 computed, 0 fresh)" in first.err
    again = json.loads(larder("run", "weight_gain", "--project", project, "--json").out)
    assert (again["status"], again["computed"], again["fresh"]) == ("succeeded", 0, 6)
    got = larder("get", "weight_gain", "prewt=80", "treatment=FT", "-p", project)
    assert json.loads(got.out) == [{"gain": 8.0, "width": 0.95}]
    row = next(
        line for line in larder("status", project).out.splitlines() if line.startswith("weight")
    )
    assert row.split()[2:6] == ["6", "0", "0", "6"]


@pytest.mark.r
def test_get_computes_a_miss_in_any_form(project: Path) -> None:
    asked = ("get", "weight_gain", "prewt=81", "treatment=FT", "--project", project, "--format")
    table = larder(*asked, "csv")
    assert table.err.startswith("miss: computed now, in ")
    assert table.out == '"gain","width"\n8.1,0.95\n'
    picture = project / "gain.png"
    assert larder(*asked, "png", "--output", picture).err.startswith("hit: ")
    assert picture.read_bytes().startswith(b"\x89PNG")
    row = larder("get", "prices", "id=2", "--project", project, "-f", "csv")
    assert row.out == "id,price\n2,1.4\n"


@pytest.mark.r
def test_a_running_job_is_not_run_twice_and_ctrl_c_cancels_it(project: Path) -> None:
    slow = "jobs: {slow: {function: scoring::slow, args: {x: {type: number}}, grid: {x: [1]}}}"
    (project / "jobs" / "slow.yaml").write_text(slow)
    # Where tests run in the background, SIGINT is ignored from the start.
    program = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    program += "from larder.cli import main; main()"
    running = subprocess.Popen(
        [sys.executable, "-c", program, "run", "slow", "--project", str(project)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    kitchen = Kitchen(project / ".larder")
    try:
        while kitchen.catalog.running("slow") is None:
            assert running.poll() is None
        refused = larder("run", "slow", "--project", project)
        assert refused.status == 1
        assert "slow is being run already" in refused.err
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=60)
        assert running.returncode == 130
        assert "slow was cancelled; what it had computed is kept" in told
        assert kitchen.catalog.runs(job="slow")[0].status == "cancelled"
    finally:
        running.kill()
        kitchen.close()


def test_a_mistake_in_one_file_keeps_nobody_from_the_last_good_jobs(project: Path) -> None:
    stored(project, gain_job(), {"gain": 3.5})
    asked = ("get", "weight_gain", "treatment=CBT", "prewt=70", "--project", project)
    (project / "jobs" / "bad.yaml").write_text("jobs: {bad: {funktion: stats::sd}}\n")
    refused = larder(*asked)
    assert (refused.status, "unknown key 'funktion'" in refused.err) == (1, True)
    (project / "jobs" / "bad.yaml").unlink()
    Definitions(load_settings(project), tell=True)  # as a server does
    (project / "jobs" / "bad.yaml").write_text("jobs: {bad: {funktion: stats::sd}}\n")
    answered = larder(*asked)
    assert (answered.status, json.loads(answered.out)) == (0, {"gain": 3.5})
    told = "1 mistake in the job files (see `larder check`): the last good ones are used"
    assert told in answered.err
    gain = project / "jobs" / "gain.yaml"
    gain.write_text(gain.read_text().replace("function:", "funktion:"))
    assert "weight_gain" in larder("status", project).out  # it is live still
