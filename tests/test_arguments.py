"""Bodies of OpenCPU calls: as R takes them, and as the cache knows them."""

import time
from pathlib import Path

import pytest

from api import fields
from api.argument_rules import ArgumentRules
from api.arguments import FORM, Arguments, read_arguments
from api.body import Body
from api.errors import BadRequest, UploadInvalid
from cache.keys import MISSING, Code, SessionObject, Upload
from engine.call import Argument

JSON = "application/json"
HEAD = 'Content-Disposition: form-data; name="x"'


def read(content: bytes, content_type: str | None, folder: Path, *, code: bool = True) -> Arguments:
    body = Body(content_type, content, None, len(content))
    return read_arguments(body, folder, ArgumentRules(code=code))


def multipart(folder: Path, *parts: str, end: bool = True) -> Arguments:
    body = "".join(f"--x\r\n{part}\r\n" for part in parts) + ("--x--\r\n" if end else "")
    return read(body.encode(), "multipart/form-data; boundary=x", folder)


def test_form_fields_are_code(tmp_path: Path) -> None:
    given = read(b"n=3&mean=rnorm(1)&s=%22a+b%22", FORM, tmp_path)
    assert given.arguments == (
        Argument("n", "code", "3"),
        Argument("mean", "code", "rnorm(1)"),
        Argument("s", "code", '"a b"'),
    )
    assert given.values == {"n": 3, "mean": Code("rnorm(1)"), "s": "a b"}


def test_form_value_goes_to_the_end_of_its_field(tmp_path: Path) -> None:
    given = read(b"...=1,na.rm=TRUE", FORM, tmp_path)
    assert given.arguments[0].value == "1,na.rm=TRUE"


def test_empty_form_value_is_missing(tmp_path: Path) -> None:
    given = read(b"a=", FORM, tmp_path)
    assert given.arguments == (Argument("a", "code", "NA"),)
    assert given.values == {"a": MISSING}


def test_name_given_twice_has_no_key(tmp_path: Path) -> None:
    assert read(b"a=1&a=2", FORM, tmp_path).values is None


def test_session_key_counts_as_that_session(tmp_path: Path) -> None:
    given = read(b"x=x0123456789abcd", FORM, tmp_path)
    assert given.values == {"x": SessionObject("x0123456789abcd")}


def test_json_body_goes_to_r_as_it_is(tmp_path: Path) -> None:
    given = read(b'{"n": 3, "s": "1 + 1"}', "application/json; charset=utf-8", tmp_path)
    assert given.body == Argument("", "json", '{"n": 3, "s": "1 + 1"}')
    assert given.values == {"n": 3, "s": "1 + 1"}


def test_broken_json_is_left_for_r_to_explain(tmp_path: Path) -> None:
    given = read(b'{"n":', "application/json", tmp_path)
    assert given.body is not None
    assert given.values is None


def test_upload_counts_by_its_content(tmp_path: Path) -> None:
    part = 'Content-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    first = multipart(tmp_path, part + "1,2").values
    other = multipart(tmp_path, part + "1,3").values
    assert first is not None
    assert other is not None
    assert isinstance(first["file"], Upload)
    assert first["file"] == multipart(tmp_path, part + "1,2").values["file"]  # type: ignore[index]
    assert first["file"] != other["file"]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../evil.txt", "evil.txt"),
        ("C:\\\\docs\\\\x.csv", "x.csv"),
        (".RData", "RData"),
        ("..", "upload"),
        ("", "upload"),
    ],
)
def test_uploads_keep_the_last_part_of_their_name(tmp_path: Path, sent: str, kept: str) -> None:
    part = f'Content-Disposition: form-data; name="file"; filename="{sent}"\r\n\r\nx'
    given = multipart(tmp_path, part)
    assert given.arguments == (Argument("file", "file", kept),)
    stage = tmp_path / "stage"
    stage.mkdir()
    given.place(stage)
    assert (stage / kept).read_text() == "x"


def test_typed_fields(tmp_path: Path) -> None:
    head = 'Content-Disposition: form-data; name="x"\r\nContent-Type: '
    kinds = {
        "application/json": "json",
        "text/plain": "text",
        "application/octet-stream": "bytes",
        "application/rds": "rds",
        "application/rprotobuf": "pb",
    }
    for media_type, kind in kinds.items():
        given = multipart(tmp_path, f"{head}{media_type}\r\n\r\n[1]")
        assert given.arguments[0].kind == kind


def test_empty_field_is_an_empty_argument(tmp_path: Path) -> None:
    given = multipart(tmp_path, 'Content-Disposition: form-data; name="x"\r\n\r\n')
    assert given.arguments == (Argument("x", "empty"),)


@pytest.mark.parametrize(
    ("content", "content_type", "says"),
    [
        (b"x=1", None, "No Content-Type header found."),
        (b"<x/>", "application/xml", "POST body with unknown conntent type: application/xml"),
        (b"abc", "multipart/form-data", "names no boundary"),
        (b"abc", "multipart/form-data; boundary=x", "cannot be read"),
    ],
)
def test_body_of_another_kind_is_refused(
    tmp_path: Path, content: bytes, content_type: str | None, says: str
) -> None:
    with pytest.raises(BadRequest, match=says):
        read(content, content_type, tmp_path)


def test_cut_off_upload_is_refused(tmp_path: Path) -> None:
    part = 'Content-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n1,2'
    with pytest.raises(UploadInvalid, match="closing boundary"):
        multipart(tmp_path, part, end=False)


def test_unescaping_leaves_alone_what_is_no_escape(tmp_path: Path) -> None:
    given = read(b"x=%22a+b%2Bc%zz%25%22&y=%", FORM, tmp_path)
    assert [argument.value for argument in given.arguments] == ['"a b+c%zz%"', "%"]


def test_names_may_be_anything_but_have_no_nul(tmp_path: Path) -> None:
    given = read(b"=5&a+b=1&%C3%A9%F0%9F%98%80=2", FORM, tmp_path)
    assert [argument.name for argument in given.arguments] == ["", "a b", "é\U0001f600"]
    for content in (b"a%00b=1", b"x=%22a%00b%22"):
        with pytest.raises(BadRequest, match="NUL character"):
            read(content, FORM, tmp_path)


def test_form_of_a_thousand_fields_is_enough(tmp_path: Path) -> None:
    assert len(read(b"a=1&" * 999 + b"a=1", FORM, tmp_path).arguments) == 1000
    with pytest.raises(BadRequest, match="more than 1000 fields"):
        read(b"a=1&" * 1001, FORM, tmp_path)


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        ('{"x":"é"}'.encode("latin-1"), "application/json; charset=iso-8859-1"),
        ('{"x":"é"}'.encode("utf-8-sig"), JSON),
        ('{"x":"é"}'.encode("utf-16"), JSON),
        ('{"x":"é"}'.encode("utf-16-be"), "application/json; charset=utf-8"),
        ('{"x":"é"}'.encode("utf-32"), JSON),
        ('{"x":"é"}'.encode(), 'application/json; charset="UTF-8"'),
        ('{"x":"é"}'.encode(), "application/json; charset=martian"),
    ],
)
def test_json_may_come_in_any_encoding_of_unicode(
    tmp_path: Path, content: bytes, content_type: str
) -> None:
    given = read(content, content_type, tmp_path)
    assert given.body == Argument("", "json", '{"x":"é"}')
    assert given.values == {"x": "é"}


def test_charset_of_forms_and_parts_is_heeded(tmp_path: Path) -> None:
    given = read(b"x=%22%E9%22", f"{FORM}; charset=windows-1252", tmp_path)
    assert given.values == {"x": "é"}
    part = f"{HEAD}\r\nContent-Type: text/plain; charset=latin1\r\n\r\n\xe9"
    body = f"--x\r\n{part}\r\n--x--\r\n".encode("latin-1")
    assert read(body, "multipart/form-data; boundary=x", tmp_path).values == {"x": "é"}


def test_json_that_r_reads_as_something_else_has_no_key(tmp_path: Path) -> None:
    for text in (r'{"x":"a\u0000b"}', r'{"x":"\ud800"}', '{"x":1,"x":2}', '{"x":NaN}'):
        assert read(text.encode(), JSON, tmp_path).values is None
    emoji = read(rb'{"x":"\ud83d\ude00"}', JSON, tmp_path)
    assert emoji.values == {"x": "\U0001f600"}


def test_deep_json_has_no_key_and_does_no_harm(tmp_path: Path) -> None:
    deep = b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert read(deep, JSON, tmp_path).values is None
    assert read(b"x=" + b"[" * 100_000, FORM, tmp_path).values is not None


def test_part_that_says_json_and_is_not_is_no_code(tmp_path: Path) -> None:
    given = multipart(tmp_path, f"{HEAD}\r\nContent-Type: {JSON}\r\n\r\nSys.time()")
    assert given.arguments == (Argument("x", "json", "Sys.time()"),)
    assert given.values is None


def test_long_texts_go_to_r_as_files(tmp_path: Path) -> None:
    long = "1" * (fields.INLINE_CHARACTERS + 1)
    given = read(f"x={long}&y=[{long}]".encode(), FORM, tmp_path)
    assert [argument.kind for argument in given.arguments] == ["code_file", "code_file"]
    stage = tmp_path / "stage"
    stage.mkdir()
    given.place(stage)
    assert (stage / ".inputs" / given.arguments[0].value).read_text() == long


def test_second_upload_of_a_name_gets_another(tmp_path: Path) -> None:
    part = 'Content-Disposition: form-data; name="{}"; filename="a.csv"\r\n\r\n{}'
    given = multipart(tmp_path, part.format("x", 1), part.format("y", 2))
    assert [argument.value for argument in given.arguments] == ["a.csv", "a-2.csv"]
    assert given.inputs["a-2.csv"].read_text() == "2"


def test_file_that_nobody_chose_is_no_argument(tmp_path: Path) -> None:
    none = 'Content-Disposition: form-data; name="f"; filename=""\r\n\r\n'
    assert multipart(tmp_path, none, f"{HEAD}\r\n\r\n1").values == {"x": 1}


def test_names_of_uploads_keep_their_letters_and_lose_what_breaks_listings(tmp_path: Path) -> None:
    part = 'Content-Disposition: form-data; name="x"; filename="日本\x07.csv"\r\n\r\n1'
    assert multipart(tmp_path, part).arguments[0].value == "日本_.csv"


@pytest.mark.parametrize(
    ("part", "says"),
    [
        (f"{HEAD}\r\nContent-Transfer-Encoding: base64\r\n\r\nMQ==", "encoded as base64"),
        ("Content-Disposition: form-data\r\n\r\n1", "no name"),
        (f"{HEAD}\r\nX: {'a' * 5000}\r\n\r\n1", "header size"),
        (HEAD + "\r\nX: 1" * 20 + "\r\n\r\n1", "header count"),
        (f'{HEAD}; filename="{"a" * 256}"\r\n\r\n1', "more than 255 bytes"),
        (f"{HEAD}\r\nContent-Type: application/foo\r\n\r\n1", "unsupported data type"),
        (f"{HEAD}\r\n\r\na\0b", "NUL character"),
    ],
)
def test_part_that_cannot_be_an_argument_is_told(tmp_path: Path, part: str, says: str) -> None:
    with pytest.raises(BadRequest, match=says):
        multipart(tmp_path, part)


def test_multipart_body_of_a_thousand_parts_is_enough(tmp_path: Path) -> None:
    part = f"{HEAD}\r\n\r\n1"
    assert len(multipart(tmp_path, *[part] * 1000).arguments) == 1000
    with pytest.raises(UploadInvalid, match="more than 1000 parts"):
        multipart(tmp_path, *[part] * 1001)


@pytest.mark.parametrize(
    "text",
    [
        *("3", "-1.5", "1:10", "2 * 3L", '"a\\"b"', "'a'", "TRUE", "NULL", "NA", "-Inf", "letters"),
        *("x0123456789abcd", "x0123456789abcd::fit", "[1,2]", '{"a":1}', "true", ""),
    ],
)
def test_constants_are_taken_where_code_is_off(tmp_path: Path, text: str) -> None:
    form = read(f"x={text}".encode(), FORM, tmp_path, code=False)
    assert form.arguments[0].kind in ("code", "data", "json")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "rnorm(3)",
            "stats::sd",
            "function(x) x",
            "{1}",
            '{system("id")}',
            "x$y",
            "x[1]",
            "!TRUE",
        ),
        *("~a", "1;2", '"a" + f("b")', "-x", "1:n", "`a`", "break", "x <- 1", '"a"\nf("b")'),
    ],
)
def test_code_is_refused_where_it_is_off(tmp_path: Path, text: str) -> None:
    body = "x=" + "".join(f"%{byte:02x}" for byte in text.encode())
    try:
        given = read(body.encode(), FORM, tmp_path, code=False)
    except BadRequest as refusal:
        assert "switched off on this server (ocpu.code)" in str(refusal)  # noqa: PT017
    else:  # what begins as JSON does is read as JSON, and as nothing else
        assert text.startswith("{")
        assert given.arguments[0].kind == "json"
        assert given.values is None


@pytest.mark.parametrize("text", ["1, b = 'x,y'", "na.rm=TRUE", "Treat", "x0123456789abcd, 2", ""])
def test_dots_of_constants_are_taken_where_code_is_off(tmp_path: Path, text: str) -> None:
    part = f'Content-Disposition: form-data; name="..."\r\n\r\n{text}'
    body = f"--x\r\n{part}\r\n--x--\r\n".encode()
    given = read(body, "multipart/form-data; boundary=x", tmp_path, code=False)
    assert given.arguments[0].value == text


@pytest.mark.parametrize("text", ["sum(1)", "a = f(1)", '1, x = system("a")', '"a"); f("b"', "a$b"])
def test_dots_with_code_are_refused_where_it_is_off(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadRequest, match=r"ocpu\.code"):
        read(b"...=" + text.encode().replace(b";", b"%3B"), FORM, tmp_path, code=False)


def test_long_constants_are_told_from_code_in_no_time(tmp_path: Path) -> None:
    started = time.process_time()
    for text in ("1" * 400 + "x", "1+" * 50_000 + "(", '"' * 100_000, ",a=" * 50_000 + "("):
        for name in ("x", "..."):
            with pytest.raises(BadRequest):
                read(f"{name}={text}".replace("+", "%2B").encode(), FORM, tmp_path, code=False)
    assert time.process_time() - started < 2
