"""The evaluator beside the package evaluate, and what it does better."""

import difflib

import pytest
from ruamel.yaml import YAML
from side_by_side import SNIPPETS, Snippet, run_both, snippets

pytestmark = pytest.mark.r

ALL = snippets()
DIFFERENCES = YAML(typ="safe").load(SNIPPETS / "differences.yaml")
Both = dict[str, dict[str, list[str]]]


def is_different(snippet: Snippet) -> bool:
    return snippet.title in DIFFERENCES.get(snippet.topic, {})


@pytest.fixture(scope="module")
def both() -> Both:
    return run_both()


@pytest.mark.parametrize("snippet", [one for one in ALL if not is_different(one)], ids=str)
def test_snippet_gives_what_evaluate_gives(both: Both, snippet: Snippet) -> None:
    found = both[str(snippet)]
    assert "R ended" not in found["ours"][0]
    difference = difflib.unified_diff(found["reference"], found["ours"], "evaluate", "ours")
    assert not list(difference)


@pytest.mark.parametrize("snippet", [one for one in ALL if is_different(one)], ids=str)
def test_snippet_that_differs_on_purpose_still_does(both: Both, snippet: Snippet) -> None:
    found = both[str(snippet)]
    assert "R ended" not in found["ours"][0]
    assert found["ours"] != found["reference"]


def test_snippets_are_many_and_their_titles_their_own() -> None:
    titles = {str(snippet) for snippet in ALL}
    assert len(titles) == len(ALL) >= 600
    listed = {f"{topic}: {title}" for topic, some in DIFFERENCES.items() for title in some}
    assert listed <= titles
