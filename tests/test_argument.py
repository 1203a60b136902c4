"""Arguments of a job: what a query or a typed value may say."""

import pytest

from cache.freshness import Freshness
from cache.keys import Code
from jobs.argument import ArgumentSpec
from jobs.errors import ArgumentInvalid
from jobs.grid import Axis, Grid
from jobs.job import Job

TREATMENT = ArgumentSpec("treatment", "string", values=("CBT", "FT", "Cont"))
PREWT = ArgumentSpec("prewt", "number", min=60, max=110, unit="lb")
LEVEL = ArgumentSpec("level", "number", default=0.95, required=False)


def gain(**changes: object) -> Job:
    facts: dict[str, object] = {
        "name": "weight_gain",
        "package": "scoring",
        "function": "gain",
        "freshness": Freshness(86400, 604800, 7776000),
        "arguments": (TREATMENT, PREWT, LEVEL),
        **changes,
    }
    return Job(**facts)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["70", "70.0", "7e1", " 70 ", "+70"])
def test_spellings_of_a_number_are_one_value(text: str) -> None:
    value = PREWT.parse(text)
    assert value == 70
    assert isinstance(value, int)


@pytest.mark.parametrize(
    ("spec", "text", "value"),
    [
        (ArgumentSpec("x", "number"), "-1.5", -1.5),
        (ArgumentSpec("x", "integer"), "3.0", 3),
        (ArgumentSpec("x", "boolean"), "true", True),
        (ArgumentSpec("x", "boolean"), "FALSE", False),
        (ArgumentSpec("x", "string"), "3", "3"),
        (ArgumentSpec("x", "string"), "", ""),
        (ArgumentSpec("x"), "3", 3),
        (ArgumentSpec("x"), "[1,2]", [1, 2]),
        (ArgumentSpec("x"), "NaN", "NaN"),
        (ArgumentSpec("x"), "rnorm(3)", "rnorm(3)"),
        (ArgumentSpec("x", values=(3, "a")), "3", 3),
    ],
)
def test_a_query_text_becomes_a_value_of_the_type(
    spec: ArgumentSpec, text: str, value: object
) -> None:
    parsed = spec.parse(text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("spec", "text", "reason", "hint"),
    [
        (PREWT, "130", "prewt is 130; allowed: a number between 60 and 110 lb", "nearest: 110 lb"),
        (PREWT, "heavy", "prewt must be a number between 60 and 110 lb", ""),
        (PREWT, "NaN", "prewt must be a number", ""),
        (PREWT, "1_000", "prewt must be a number", ""),
        (PREWT, "true", "prewt must be a number", ""),
        (TREATMENT, "cbt", "treatment is 'cbt'; allowed: CBT, FT, Cont", "did you mean 'CBT'?"),
        (ArgumentSpec("n", "integer"), "2.5", "n must be a whole number, not the number 2.5", ""),
        (ArgumentSpec("n", "number", values=(1, 5, 10)), "7", "n is 7", "nearest: 5"),
        (ArgumentSpec("b", "boolean"), "yes", "b must be true or false", ""),
    ],
)
def test_what_is_not_allowed_says_what_is(
    spec: ArgumentSpec, text: str, reason: str, hint: str
) -> None:
    with pytest.raises(ArgumentInvalid) as caught:
        spec.parse(text)
    assert caught.value.faults[0].reason.startswith(reason)
    assert caught.value.faults[0].hint == hint


def test_r_code_is_taken_as_it_is_unless_it_is_only_a_literal() -> None:
    assert PREWT.accept(Code("mean(x)")) == Code("mean(x)")
    assert PREWT.accept(Code("70L")) == 70
    with pytest.raises(ArgumentInvalid):
        PREWT.accept(Code("500"))
    with pytest.raises(ArgumentInvalid):
        TREATMENT.accept(Code("f()"))


def test_a_list_of_one_is_the_one_as_in_r() -> None:
    assert PREWT.accept([70]) == 70


def test_a_query_is_completed_with_defaults_in_the_order_declared() -> None:
    arguments = gain().arguments_from_query([("prewt", "80"), ("treatment", "CBT")])
    assert list(arguments.items()) == [("treatment", "CBT"), ("prewt", 80), ("level", 0.95)]


def test_all_faults_of_a_query_are_told_at_once() -> None:
    pairs = [("prewt", "200"), ("levle", "0.9"), ("prewt", "80")]
    with pytest.raises(ArgumentInvalid) as caught:
        gain().arguments_from_query(pairs)
    assert [fault.argument for fault in caught.value.faults] == [
        "prewt",
        "levle",
        "treatment",
        "prewt",
    ]
    assert caught.value.job == "weight_gain"
    assert "did you mean 'level'?" in str(caught.value)


def test_typed_values_are_checked_as_queries_are() -> None:
    job = gain()
    assert job.arguments_from_values({"treatment": "FT", "prewt": 80.0})["prewt"] == 80
    with pytest.raises(ArgumentInvalid):
        job.arguments_from_values({"treatment": "FT", "prewt": "80"})


def test_a_declared_default_given_or_left_out_is_one_key() -> None:
    job = gain()
    short = job.cache_key({"treatment": "CBT", "prewt": 80})
    assert short == job.cache_key({"level": 0.95, "prewt": 80.0, "treatment": "CBT"})
    assert short != job.cache_key({"level": 0.9, "prewt": 80, "treatment": "CBT"})


def test_cells_have_every_argument() -> None:
    grid = Grid((Axis("treatment", ("CBT",)), Axis("prewt", (70,))))
    assert [cell.arguments for cell in gain(grid=grid).cells()] == [
        {"treatment": "CBT", "prewt": 70, "level": 0.95}
    ]


def test_only_what_decides_the_answers_changes_the_digest() -> None:
    grid = Grid((Axis("prewt", (70,)),))
    same = gain(description="other", grid=grid, owner="me", tags=("a",), timeout_s=5.0)
    assert gain().digest == same.digest
    assert len({gain().digest, gain(seed=1).digest, gain(function="loss").digest}) == 3
    assert gain().digest != gain(arguments=(TREATMENT, PREWT)).digest
