"""`{env: NAME}`: written in one way, read at each use, and not told."""

import pytest
from pydantic import TypeAdapter, ValidationError

from jobs.errors import SecretMissing
from jobs.secret import EnvEntry, SecretText, hidden, text_of

WRITTEN: TypeAdapter[str | EnvEntry] = TypeAdapter(SecretText)


def test_a_secret_is_a_text_or_names_a_variable() -> None:
    assert WRITTEN.validate_python("plain") == "plain"
    assert WRITTEN.validate_python({"env": "WAREHOUSE_URL"}) == EnvEntry(env="WAREHOUSE_URL")


@pytest.mark.parametrize("written", [5, None, [], {}, {"env": 5}, {"env": "a b"}, {"env": "A=b"}])
def test_nothing_else_is_one(written: object) -> None:
    with pytest.raises(ValidationError):
        WRITTEN.validate_python(written)


def test_a_variable_is_read_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    named = EnvEntry(env="FOR_THIS_TEST")
    monkeypatch.setenv("FOR_THIS_TEST", "one")
    assert (text_of(named), text_of("plain")) == ("one", "plain")
    monkeypatch.setenv("FOR_THIS_TEST", " two\n")
    assert text_of(named) == "two"


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_variable_that_is_not_set_is_an_error(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("FOR_THIS_TEST", raising=False)
    if value is not None:
        monkeypatch.setenv("FOR_THIS_TEST", value)
    with pytest.raises(SecretMissing, match="the environment variable FOR_THIS_TEST is not set"):
        text_of(EnvEntry(env="FOR_THIS_TEST"))


def test_secrets_are_taken_out_the_longest_first() -> None:
    assert hidden("a.b+c and a.b", ["a.b", "a.b+c", ""]) == "[hidden] and [hidden]"
    assert hidden("axb", ["a.b"]) == "axb"
    assert hidden("nothing", []) == "nothing"
