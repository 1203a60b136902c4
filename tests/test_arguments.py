"""Bodies of OpenCPU calls: as R takes them, and as the cache knows them."""

from pathlib import Path

import pytest

from api.arguments import FORM, Arguments, read_arguments
from api.body import Body
from api.errors import BadRequest, UploadInvalid
from cache.keys import MISSING, Code, SessionObject, Upload
from engine.call import Argument


def read(content: bytes, content_type: str | None, folder: Path) -> Arguments:
    return read_arguments(Body(content_type, content, None, len(content)), folder)


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
