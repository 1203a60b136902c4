"""What R is asked about a project: does the function exist, and take these arguments?"""

from pathlib import Path

import pytest

from engine.errors import EngineUnavailable, FunctionNotFound, PackageNotFound
from engine.evaluation import Formal, FunctionContract
from jobs.check import check
from jobs.project import Project, load_project

FORMALS = {
    "gain": (Formal("treatment", None), Formal("prewt", None), Formal("level", "0.95")),
    "open": (Formal("x", None), Formal("...", None)),
    "churn": (Formal("newdata", None),),
}


def contract(package: str, function: str) -> FunctionContract:
    if package != "scoring":
        raise PackageNotFound(f"there is no package called '{package}'", "package")
    if function not in FORMALS:
        raise FunctionNotFound(f"'{function}' is not in {package}", "function")
    return FunctionContract(package, function, FORMALS[function])


def project(folder: Path, job: str) -> Project:
    (folder / "jobs").mkdir()
    (folder / "jobs" / "a.yaml").write_text(f"jobs:\n  a:\n    {job}\n")
    (folder / "c.csv").write_text("id\n1\n")
    return load_project(folder)


def said(folder: Path, job: str) -> list[str]:
    problems = check(project(folder, job), contract, functions=lambda _: list(FORMALS))
    return [str(problem).removeprefix("jobs/a.yaml:") for problem in problems]


def test_a_job_that_fits_its_function_has_no_problem(tmp_path: Path) -> None:
    job = "{function: scoring::gain, args: {treatment: {}, prewt: {}, level: {default: 0.95}}}"
    assert said(tmp_path, job) == []


def test_an_unknown_function_is_told_with_the_nearest(tmp_path: Path) -> None:
    assert said(tmp_path, "function: scoring::gian") == [
        "3:5: R finds no function scoring::gian (did you mean 'gain'?)"
    ]


def test_without_names_to_compare_the_hint_is_what_r_says(tmp_path: Path) -> None:
    [problem] = check(project(tmp_path, "function: scoring::gian"), contract)
    assert problem.hint == "'gian' is not in scoring"


def test_an_unknown_package_is_told(tmp_path: Path) -> None:
    [text] = said(tmp_path, "function: scorin::gain")
    assert text.startswith("3:5: R finds no package 'scorin'")


def test_an_argument_the_function_does_not_take_is_told_where_it_stands(tmp_path: Path) -> None:
    job = "{function: scoring::gain, args: {treatment: {}, prewt: {}, levle: {default: 1}}}"
    assert said(tmp_path, job) == [
        "3:64: scoring::gain takes no argument 'levle' (did you mean 'level'?)"
    ]


def test_a_function_with_dots_takes_any_argument(tmp_path: Path) -> None:
    assert said(tmp_path, "{function: scoring::open, args: {x: {}, anything: {default: 1}}}") == []


def test_an_argument_that_r_needs_and_the_job_lacks_is_a_warning(tmp_path: Path) -> None:
    problems = check(project(tmp_path, "{function: scoring::gain, args: {prewt: {}}}"), contract)
    assert [problem.severity for problem in problems] == ["warning"]
    assert "an argument 'treatment' without a default" in problems[0].message


def test_the_argument_that_gets_the_rows_must_exist(tmp_path: Path) -> None:
    rows = "rows: {from: {csv: c.csv}, key: id, pass_as: newdat}"
    [unknown] = said(tmp_path, f"{{function: scoring::churn, {rows}}}")
    assert unknown.startswith("3:68: scoring::churn takes no argument 'newdat' (did you mean")


@pytest.mark.parametrize(
    ("default", "warnings"), [("0.95", 0), ("0.950", 0), ("{r: 1 - 0.05}", 1), ("0.9", 1)]
)
def test_a_default_that_differs_from_the_one_in_r_is_a_warning(
    tmp_path: Path, default: str, warnings: int
) -> None:
    args = f"{{treatment: {{}}, prewt: {{}}, level: {{default: {default}}}}}"
    found = said(tmp_path, f"{{function: scoring::gain, args: {args}}}")
    assert len(found) == warnings
    assert all("the default of 'level' is another one in R: 0.95" in text for text in found)


def test_an_engine_that_cannot_be_asked_is_no_problem_of_the_project(tmp_path: Path) -> None:
    def unreachable(_package: str, _function: str) -> FunctionContract:
        raise EngineUnavailable(tmp_path / "engine.sock", "no such file")

    with pytest.raises(EngineUnavailable):
        check(project(tmp_path, "function: scoring::gain"), unreachable)
