"""The definition language: what may be written, and what is said about mistakes."""

from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from cache.freshness import Freshness
from cache.keys import Code
from engine.call import Priority
from engine.limits import Limits
from jobs.definition import JobFile, schema
from jobs.job import Job, ScheduleSpec
from jobs.problem import Problem
from jobs.project import read_project
from jobs.retries import Retries
from jobs.schema_tree import SchemaTree
from jobs.validation import validate
from jobs.yaml_source import read_yaml


def problems_of(folder: Path, text: str) -> list[str]:
    """What is wrong with a job file, as text after the file's name."""
    return [str(problem).removeprefix("jobs/a.yaml:") for problem in read(folder, text)[1]]


def read(folder: Path, text: str) -> tuple[dict[str, Job], tuple[Problem, ...]]:
    (folder / "jobs").mkdir(exist_ok=True)
    (folder / "jobs" / "a.yaml").write_text(dedent(text), encoding="utf-8")
    reading = read_project(folder, name="scoring")
    return dict(reading.project.jobs), reading.problems


def job_of(folder: Path, body: str, top: str = "") -> Job:
    """The one job of a file, whose entry is `body`."""
    text = f"{dedent(top)}\njobs:\n  a:\n    function: scoring::f\n" + indent(dedent(body), "    ")
    jobs, problems = read(folder, text)
    assert not problems, problems
    return jobs["a"]


def problems_in_job(folder: Path, body: str) -> list[str]:
    """Problems of a job entry; its first line is line 4, its first column is 5."""
    text = "jobs:\n  a:\n    function: scoring::f\n" + indent(dedent(body).lstrip("\n"), "    ")
    return problems_of(folder, text)


def test_the_job_of_the_design_page_is_understood(tmp_path: Path) -> None:
    job = job_of(
        tmp_path,
        """
        description: Expected weight gain
        args:
          treatment: {type: string, values: [CBT, FT, Cont]}
          prewt:     {type: number, min: 60, max: 110, unit: lb}
          level:     {type: number, default: 0.95}
        grid:
          treatment: all
          prewt: {from: 70, to: 95, by: 1}
          exclude: [{treatment: Cont, prewt: 95}]
        schedule: "0 5 * * MON-FRI"
        cache: {fresh_for: 12 hours, serve_stale_for: 7 days, keep: 90 days}
        on_miss: refuse
        outputs: [json, csv, png]
        seed: 20260101
        tags: [regulated]
        """,
        top="""
        version: 1
        defaults: {timezone: America/Chicago, owner: me@example.com, timeout: 2 minutes, retries: 2}
        """,
    )
    assert job.qualified == "scoring::f"
    assert job.grid is not None
    assert job.grid.count() == 77
    assert job.schedule == (ScheduleSpec("cron", "0 5 * * MON-FRI", "America/Chicago"),)
    assert job.freshness == Freshness(43200, 7 * 86400, 90 * 86400)
    assert (job.on_miss, job.outputs, job.seed) == ("refuse", ("json", "csv", "png"), 20260101)
    assert (job.owner, job.timeout_s, job.retries.times, job.tags) == (
        "me@example.com",
        120,
        2,
        ("regulated",),
    )
    assert str(job.source) == "jobs/a.yaml:6"


def test_a_job_that_says_little_has_sensible_defaults(tmp_path: Path) -> None:
    job = job_of(tmp_path, "")
    assert job.freshness == Freshness(86400, 7 * 86400, 90 * 86400)
    assert (job.outputs, job.timeout_s, job.on_miss) == (("json",), 90, "run")
    assert (job.retries, job.concurrency, job.priority) == (Retries(0), None, Priority.SCHEDULED)
    assert job.schedule == ()
    assert [cell.arguments for cell in job.cells()] == [{}]


def test_limits_of_a_job_tighten_those_of_the_server(tmp_path: Path) -> None:
    job = job_of(
        tmp_path,
        "limits: {memory: 1 GB, cpu_time: 1 minute, plots: 5000}",
        top="defaults: {limits: {memory: 2 GB, disk: 1 MB, output: 1 KB, file_size: 1 KB}}",
    )
    expected = Limits(
        memory_bytes=2**30, cpu_s=60, disk_bytes=2**20, output_bytes=1024, file_bytes=1024
    )
    assert job.limits(Limits()) == expected
    assert job.limits(Limits(memory_bytes=5)).memory_bytes == 5
    assert job.digest == job_of(tmp_path, "").digest


def test_a_job_overrides_defaults_key_by_key(tmp_path: Path) -> None:
    job = job_of(
        tmp_path,
        "cache: {fresh_for: 1 hour}\ntags: [mine]\nretries: 0",
        top="defaults: {cache: {fresh_for: 2 hours, keep: 5 days}, tags: [theirs], retries: 3}",
    )
    assert job.freshness == Freshness(3600, 7 * 86400, 5 * 86400)
    assert (job.tags, job.retries) == (("mine",), Retries(0))
    assert job.isolation == "batch"


@pytest.mark.parametrize(
    ("written", "retries"),
    [
        ("3", Retries(3, wait_s=1, at_most_s=60)),
        ("{times: 3}", Retries(3, wait_s=1, at_most_s=60)),
        ("{times: 3, wait: 2 seconds, at_most: 10 seconds}", Retries(3, wait_s=2, at_most_s=10)),
        ("{times: 3, wait: 5 minutes}", Retries(3, wait_s=300, at_most_s=300)),
    ],
)
def test_retries_may_be_written_in_these_ways(
    tmp_path: Path, written: str, retries: Retries
) -> None:
    job = job_of(tmp_path, f"retries: {written}\nconcurrency: 2\npriority: high")
    assert job.retries == retries
    assert (job.concurrency, job.priority) == (2, Priority.SCHEDULED_HIGH)
    assert job.digest == job_of(tmp_path, "").digest


@pytest.mark.parametrize(
    ("written", "spec"),
    [
        ('"0 5 * * mon-fri"', ScheduleSpec("cron", "0 5 * * MON-FRI")),
        ("0 5 * * *", ScheduleSpec("cron", "0 5 * * *")),
        ('"@daily"', ScheduleSpec("cron", "0 0 * * *")),
        ("every 15 minutes", ScheduleSpec("every", "every 15 minutes", every_s=900)),
        ("{every: 15 minutes}", ScheduleSpec("every", "every 15 minutes", every_s=900)),
        (
            "{every: 1 day, at: 2:30, timezone: Europe/Vienna}",
            ScheduleSpec("every", "every 1 day at 02:30", "Europe/Vienna", 86400, "02:30"),
        ),
        (
            '{cron: "5 4 * * 7", timezone: Asia/Tokyo}',
            ScheduleSpec("cron", "5 4 * * 7", "Asia/Tokyo"),
        ),
        ("at_start", ScheduleSpec("at_start", "at_start")),
    ],
)
def test_schedules_may_be_written_in_these_ways(
    tmp_path: Path, written: str, spec: ScheduleSpec
) -> None:
    assert job_of(tmp_path, f"schedule: {written}").schedule == (spec,)


def test_schedule_may_have_jitter_and_blackouts(tmp_path: Path) -> None:
    written = "{cron: 0 5 * * *, jitter: 5 minutes, blackout: [sat-sun 0:00-6:00, 22:00-06:00]}"
    (spec,) = job_of(tmp_path, f"schedule: {written}").schedule
    assert (spec.text, spec.jitter_s, spec.jitter_of) == ("0 5 * * *", 300, "a")
    assert spec.rule == ("0 5 * * *, jitter 5 minutes, not Sat-Sun 00:00-06:00, not 22:00-06:00")


def test_schedule_may_say_what_happens_to_missed_and_overlapping_fires(tmp_path: Path) -> None:
    (spec,) = job_of(tmp_path, "schedule: {every: 1 hour, missed: all, overlap: queue}").schedule
    assert (spec.missed, spec.overlap) == ("all", "queue")
    (usual,) = job_of(tmp_path, "schedule: {every: 1 hour}").schedule
    assert (usual.missed, usual.overlap) == ("once", "skip")


def test_several_schedules_stand_in_a_list_and_manual_is_none(tmp_path: Path) -> None:
    job = job_of(tmp_path, "schedule: [at_start, {every: 1 hour}, at_start, manual]")
    assert [spec.text for spec in job.schedule] == ["at_start", "every 1 hour"]


@pytest.mark.parametrize("written", ["no", "on", "12:30", "2026-01-01", "1_000", "0b1", "yes"])
def test_scalars_are_those_of_yaml_1_2(tmp_path: Path, written: str) -> None:
    job = job_of(tmp_path, f"args: {{x: {{values: [{written}]}}}}\ngrid: {{x: all}}")
    assert [cell.arguments["x"] for cell in job.cells()] == [written]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("any", ["2026-01-31", "2026-03-03", "2026-03-31"]),
        ("string", ["2026-01-31", "2026-03-03", "2026-03-31"]),
        ("number", [20484, 20515, 20543]),
    ],
)
def test_dates_are_texts_or_the_numbers_that_r_has_for_them(
    tmp_path: Path, kind: str, values: list[object]
) -> None:
    grid = "grid: {day: {from: 2026-01-31, to: 2026-04-29, by: month}}"
    job = job_of(tmp_path, f"args: {{day: {{type: {kind}}}}}\n{grid}")
    assert [cell.arguments["day"] for cell in job.cells()] == values


def test_r_code_and_null_may_be_argument_values(tmp_path: Path) -> None:
    job = job_of(tmp_path, "args: {x: {default: {r: 'seq(1, 3)'}}, y: {default: null}}")
    assert job.defaults() == {"x": Code("seq(1, 3)"), "y": None}


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("{values: [a, b]}", "string"),
        ("{values: [1, 2.5]}", "number"),
        ("{min: 1}", "number"),
        ("{default: true}", "boolean"),
        ("{default: [1, 2]}", "any"),
        ("", "any"),
    ],
)
def test_the_type_of_an_argument_is_told_from_the_rest(
    tmp_path: Path, written: str, kind: str
) -> None:
    assert job_of(tmp_path, f"args:\n  x: {written}").arguments[0].type == kind


def test_an_argument_may_be_left_to_the_default_of_r(tmp_path: Path) -> None:
    job = job_of(tmp_path, "args: {x: {type: number, required: false}}")
    assert not job.arguments[0].required
    assert [cell.arguments for cell in job.cells()] == [{}]


def test_included_cells_are_added_unless_they_are_there(tmp_path: Path) -> None:
    job = job_of(
        tmp_path,
        """
        args: {x: {type: number}, level: {default: 0.95}}
        grid: {x: [1, 2], include: [{x: 2}, {x: 2, level: 0.95}, {x: 2, level: 0.9}, {x: 7}]}
        """,
    )
    assert [tuple(cell.arguments.values()) for cell in job.cells()] == [
        (1, 0.95),
        (2, 0.95),
        (2, 0.9),
        (7, 0.95),
    ]


def test_an_included_cell_may_bring_back_an_excluded_one(tmp_path: Path) -> None:
    body = "args: {x: {type: number}}\ngrid: {x: [1, 2], exclude: [{x: 2}], include: [{x: 2.0}]}"
    assert [cell.arguments["x"] for cell in job_of(tmp_path, body).cells()] == [1, 2]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("cache: {seed: 1}", "4:13: unknown key 'seed' (it belongs under 'a')"),
        (
            "tags: regulated",
            "4:11: expected a list, found the text 'regulated' (write tags: [regulated])",
        ),
        (
            "isolation: cel",
            "4:16: expected cell or batch, found the text 'cel' (did you mean 'cell'?)",
        ),
        ("retries: {wait: 2 seconds}", "4:5: the key 'times' is missing (for example: times: 3)"),
        ("retries: {times: 3, wait: 2}", "4:31: expected text, found the number 2 (for example: "),
        ("retries: {tmes: 3, times: 3}", "4:15: unknown key 'tmes' (did you mean 'times'?)"),
        ("priority: hihg", "4:15: expected one of low, normal, high, found the text 'hihg' (did"),
        ("timezone: Vienna", "4:15: 'Vienna' is no time zone (did you mean 'Europe/Vienna'?)"),
        ("schedule: {cron: 0 5 * * *, jiter: 1 min}", "4:33: unknown key 'jiter' (did you mean "),
        ("schedule: manuall", "4:15: 'manuall' is no schedule (did you mean 'manual'?)"),
        ("args: {x: 0.95}", "4:15: expected a mapping, found the number 0.95 (for example: x: {"),
        ("args: {x: {type: string, min: 5}}", "4:35: 'min' is for numbers, and x is a string"),
        ("args: {x: {values: []}}", "4:24: x has no values"),
        ("args: {x: {type: string, values: [1]}}", "4:39: x must be text, not the number 1 (put"),
        ("args: {x: {values: [a], default: b}}", "4:38: x is 'b'; allowed: a"),
        ("args: {x: {max: 5, default: 6}}", "4:33: x is 6; allowed: a number of at most 5 (near"),
        ("args: {2x: {}}", "4:12: '2x' cannot be an argument"),
        ("refresh_when: {file: a.csv}", "4:26: the file a.csv does not exist (paths are relative"),
        (
            "refresh_when: {file: jobs/a.yml}",
            "4:26: the file jobs/a.yml does not exist (did you me",
        ),
        (
            "refresh_when: {sql: {url: 'sqlite://'}}",
            "4:20: the key 'query' is missing (for example",
        ),
        ("schedule: {after: b}", "4:16: there is no job 'b' to run after (it names a job"),
        ("schedule: {after: a}", "4:16: this job waits for itself: a after a"),
        ("schedule: {after: 5}", "4:23: expected text, or a list, found the number 5"),
        ("schedule: {after: b, every: 1 day}", "4:15: a schedule has either 'cron' or 'every' or"),
        ("schedule: {after: b, at: '02:30'}", "4:15: 'at' goes with 'every', not with 'after'"),
        ("schedule: at_start\nargs: {x: {}}", "4:15: there is nothing to run: x has no default"),
    ],
)
def test_a_mistake_has_its_place_and_a_hint(tmp_path: Path, body: str, problem: str) -> None:
    found = problems_in_job(tmp_path, body)
    assert any(text.startswith(problem) for text in found), found


@pytest.mark.parametrize(
    ("grid", "problem"),
    [
        ("{prewt: {csv: x.csv}}", "5:25: the file x.csv does not exist (did you mean 'w.csv'?)"),
        (
            "{prewt: {csv: w.csv, column: prewtt}}",
            "5:40: w.csv has no column 'prewtt' (did you mean 'prewt'?)",
        ),
        ("{prewt: {csv: w.csv}}", "5:25: w.csv has 2 columns: prewt, treatment (select one)"),
        (
            "{treatment: {csv: w.csv, column: treatment}}",
            "5:29: w.csv holds a wrong value: treatment is 'CBX'; allowed: CBT, FT (did you",
        ),
        ("{prewt: {csv: w.csv, colum: prewt}}", "5:32: unknown key 'colum' (did you mean 'column"),
        (
            "{prewt: {sql: {url: {env: WAREHOUSE_URL}}}}",
            "5:20: the key 'query' is missing",
        ),
        ("{prewt: {from: 2026-02-01, to: 2026-01-01}}", "5:26: 'from' (2026-02-01) is after 'to'"),
        (
            "{prewt: {from: 2026-01-01, to: 2026-01-02, by: moth}}",
            "5:58: 'moth' is no step between dates (did you mean 'month'?)",
        ),
        (
            "{treatment: {from: 2026-01-01, to: 2026-01-02}}",
            "5:30: treatment is '2026-01-01'; allowed: CBT, FT",
        ),
        ("{prewt: all}", "5:19: 'all' needs to know the values of prewt"),
        ("{treatment: [CBT, cbt]}", "5:29: treatment is 'cbt'; allowed: CBT, FT (did you mean"),
        ("{prewt: [], treatment: all}", "5:19: prewt has no values in the grid"),
        ("{prewt: [70], exclude: [{prewt: 71}]}", "5:43: the grid has no prewt = 71 to exclude"),
        ("{prewt: [70], include: [{prewt: 80}]}", "5:35: treatment is missing in {prewt: 80}"),
    ],
)
def test_a_mistake_in_a_grid_has_its_place_and_a_hint(
    tmp_path: Path, grid: str, problem: str
) -> None:
    args = (
        "args: {treatment: {values: [CBT, FT]}, prewt: {min: 60, max: 110}, level: {default: 0.95}}"
    )
    (tmp_path / "w.csv").write_text("prewt,treatment\n70,CBT\n80,CBX\n")
    found = problems_in_job(tmp_path, f"{args}\ngrid: {grid}")
    assert any(text.startswith(problem) for text in found), found


def test_a_grid_that_is_far_too_large_is_refused(tmp_path: Path) -> None:
    body = """
    args: {x: {type: number}, y: {type: number}}
    grid: {x: {from: 1, to: 2000}, y: {from: 1, to: 2000}}
    """
    assert "the grid has 2000 x 2000 = 4000000 cells" in problems_in_job(tmp_path, body)[0]


def test_all_mistakes_are_told_in_one_pass(tmp_path: Path) -> None:
    found = problems_of(
        tmp_path,
        """\
        version: 2
        defaults: {ownr: me}
        jobs:
          a:
            functoin: scoring::f
            retries: two
            args: {x: {type: nmber, values: [1]}}
            grid: {y: [1], x: [2]}
          b: {function: f, outputs: png}
        """,
    )
    assert [text.split(" (")[0] for text in found] == [
        "1:10: expected 1, found the number 2",
        "2:12: unknown key 'ownr'",
        "5:5: unknown key 'functoin'",
        "6:14: expected a whole number, or a mapping, found the text 'two'",
        "7:22: expected one of string, number, integer, boolean, any, found the text 'nmber'",
        "8:12: 'y' is not among the args",
        "8:24: x is 2; allowed: 1",
        "9:17: 'f' is not package::function",
        "9:29: expected a list, found the text 'png'",
    ]


def test_one_mistake_is_not_told_twice(tmp_path: Path) -> None:
    body = "args: {x: 5}\ngrid: {x: all, exclude: [{x: 1}]}\nschedule: at_start"
    assert len(problems_in_job(tmp_path, body)) == 1


class Later(BaseModel):
    model_config = ConfigDict(extra="forbid")
    now: str


def test_a_key_of_a_later_version_does_not_make_its_neighbours_missing() -> None:
    document, _ = read_yaml(b"later: 1", "a.yaml")
    assert document is not None
    found = validate(document, Later, not_yet={"later": "use now"}).problems
    assert [str(one) for one in found] == ["a.yaml:1:1: 'later' is not supported yet (use now)"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"jobs: @a\n", "1:7: a value cannot begin with '@' (put it in quotes: \"@a\")"),
        (b"jobs: *a\n", "1:7: *a refers to an anchor (&a) that does not exist"),
        (b'jobs: "\\q"\n', "1:9: \\q means nothing between double quotes"),
        (b"jobs:\nkey\n", "2:1: this line is neither `key: value` nor part of the text above"),
        (b"jobs:\n  a: \xff\n", "2:6: byte 0xff is no UTF-8 (save the file in UTF-8)"),
        (b"jobs: !python/object {}\n", "1:7: the tag !python/object is not known"),
        (b"[" * 5000, "1:65: this is nested too deeply"),
    ],
)
def test_malformed_yaml_is_explained_in_plain_words(content: bytes, problem: str) -> None:
    _, problems = read_yaml(content, "a.yaml")
    assert any(str(found).startswith(f"a.yaml:{problem}") for found in problems), problems


def test_aliases_that_multiply_do_not_fill_the_memory() -> None:
    levels = [b"a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    refs = (
        b"a%d: &a%d [" % (i, i) + b", ".join([b"*a%d" % (i - 1)] * 10) + b"]" for i in range(1, 9)
    )
    _, problems = read_yaml(b"\n".join([*levels, *refs]), "a.yaml")
    assert [found.message for found in problems] == ["the file holds too many values"]


def test_explicit_text_stays_text() -> None:
    document, problems = read_yaml(b"[!!str 12, '12', 12, 0x10, 1e3, .inf, ~, True]", "a.yaml")
    assert document is not None
    assert not problems
    assert document.value == ["12", "12", 12, 16, 1000.0, float("inf"), None, True]


def every_node(schema_part: Any) -> list[dict[str, Any]]:
    """Every named property of a JSON Schema."""
    if isinstance(schema_part, list):
        return [node for item in schema_part for node in every_node(item)]
    if not isinstance(schema_part, dict):
        return []
    named = list(schema_part.get("properties", {}).values())
    return named + [node for item in schema_part.values() for node in every_node(item)]


def test_the_schema_describes_every_key() -> None:
    assert schema()["$schema"].startswith("https://json-schema.org/")
    assert all("description" in node for node in every_node(schema()))


def test_every_key_has_an_example_for_messages() -> None:
    tree = SchemaTree.of(JobFile)

    def without_example(path: tuple[str, ...]) -> list[tuple[str, ...]]:
        found = [] if not path or tree.words(path) or tree.example(path) is not None else [path]
        for key in tree.keys(path):
            found += without_example((*path, key))
        return found

    missing = without_example(()) + without_example(("jobs", "x"))
    allowed = {"exclude", "include", "default", "required"}
    assert [path for path in missing if path[-1] not in allowed] == []
