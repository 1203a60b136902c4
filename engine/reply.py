"""The child's answer as values; a finished evaluation's manifest in its folder."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from engine.errors import CallRefused, LimitReached, WorkerDied
from engine.evaluation import BodyError, Evaluation, Headers, RenderedBody, RowsAnswer
from engine.failure import as_list
from engine.frame import Frame
from engine.left_files import BODIES, read_left_file, remove_tree, write_beside

MANIFEST_FORMAT = 1
TEXTS = ("messages", "stdout", "warnings", "source", "console")


def rendered(answer: dict[str, Any], blobs: Sequence[bytes], folder: Path) -> RenderedBody:
    """Returns the body that a rendering operation answered; large ones are in the call's folder.

    Raises:
        CallRefused: the columns of a data frame cannot be written in the format asked for.
        WorkerDied: the body is not where the child said, or that makes no sense.
    """
    with sense():
        content = _content(answer["body"], blobs, folder)
        if answer.get("arrow"):
            return _arrow(answer, content)
        return RenderedBody(content, answer["type"], attachment(answer.get("file")))


def _arrow(answer: dict[str, Any], content: bytes) -> RenderedBody:
    # Here, as the forking parent imports this module and has no use for Arrow and its threads.
    from engine.arrow_body import FORMATS, arrow_body  # noqa: PLC0415

    kind = FORMATS[answer["arrow"]]
    columns, options = as_list(answer["columns"]), answer.get("options") or {}
    written = arrow_body(answer["arrow"], content, columns, options)
    file = f"{answer['file']}.{kind.extension}"
    return RenderedBody(written, kind.media_type, attachment(file))


def attachment(file: str | None) -> Headers:
    """Returns the header that names a download, as OpenCPU writes it where the name is plain."""
    if not file:
        return ()
    if re.fullmatch(r"[!#$&+.^_`|~0-9A-Za-z@()-]+", file):
        value = f"attachment;filename={file}"
    else:
        value = f"attachment;filename*=UTF-8''{quote(file, safe='')}"
    return (("Content-Disposition", value),)


def evaluation(
    answer: dict[str, Any], blobs: Sequence[bytes], function: str, stage: Path
) -> Evaluation:
    """Returns the evaluation, after writing its session's manifest `.larder.json`.

    Raises:
        LimitReached: the call did; the error has the evaluation.
        WorkerDied: the answer makes no sense.
    """
    with sense():
        return _evaluation(answer, blobs, function, stage)


def _evaluation(
    answer: dict[str, Any], blobs: Sequence[bytes], function: str, stage: Path
) -> Evaluation:
    bodies, body_errors = {}, {}
    for label, body in (answer.get("bodies") or {}).items():
        if "error" in body:
            body_errors[label] = BodyError(body["error"], body.get("kind") or "r_error")
            continue
        try:
            bodies[label] = rendered(body, blobs, stage)
        except CallRefused as refusal:
            body_errors[label] = BodyError(refusal.text, refusal.kind)
    remove_tree(stage / BODIES)
    remove_tree(stage / ".inputs")
    manifest = _manifest(answer, function)
    write_beside(stage, ".larder.json", orjson.dumps(manifest))
    done = Evaluation(
        ok=answer["ok"],
        error=answer.get("error"),
        error_message=answer.get("error_message"),
        listing=_listing(manifest),
        duration_s=answer["duration_s"],
        bodies=bodies,
        body_errors=body_errors,
    )
    if answer.get("limit"):
        limit = LimitReached.from_wire(answer["limit"])
        limit.evaluation = done
        raise limit
    return done


def rows_answer(answer: dict[str, Any], stage: Path) -> RowsAnswer:
    """Returns what a call over rows answered; its columns lie in the call's folder.

    Raises:
        WorkerDied: that makes no sense.
    """
    with sense():
        frame = Frame.read(read_left_file(stage, ".answer"), answer["columns"])
        failed = tuple(as_list(answer.get("unsound")))
        return RowsAnswer(frame, failed, answer.get("problem") or "")


@contextlib.contextmanager
def sense() -> Iterator[None]:
    """Ends in WorkerDied where an answer is not as a child writes it: R code may have."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise WorkerDied("its answer makes no sense") from error


def _content(body: Any, blobs: Sequence[bytes], folder: Path) -> bytes:
    if body is None:
        return b""
    return blobs[body["blob"]] if "blob" in body else read_left_file(folder, BODIES, body["file"])


def _manifest(answer: dict[str, Any], function: str) -> dict[str, Any]:
    return {
        "format": MANIFEST_FORMAT,
        "created_at": dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "function": function,
        "objects": as_list(answer["objects"]),
        "graphics": answer["graphics"],
        "files": as_list(answer["files"]),
        "texts": {name: as_list(answer["texts"][name]) for name in TEXTS},
        "error": answer.get("error"),
    }


def _listing(manifest: dict[str, Any]) -> tuple[str, ...]:
    """Returns the session's outputs in OpenCPU's order of creation."""
    listing = [f"R/{name}" for name in manifest["objects"]]
    listing += [f"graphics/{number}" for number in range(1, manifest["graphics"] + 1)]
    listing += [name for name in TEXTS if manifest["texts"][name]]
    listing.append("info")
    listing += [f"files/{name}" for name in manifest["files"]]
    return tuple(listing)
