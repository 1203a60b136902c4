"""What is the same call: the rules at the head of cache/keys.py, by example and by property."""

import json
import math
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cache.errors import ArgumentUnsupported
from cache.keys import (
    MISSING,
    Code,
    SessionObject,
    Upload,
    cache_key,
    canonical,
    code_value,
    form_value,
    json_value,
    normalise_code,
)

relaxed = settings(deadline=None)  # a busy machine is no failure

SESSION = "x0123456789abcd"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | texts
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4)
)
code = st.sampled_from(["x", "1:3", "dist ~ speed", "f('a  b')", "c(1, 2)", "`a b`", "x %in% y"])
values = documents | st.builds(Code, code) | st.just(MISSING)
argument_sets = st.dictionaries(texts, values, max_size=4)


def same(*written: object) -> bool:
    return len({cache_key("f::g", {"x": value}) for value in written}) == 1


def as_r_sees(value: object, *, whole: bool = True) -> object:
    """The rules once more, as a value that compares: an independent reading of them."""
    if isinstance(value, bool) or value is None or value is MISSING:
        return repr(value)
    if isinstance(value, int | float):
        return ("number", float(value) + 0.0)
    if isinstance(value, str):
        return ("text", value)
    if isinstance(value, list):
        only = value[0] if whole and len(value) == 1 else None
        if isinstance(only, bool | int | float | str) and only not in ("NA", "NaN", "Inf", "-Inf"):
            return as_r_sees(only)
        return ("array", tuple(as_r_sees(item, whole=False) for item in value))
    if isinstance(value, dict):
        return tuple((name, as_r_sees(item, whole=False)) for name, item in value.items())
    return value


@relaxed
@given(scalars)
def test_form_and_json_scalars_share_a_key(value: object) -> None:
    written = json.dumps(value)
    assume("\\ud" not in written)  # a pair of \u escapes in quotes is left to R
    assume("\\u0000" not in written)  # R has no NUL
    assert same(form_value(written), json_value(written))


@relaxed
@given(st.lists(scalars, max_size=4) | st.dictionaries(texts, documents, max_size=4))
def test_form_and_json_documents_share_a_key(value: object) -> None:
    written = json.dumps(value)
    assert same(form_value(written), form_value(f" \n{written} "), json_value(written), value)


@relaxed
@given(argument_sets, st.randoms())
def test_order_of_arguments_does_not_matter(arguments: dict[str, object], random: Random) -> None:
    names = list(arguments)
    random.shuffle(names)
    assert canonical({name: arguments[name] for name in names}) == canonical(arguments)


@relaxed
@given(argument_sets, argument_sets)
def test_declared_defaults_may_be_left_out(asked: dict, defaults: dict) -> None:
    filled = {**defaults, **asked}
    short, full = (cache_key("f::g", each, defaults=defaults) for each in (asked, filled))
    assert short == full


@relaxed
@given(values, values)
def test_values_share_a_key_exactly_if_r_sees_the_same(one: object, other: object) -> None:
    assert same(one, other) == (as_r_sees(one) == as_r_sees(other))


@relaxed
@given(argument_sets, argument_sets)
def test_different_argument_sets_have_different_texts(one: dict, other: dict) -> None:
    seen = [{name: as_r_sees(value) for name, value in each.items()} for each in (one, other)]
    assert (canonical(one) == canonical(other)) == (seen[0] == seen[1])


@relaxed
@given(texts)
def test_no_text_looks_like_the_end_of_a_value(text: str) -> None:
    assert canonical({"x": text, "y": 1}) != canonical({"x": f"{text};1:y=n1"})
    assert not same([text, "b"], [text + ",s1:b"])


@pytest.mark.parametrize(
    "written", ["3", "3L", "3.0", "3e0", "0x3", "+3", "003", " 3 ", "3 # three"]
)
def test_numbers_of_one_value_are_one(written: str) -> None:
    assert same(form_value(written), 3, 3.0, [3], json_value("3"), Code("3"))


def test_whole_numbers_beyond_a_double_are_what_r_makes_of_them() -> None:
    assert same(2**53, 2**53 + 1, float(2**53))
    assert same(10**400, math.inf, form_value("1e400"))
    assert not same(2**53, 2**53 + 2)


def test_minus_zero_is_zero() -> None:
    assert same(0, 0.0, -0.0, form_value("-0"))


@pytest.mark.parametrize(
    "different",
    [
        [3, "3", Code("three"), [3, 3]],
        [1, True, "TRUE", Code("T")],
        [MISSING, math.nan, "NA", None, "NULL", "null", "", Code("NA_integer_")],
        [[None], None, [], {}],
        [["NA"], "NA", MISSING],
        [[1, 2], [2, 1], Code("1:2"), Code("c(1,2)"), [[1, 2]]],
        [{"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1}],
        [SessionObject(SESSION), SESSION, Code(SESSION), SessionObject(SESSION, "y")],
        [Upload("a.csv", "00"), Upload("b.csv", "00"), Upload("a.csv", "01"), "a.csv"],
        ["e\u0301", "\u00e9"],
        [math.inf, -math.inf, 1.7976931348623157e308],
    ],
)
def test_what_r_can_tell_apart_has_keys_of_its_own(different: list[object]) -> None:
    assert len({cache_key("f::g", {"x": value}) for value in different}) == len(different)


def test_words_of_r_and_of_json_share_a_key() -> None:
    assert same(form_value("true"), form_value("TRUE"), True, Code("TRUE"))
    assert same(form_value("null"), form_value("NULL"), None, Code("NULL"))
    assert same(form_value(""), form_value("NA"), MISSING, Code("NA"))
    assert same(form_value("NaN"), math.nan)
    assert same(form_value("-Inf"), -math.inf)


def test_json_words_within_code_are_names() -> None:
    assert not same(Code("true"), True)
    assert form_value(" true") == Code(" true")


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("'a'", "a"),
        ('"it\'s"', "it's"),
        (r'"\x41\101"', "AA"),
        (r'"\u00e9\u{e9}\U0001F600"', "\u00e9\u00e9\U0001f600"),
        (r'"tab\there \"quoted\" \`"', 'tab\there "quoted" `'),
        ('r"(a\\n"b")"', 'a\\n"b"'),
        ("R'--[a]-]--'", "a]-"),
        ('"two\nlines"', "two\nlines"),
        ("  'a' # comment", "a"),
    ],
)
def test_strings_of_r_are_read(written: str, text: str) -> None:
    assert form_value(written) == text


@pytest.mark.parametrize(
    "written",
    [
        r'"\q"',
        r'"\0"',
        r'"\xe9"',
        r'"\ud800"',
        r'"\u00"',
        r'"\U110000"',
        r'"\x41\u00e9"',
        '"a\r\nb"',
        'r"abc"',
        "'a''b'",
        "1e",
        "0x",
        "1i",
        "--3",
        "1 2",
        "1.5e3x",
        "x0fff",
        "hello world",
        '{"a": 1',
        '{"a": 1, "a": 2}',
        "[NaN]",
        "[1,]",
        "{1; 2}",
        "\u0663",
    ],
)
def test_what_is_not_certain_stays_code(written: str) -> None:
    assert form_value(written) == Code(written)


def test_deep_json_stays_code() -> None:
    assert isinstance(form_value("[" * 100_000 + "]" * 100_000), Code)


def test_session_keys_are_values_in_a_field_and_texts_in_json() -> None:
    assert form_value(SESSION) == SessionObject(SESSION)
    assert form_value(f"{SESSION}::model") == SessionObject(SESSION, "model")
    assert form_value(f'["{SESSION}"]') == [SESSION]
    assert same(Code(f"{SESSION}::.val"), SessionObject(SESSION))


@pytest.mark.parametrize(
    ("written", "short"),
    [
        ("  1 +   2\t", "1 + 2"),
        ("a  # why\r\nb", "a\nb"),
        ("# first\n\n  a;\n\n\n b # last", "a;\nb"),
        ("f('a  #b',\n   `c  d`)", "f('a  #b',\n`c  d`)"),
        ("x %in  % y", "x %in  % y"),
        ("'it\\'s  #1'  # one", "'it\\'s  #1'"),
        ('r"--(a"  # )-- )--"  +1', 'r"--(a"  # )-- )--" +1'),
        ("for  r in x", "for r in x"),
        ("x\u00a0 + 1", "x\u00a0 + 1"),
        ("# nothing", ""),
    ],
)
def test_code_is_shortened_between_its_tokens(written: str, short: str) -> None:
    assert normalise_code(written) == short


@pytest.mark.parametrize(
    "written", ["'open  # ", '"open', "`open", "x %op  y", 'r"(open)  "', "  r'a'"]
)
def test_code_that_cannot_be_read_is_kept_as_it_is(written: str) -> None:
    assert normalise_code(written) == written


@relaxed
@given(st.text("ab1'\"`%#\\rR()[]-+ \t\n\r.", max_size=30))
def test_shortened_code_is_short(text: str) -> None:
    assert normalise_code(normalise_code(text)) == normalise_code(text)


def test_code_with_other_blanks_and_comments_is_the_same() -> None:
    assert same(Code("dist ~ speed"), Code(" dist  ~ speed  # cars"))
    assert not same(Code("a b"), Code("ab"))
    assert not same(Code("f('a b')"), Code("f('a  b')"))


@relaxed
@given(st.text(max_size=30))
def test_any_text_has_a_value_and_a_key(text: str) -> None:
    assert len(cache_key("f::g", {"x": form_value(text), "y": code_value(text)})) == 32


def test_function_and_seed_are_part_of_the_key() -> None:
    keys = {
        cache_key("f::g", {"x": 1}),
        cache_key("f::h", {"x": 1}),
        cache_key("f::g", {"y": 1}),
        cache_key("f::g", {"x": 1}, seed=0),
        cache_key("f::g", {"x": 1}, seed=1),
        cache_key("f::g", {}),
    }
    assert len(keys) == 6


def test_key_does_not_change_between_versions() -> None:
    arguments = {"treatment": "CBT", "prewt": 80, "f": Code("a ~ b"), "l": [1.5, None, {"a": True}]}
    assert cache_key("scoring::gain", arguments, seed=7) == "9f78ef17f5f34393be2421a4d4c6c0a9"


@pytest.mark.parametrize("value", [object(), {1: 2}, [b"bytes"], {"a": {3}}])
def test_value_without_a_canonical_text_is_refused(value: object) -> None:
    with pytest.raises(ArgumentUnsupported, match="argument 'x'"):
        cache_key("f::g", {"x": value})


def test_value_that_nests_too_deep_is_refused() -> None:
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ArgumentUnsupported, match="too deep"):
        cache_key("f::g", {"x": value})
