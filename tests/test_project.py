"""Projects: files, names, duplicates, and what of a faulty project still counts."""

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from jobs.errors import JobNotFound, ProjectInvalid
from jobs.project import load_project, package_name, project_name, read_project

EXAMPLE = Path(__file__).parent.parent / "examples" / "scoring"


def write(folder: Path, **files: str) -> Path:
    (folder / "jobs").mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / "jobs" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


GOOD = "jobs: {good: {function: a.b::f}}\n"


def test_the_example_project_has_no_problem() -> None:
    project = load_project(EXAMPLE)
    assert project.name == "scoring"
    assert set(project.jobs) == {"weight_gain", "diamond_prices"}


def test_a_folder_without_jobs_is_a_project_without_jobs(tmp_path: Path) -> None:
    assert load_project(tmp_path).jobs == {}


def test_a_missing_folder_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(ProjectInvalid, match="there is no such folder"):
        load_project(tmp_path / "nowhere")


def test_both_endings_are_read_and_other_files_are_not(tmp_path: Path) -> None:
    write(tmp_path, a=GOOD)
    (tmp_path / "jobs" / "b.yml").write_text("jobs: {other: {function: a.b::g}}")
    (tmp_path / "jobs" / ".c.yaml.swp").write_text("{")
    (tmp_path / "jobs" / ".d.yaml").write_text("{")
    assert list(load_project(tmp_path).jobs) == ["good", "other"]


def test_problems_of_all_files_are_told_and_good_jobs_remain(tmp_path: Path) -> None:
    write(
        tmp_path,
        a=GOOD,
        b="jobs: [",
        c="jobs: {bad: {function: f}, fine: {function: a.b::f}}",
        d="",
        e="defaults: {retries: x}\njobs: {spoilt: {function: a.b::f}}",
        f="jobs: {twice: {seed: 1, seed: 2, function: a.b::f}}",
    )
    reading = read_project(tmp_path)
    assert {problem.file for problem in reading.problems} == {f"jobs/{n}.yaml" for n in "bcdef"}
    assert set(reading.project.jobs) == {"good", "fine"}
    with pytest.raises(ProjectInvalid) as caught:
        load_project(tmp_path)
    assert caught.value.problems == reading.problems


def test_a_job_defined_twice_names_both_places(tmp_path: Path) -> None:
    write(tmp_path, a=GOOD, b="\n" + GOOD)
    [problem] = read_project(tmp_path).problems
    assert str(problem) == (
        "jobs/b.yaml:2:8: the job 'good' is also defined at jobs/a.yaml:1 (rename one of them)"
    )


def test_a_job_defined_twice_in_one_file_is_a_duplicate_key(tmp_path: Path) -> None:
    write(tmp_path, a="jobs:\n  a: {function: a.b::f}\n  a: {function: a.b::g}\n")
    [problem] = read_project(tmp_path).problems
    assert str(problem) == "jobs/a.yaml:3:3: the key 'a' stands here twice; first at 2:3 (keep one)"


@pytest.mark.parametrize("name", ["1st", "a b", "a.b", "_a", "a/b", "a" * 101])
def test_a_job_is_named_by_a_plain_word(tmp_path: Path, name: str) -> None:
    write(tmp_path, a=f"jobs: {{{name}: {{function: a.b::f}}}}")
    [problem] = read_project(tmp_path).problems
    assert "cannot be the name of a job" in problem.message


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        ("gain", "write scoring::gain, or the package it is in"),
        ("scoring:::gain", "only functions that a package exports can be called"),
        ("scoring::gain(1)", "for example: scoring::gain"),
        ("::gain", "for example: scoring::gain"),
    ],
)
def test_a_function_is_named_with_its_package(tmp_path: Path, function: str, hint: str) -> None:
    write(tmp_path, a=f"jobs: {{a: {{function: '{function}'}}}}")
    [problem] = read_project(tmp_path, name="scoring").problems
    assert problem.hint == hint


def test_jobs_are_found_by_name(tmp_path: Path) -> None:
    project = load_project(write(tmp_path, a=GOOD))
    assert project.job("good").qualified == "a.b::f"
    with pytest.raises(JobNotFound, match="did you mean 'good'"):
        project.job("goood")


def test_schedules_take_the_zone_of_the_settings(tmp_path: Path) -> None:
    write(tmp_path, a="jobs: {a: {function: a.b::f, schedule: 0 5 * * *}}")
    job = load_project(tmp_path, timezone="Asia/Tokyo").job("a")
    assert (job.timezone, job.schedule[0].timezone) == ("Asia/Tokyo", "Asia/Tokyo")


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("scoring", "scoring"),
        ("my-models_2", "my.models.2"),
        ("2024 scores", "p2024.scores"),
        ("_", "project"),
        ("stats", "stats.project"),
        ("x", "project"),
        ("модели", "project"),
    ],
)
def test_a_folder_name_becomes_an_r_package_name(folder: str, name: str) -> None:
    assert package_name(folder) == name


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ("name: churn\nport: x", "churn"),
        ("name: [", "my.models"),
        ("name: 5", "my.models"),
        ("", "my.models"),
        ("name: stats", "my.models"),
    ],
)
def test_the_project_is_named_by_its_settings_or_its_folder(
    tmp_path: Path, settings: str, name: str
) -> None:
    folder = tmp_path / "my models"
    folder.mkdir()
    (folder / "larder.yaml").write_text(settings)
    assert project_name(folder) == name


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (
            "{from: {csv: data/customer.csv}, key: id, pass_as: d}",
            "2:44: the file data/customer.csv does not exist (did you mean 'data/customers.csv'?)",
        ),
        (
            "{from: {csv: nowhere/a.csv}, key: id, pass_as: d}",
            "2:44: the file nowhere/a.csv does not exist (paths are relative to the project)",
        ),
        (
            "{from: {csv: data/customers.csv}, key: idd, pass_as: d}",
            "2:70: data/customers.csv has no column 'idd' (did you mean 'id'?)",
        ),
        (
            "{from: {csv: data/semicolon.csv}, key: id, pass_as: d}",
            "2:70: data/semicolon.csv has no column 'id' (the columns seem to be separated by ';'",
        ),
        (
            "{from: {parquet: data/customer.parquet}, key: id, pass_as: d}",
            "2:48: the file data/customer.parquet does not exist (did you mean 'data/customers.pa",
        ),
        (
            "{from: {parquet: data/customers.parquet}, key: idd, pass_as: d}",
            "2:78: data/customers.parquet has no column 'idd' (did you mean 'id'?)",
        ),
        (
            "{from: {parquet: data/customers.csv}, key: id, pass_as: d}",
            "2:48: data/customers.csv is no Parquet table: ",
        ),
        (
            "{from: {csv: data/customers.csv, parquet: a.parquet}, key: id, pass_as: d}",
            "2:38: rows come from one source: csv, parquet, sql, r",
        ),
        (
            "{from: {}, key: id, pass_as: d}",
            "2:38: rows come from one source: csv, parquet, sql, r",
        ),
        ("{from: {csv: data/customers.csv}, pass_as: d}", "2:25: the key 'key' is missing"),
        (
            "{from: data/customers.csv, key: id, pass_as: d}",
            "2:38: expected a mapping, found the text 'data/customers.csv' (write from: {csv: ",
        ),
    ],
)
def test_a_mistake_about_rows_has_its_place_and_a_hint(
    tmp_path: Path, rows: str, problem: str
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "customers.csv").write_text("id,age\n1,2\n")
    parquet.write_table(pa.table({"id": [1]}), tmp_path / "data" / "customers.parquet")
    (tmp_path / "data" / "semicolon.csv").write_text("id;age\n1;2\n")
    write(tmp_path, a=f"jobs:\n  a: {{function: a.b::f, rows: {rows}}}\n")
    found = [str(problem) for problem in read_project(tmp_path).problems]
    assert len(found) == 1
    assert found[0].startswith(f"jobs/a.yaml:{problem}")


def test_arguments_beside_rows_need_defaults_and_other_names(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("id\n1\n")
    body = (
        "{function: a.b::f, args: {d: {}, k: {}}, rows: {from: {csv: c.csv}, key: id, pass_as: d}}"
    )
    write(tmp_path, a=f"jobs: {{a: {body}}}")
    assert [problem.message for problem in read_project(tmp_path).problems] == [
        "'d' gets the rows",
        "'k' has no default, and every row is computed with it",
    ]


def after(**follows: str) -> str:
    jobs = (
        f"  {name}: {{function: a.b::f, schedule: {{after: {others}}}}}"
        for name, others in follows.items()
    )
    return "jobs:\n" + "\n".join(jobs)


def test_jobs_may_run_after_jobs_of_other_files(tmp_path: Path) -> None:
    write(tmp_path, a=after(report="[good, more]"), b=GOOD, c=after(more="good"))
    report = load_project(tmp_path).job("report")
    assert report.schedule[0].after == ("good", "more")
    assert report.schedule[0].text == "after good, more"


def test_name_of_a_job_that_there_is_not_comes_with_the_nearest(tmp_path: Path) -> None:
    reading = read_project(write(tmp_path, a=after(report="gooood"), b=GOOD))
    assert [str(problem) for problem in reading.problems] == [
        "jobs/a.yaml:2:41: there is no job 'gooood' to run after (did you mean 'good'?)"
    ]
    assert list(reading.project.jobs) == ["good"]


def test_job_with_a_mistake_of_its_own_may_be_named(tmp_path: Path) -> None:
    broken = "jobs: {broken: {function: 5}}"
    (problem,) = read_project(write(tmp_path, a=after(report="broken"), b=broken)).problems
    assert problem.file == "jobs/b.yaml"


def test_circles_are_told_whole_and_once(tmp_path: Path) -> None:
    write(
        tmp_path,
        a=after(b="a", a="c", c="[b, good]", d="c", good2="good"),
        b="jobs: {good: {function: a.b::f}, x: {function: a.b::f, schedule: {after: y}}}",
        c=after(y="x"),
    )
    reading = read_project(tmp_path)
    assert [str(problem).partition(" (")[0] for problem in reading.problems] == [
        "jobs/a.yaml:3:36: these jobs wait for each other in a circle: a after c after b after a",
        "jobs/b.yaml:1:67: these jobs wait for each other in a circle: x after y after x",
    ]
    assert set(reading.project.jobs) == {"d", "good", "good2"}


def test_long_chain_of_jobs_is_no_circle(tmp_path: Path) -> None:
    chain = {f"j{place}": f"j{place + 1}" for place in range(2000)}
    assert not read_project(write(tmp_path, a=after(**chain, j2000="good"), b=GOOD)).problems
