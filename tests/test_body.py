"""Receiving a body: small ones in memory, large ones on disk, and nothing left of refused ones."""

import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from serving import ROOT

from api.arguments import FORM, read_arguments
from api.body import FORM_LIMIT_BYTES, IN_MEMORY_BYTES, Body, receive_body
from api.errors import ClientGone, FormTooLarge, UploadInvalid, UploadTooLarge
from api.upload_folder import FOLDER, UploadFolder
from cache.errors import StoreFull

MIB = 2**20
JSON = "application/json"
MULTIPART = "multipart/form-data; boundary=x"
FILE = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.csv"\r\n\r\n'
FIELD = b'--x\r\nContent-Disposition: form-data; name="x"\r\n\r\n'
END = b"\r\n--x--\r\n"

Receive = Callable[[], Awaitable[dict[str, Any]]]


def sending(*pieces: bytes, ends: bool = True) -> Receive:
    """A client that sends these pieces, and then is done, or gone."""
    left = list(pieces)

    async def receive() -> dict[str, Any]:
        if not left:
            return {"type": "http.disconnect"}
        piece = left.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(left) or not ends}

    return receive


def received(receive: Receive, content_type: str, folder: Path, **how: int) -> Body:
    async def receiving() -> Body:
        return await receive_body(receive, content_type, folder, **how)  # type: ignore[arg-type]

    return anyio.run(receiving)


def left_over(folder: Path) -> list[str]:
    uploads = folder / FOLDER
    return [path.name for path in uploads.iterdir()] if uploads.exists() else []


def test_small_body_stays_in_memory(tmp_path: Path) -> None:
    body = received(sending(b'{"x"', b":1}"), JSON, tmp_path)
    assert (body.small, body.path, body.length) == (b'{"x":1}', None, 7)
    assert list(tmp_path.iterdir()) == []


def test_large_body_lies_on_disk_until_it_is_closed(tmp_path: Path) -> None:
    body = received(sending(*[b"x" * 300_000] * 10), JSON, tmp_path)
    assert (body.small, body.length) == (b"", 3_000_000)
    assert body.path is not None
    assert body.path.read_bytes() == b"x" * 3_000_000
    anyio.run(body.aclose)
    assert left_over(tmp_path) == []


def test_parts_of_a_large_body_are_what_they_are_in_a_small_one(tmp_path: Path) -> None:
    content = FILE + b"\r\n--y\r\n" * 300_000 + b"\r\n" + FIELD + b"[1,2]" + END
    pieces = [content[at : at + 65_537] for at in range(0, len(content), 65_537)]
    large = received(sending(*pieces), MULTIPART, tmp_path)
    small = Body(MULTIPART, content, None, len(content))
    given, whole = (read_arguments(body, tmp_path) for body in (large, small))
    assert given.arguments == whole.arguments
    assert given.values == whole.values
    assert given.inputs["a.csv"].read_bytes() == whole.inputs["a.csv"].read_bytes()
    anyio.run(large.aclose)


def test_what_a_call_has_taken_stays_when_the_body_is_closed(tmp_path: Path) -> None:
    body = received(sending(FILE + b"1," * MIB + END), MULTIPART, tmp_path)
    stage = tmp_path / "stage"
    stage.mkdir()
    read_arguments(body, tmp_path).place(stage)
    anyio.run(body.aclose)
    assert (stage / "a.csv").stat().st_size == 2 * MIB
    assert left_over(tmp_path) == []


def test_large_fields_without_a_file_name_go_to_disk_too(tmp_path: Path) -> None:
    fields = [(FIELD if n == 0 else b"\r\n" + FIELD) + b"1" * 600_000 for n in range(5)]
    body = received(sending(*fields, END), MULTIPART, tmp_path)
    assert body.parts is not None
    assert sum(len(part.content) for part in body.parts) <= IN_MEMORY_BYTES
    assert all(part.path or len(part.content) == 600_000 for part in body.parts)
    kinds = [argument.kind for argument in read_arguments(body, tmp_path).arguments]
    assert kinds == ["code", *["code_file"] * 4]
    anyio.run(body.aclose)


def test_large_json_is_not_read_but_moved(tmp_path: Path) -> None:
    content = b'{"x":[' + b"1," * MIB + b"1]}"
    body = received(sending(content), f"{JSON}; charset=utf-8", tmp_path)
    given = read_arguments(body, tmp_path)
    assert given.body is not None
    assert (given.body.kind, given.body.value) == ("json_file", "body")
    assert given.inputs[".inputs/body"].read_bytes() == content
    assert given.values == {"x": [1] * (MIB + 1)}
    anyio.run(body.aclose)


def test_large_json_in_another_encoding_reaches_r_as_utf_8(tmp_path: Path) -> None:
    text = '{"x":"' + "é" * MIB + '"}'
    body = received(sending(text.encode("utf-16")), JSON, tmp_path)
    given = read_arguments(body, tmp_path)
    assert given.inputs[".inputs/body"].read_text("utf-8") == text
    anyio.run(body.aclose)


def test_length_beyond_the_limit_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    async def never() -> dict[str, Any]:
        raise AssertionError("it was read")

    limits = {"content_length": 5 * MIB + 1, "limit_bytes": 5 * MIB}
    with pytest.raises(UploadTooLarge, match=r"larger than 5 MB.*ocpu\.upload_limit"):
        received(never, JSON, tmp_path, **limits)


@pytest.mark.parametrize("content_type", [JSON, MULTIPART])
def test_body_without_a_length_is_refused_when_it_passes_the_limit(
    tmp_path: Path, content_type: str
) -> None:
    pieces = [FILE, *[b"x" * MIB] * 100]
    receive = sending(*pieces)
    with pytest.raises(UploadTooLarge):
        received(receive, content_type, tmp_path, limit_bytes=3 * MIB)
    assert left_over(tmp_path) == []
    assert anyio.run(receive)["more_body"]


def test_large_form_is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(FormTooLarge, match="send what is as large as multipart/form-data"):
        received(sending(), FORM, tmp_path, content_length=FORM_LIMIT_BYTES + 1)
    with pytest.raises(FormTooLarge):
        received(sending(*[b"x=1&" * MIB] * 5), FORM, tmp_path)
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("content_type", [JSON, MULTIPART])
def test_client_that_goes_away_leaves_nothing_behind(tmp_path: Path, content_type: str) -> None:
    with pytest.raises(ClientGone):
        received(sending(FILE, b"x" * 3 * MIB, ends=False), content_type, tmp_path)
    assert left_over(tmp_path) == []


@pytest.mark.parametrize(
    "pieces",
    [
        (b"no part" * MIB,),
        (FILE, b"x" * 3 * MIB),
        (FILE.replace(b"name", b"eman"), b"x" * 3 * MIB, END),
    ],
)
def test_large_body_that_is_no_multipart_leaves_nothing_behind(
    tmp_path: Path, pieces: tuple[bytes, ...]
) -> None:
    with pytest.raises(UploadInvalid):
        received(sending(*pieces), MULTIPART, tmp_path)
    assert left_over(tmp_path) == []


def test_full_disk_is_told_and_nothing_left_behind(tmp_path: Path) -> None:
    inner = sending(FILE + b"x" * 2 * MIB, b"\r\n" + FILE + b"x" * 2 * MIB, END)

    async def receive() -> dict[str, Any]:
        for folder in (tmp_path / FOLDER).glob("*"):
            (folder / "2").symlink_to("/dev/full")  # where the second part is going to be
        return await inner()

    with pytest.raises(StoreFull, match="no room left on disk for uploads"):
        received(receive, MULTIPART, tmp_path)
    assert left_over(tmp_path) == []


def test_what_a_killed_process_left_goes_with_the_next_upload(tmp_path: Path) -> None:
    code = "import os, sys, pathlib; from api.upload_folder import UploadFolder\n"
    code += "folder = UploadFolder(pathlib.Path(sys.argv[1])); (folder.path / '1').touch()\n"
    code += "os.kill(os.getpid(), 9)"
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(left_over(tmp_path)) == 1
    used = UploadFolder(tmp_path)
    other = UploadFolder(tmp_path)
    assert sorted(left_over(tmp_path)) == sorted([used.path.name, other.path.name])
    used.close()
    other.close()
    assert left_over(tmp_path) == []
