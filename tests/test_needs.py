"""Which calls need the project's models."""

from pathlib import Path
from typing import Any

import pytest

from engine.call import Argument, FunctionCall
from engine.needs import Needs

KEY = "x0123456789abcde"


def request(package: str, *arguments: Argument, **more: Any) -> dict[str, Any]:
    wire = FunctionCall(package, "f", arguments).to_wire()
    return {**wire, "folder": "/home/scoring/.larder/sessions/.staging/x0ffffffffffffff", **more}


def code(text: str) -> Argument:
    return Argument("x", "code", text)


@pytest.fixture
def sessions(tmp_path: Path) -> Path:
    (tmp_path / KEY).mkdir()
    return tmp_path


@pytest.mark.parametrize(
    "needing",
    [
        request("scoring"),
        request("base", code("scoring::gain(1)")),
        request("base", Argument("f", "text", "scoring")),
        request("base", Argument("x", "rds", "upload0")),
        request("base", Argument("x", "file", "script.R")),
        request("knitr", operation="script", script="/usr/lib/R/library/knitr/doc/a.Rmd"),
        {"operation": "render_object", "package": "scoring", "name": "gain", "format": "print"},
    ],
)
def test_call_that_may_use_the_models_gets_them(needing: dict[str, Any], sessions: Path) -> None:
    assert Needs("scoring", sessions).project(needing)


@pytest.mark.parametrize(
    "plain",
    [
        request("base", code("1 + 1")),
        request("base", code("scorings::gain(1)")),
        request("base", code("my.scoring(1)")),
        request("base", code(KEY)),
        request("utils", Argument("file", "file", "visits.csv")),
        {"operation": "render_data", "package": "datasets", "name": "CO2", "format": "print"},
    ],
)
def test_call_that_does_not_name_the_project_does_without(
    plain: dict[str, Any], sessions: Path
) -> None:
    assert not Needs("scoring", sessions).project(plain)


def test_session_made_with_the_models_is_read_with_them(sessions: Path) -> None:
    (sessions / KEY / ".Rpackages").write_text("nlme\nscoring\n")
    assert Needs("scoring", sessions).project(request("base", code(f"{KEY}$a")))


def test_session_that_loaded_other_packages_does_without(sessions: Path) -> None:
    (sessions / KEY / ".Rpackages").write_bytes(b"MASS\n\xff\n")
    assert not Needs("scoring", sessions).project(request("base", code(KEY)))


def test_nothing_needs_a_project_where_there_is_none(sessions: Path) -> None:
    assert not Needs(None, sessions).project(request("base", code("x")))
