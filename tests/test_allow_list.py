"""Allow-lists: which functions a pattern is of, and which patterns let data run code."""

from pathlib import Path

import pytest

from api.allow_list import allows, allows_package, matches, opened_by, pattern_problem
from larder.errors import SettingsInvalid
from larder.inspection import inspect_project
from larder.settings import load_settings
from larder.wiring import access_config


@pytest.mark.parametrize(
    ("pattern", "function"),
    [
        ("stats::sd", "stats::sd"),
        ("stats::*", "stats::sd"),
        ("stats::*", "stats:::sd"),
        ("stats::s*", "stats::sd"),
        ("s*::*", "stats::sd"),
        ("*::*", "apps/ann/models::f"),
        ("base::[<-*", "base::[<-.data.frame"),
        ("base::?", "base::?"),
        ("apps/ann/*::f", "apps/ann/models::f"),
    ],
)
def test_pattern_is_of_what_it_names(pattern: str, function: str) -> None:
    assert allows([pattern], function)


@pytest.mark.parametrize(
    ("pattern", "function"),
    [
        ("stats::sd", "stats::SD"),
        ("stats::sd", "stats::sdx"),
        ("stats::sd", "base::stats::sd"),
        ("stats::sd", "stats::sd\n"),
        ("*::sd", "base::stats::sd"),
        ("stats::*", "stats4::mle"),
        ("stats::*", "apps/ann/stats::sd"),
        ("stats::*", "user/ann/library/stats::sd"),
        ("base::?", "base::q"),
        ("base::[a-z]*", "base::system"),
        ("s.ats::sd", "stats::sd"),
        ("stats::sd", "sd"),
        ("stats::sd", ""),
    ],
)
def test_pattern_is_of_nothing_else(pattern: str, function: str) -> None:
    assert not allows([pattern], function)


def test_no_pattern_allows_nothing() -> None:
    assert not allows([], "stats::sd")
    assert not allows_package([], "stats")
    assert allows_package(["MASS::lda"], "MASS")
    assert not allows_package(["MASS::lda"], "mass")


def test_name_of_a_job_is_matched_whole() -> None:
    assert matches("weight_*", "weight_gain")
    assert matches("churn", "churn")
    assert not matches("churn", "churned")
    assert not matches("chur?", "churn")


@pytest.mark.parametrize("text", ["stats", "stats::", "::sd", "stats:::sd", "1x::f", "a b::f", ""])
def test_pattern_that_names_no_function_is_said_to_be_none(text: str) -> None:
    assert pattern_problem(text) is not None


def test_pattern_that_lets_data_run_code_is_known() -> None:
    found = dict(opened_by(["base::*", "stats::sd", "base::do.call", "scoring::*"]))
    assert list(found) == ["base::*", "base::do.call"]
    assert found["base::do.call"] == ["base::do.call"]


def write(folder: Path, text: str) -> Path:
    (folder / "larder.yaml").write_text(text, encoding="utf-8")
    return folder


def test_list_of_larder_yaml_reaches_the_server(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, 'call: ["stats::*", "apps/ann/models::f"]\n'))
    assert access_config(settings).call == ("stats::*", "apps/ann/models::f")
    assert access_config(load_settings(write(tmp_path, "call: []\n"))).call == ()
    assert access_config(load_settings(write(tmp_path, "name: shop\n"))).call is None
    config = access_config(load_settings(write(tmp_path, "access: {miss: 504}\n")))
    assert config.miss == 504


def test_list_of_larder_yaml_is_checked_where_it_stands(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid) as raised:
        load_settings(write(tmp_path, 'call: ["stats::*", sd]\n'))
    problem = raised.value.problems[0]
    assert (problem.line, problem.column) == (1, 20)
    assert "'sd' is no package::function" in problem.message


def test_check_warns_of_functions_that_take_functions(tmp_path: Path) -> None:
    found = inspect_project(write(tmp_path, 'call: ["stats::sd", "base::*"]\n'), with_r=False)
    assert [one.severity for one in found.problems] == ["warning"]
    assert "'base::*' lets data run code" in found.problems[0].message
