"""An OpenCPU request body as arguments: as R takes them, and as values that have a cache key."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from api.argument_rules import ANYTHING, ArgumentRules
from api.body import Body
from api.charset import charset_of, decoded, json_charset, make_utf8
from api.errors import BadRequest
from api.fields import INPUTS, Fields, keyed_json
from api.form import FORM, form_pairs
from api.multipart import MULTIPART, Part, read_parts
from api.upload_folder import FOLDER
from cache.border import disk_border
from cache.errors import CacheError
from cache.keys import Code, Value
from engine.call import Argument

__all__ = ["FORM", "Arguments", "read_arguments"]

JSON = "application/json"
SERIALIZED = {
    "application/rds": "rds",
    "application/x-rds": "rds",
    "application/r-rds": "rds",
    "application/protobuf": "pb",
    "application/rprotobuf": "pb",
    "application/x-protobuf": "pb",
    "application/x-rprotobuf": "pb",
}
KEYED_JSON_BYTES = 16 * 1024 * 1024
"""A larger JSON body has no key: it is read by R alone."""
MOST_FIELDS = 1000
"""Of a form, as of the parts of a multipart body."""
BODY = "body"
"""The name of a whole body as a file."""


def _none() -> dict[str, Value] | None:
    return {}


@dataclass(frozen=True)
class Arguments:
    """What a body says.

    `inputs` are files to place into the call's folder, by their path in it.
    """

    arguments: tuple[Argument, ...] = ()
    body: Argument | None = None
    inputs: dict[str, Path] = field(default_factory=dict)
    read_values: Callable[[], dict[str, Value] | None] = field(default=_none, compare=False)

    @property
    def is_named(self) -> bool:
        """Whether R has yet to see that names among the arguments stand for data."""
        data = ("data", "data_file")
        values = self.values or {}
        return any(
            one.kind in data and type(values.get(one.name)) is Code for one in self.arguments
        )

    @cached_property
    def values(self) -> dict[str, Value] | None:
        """The same arguments for the cache key; None where they have none.

        Only functions that a job declares need them, and for a large body they take a while: so
        they are read when they are asked for, which has to be before the files are placed.
        """
        return self.read_values()

    def place(self, stage: Path) -> None:
        """Moves the uploads into the folder of the call."""
        for name, path in self.inputs.items():
            target = stage / name
            target.parent.mkdir(exist_ok=True)
            shutil.move(path, target)


def read_arguments(body: Body, folder: Path, rules: ArgumentRules = ANYTHING) -> Arguments:
    """Returns the arguments of a body. Blocks; uploads lie in `folder` or with the body.

    Raises:
        BadRequest: a body of a kind that OpenCPU does not take, in its words; an argument that
            cannot be given to R; R code where there must be none.
        Forbidden: R code, or a file, that the caller's key is not for.
        StoreFull, StoreUnavailable: what R reads from files cannot be written.
    """
    if body.length == 0:
        return Arguments()
    with disk_border(Path(FOLDER)):
        return _read(body, folder, rules)


def _read(body: Body, folder: Path, rules: ArgumentRules) -> Arguments:
    media_type = body.media_type
    if not media_type:
        raise BadRequest("No Content-Type header found.")
    if media_type == FORM:
        return _of_form(body, Fields(folder, rules))
    if media_type == MULTIPART:
        return _of_parts(body, folder, Fields(folder, rules))
    if media_type == JSON:
        return _of_json(body)
    if media_type in SERIALIZED:
        if not rules.code:
            raise rules.no_file("serialized objects of R")
        path = body.path
        if path is None:
            path = folder / BODY
            path.write_bytes(body.small)
        return _whole(SERIALIZED[media_type], path, lambda: None)
    raise BadRequest(f"POST body with unknown conntent type: {media_type}")


def _of_form(body: Body, fields: Fields) -> Arguments:
    content = body.read()
    if content.count(b"&") >= MOST_FIELDS:
        raise BadRequest(f"The form has more than {MOST_FIELDS} fields.")
    for name, value in form_pairs(content, charset_of(body.content_type)):
        if value:
            fields.add_field(name, value)
        else:
            fields.add_missing(name)
    return _of_fields(fields)


def _of_parts(body: Body, folder: Path, fields: Fields) -> Arguments:
    parts = body.parts
    if parts is None:
        parts = read_parts(body.content_type, body.small, folder)
    for part in parts:
        media_type = (part.media_type or "").partition(";")[0].strip().lower()
        if part.filename is not None and part.path is not None:
            fields.add_file(part.name, part.filename, part.path)
        elif media_type in ("", JSON) or media_type.startswith("text/"):
            _add_text(part, media_type, fields)
        else:
            _add_value(part, media_type, fields)
    return _of_fields(fields)


def _add_value(part: Part, media_type: str, fields: Fields) -> None:
    kind = "bytes" if media_type == "application/octet-stream" else SERIALIZED.get(media_type)
    if kind is None or part.path is None:
        raise BadRequest(f"Multipart request contains unsupported data type '{media_type}'.")
    fields.add_stored(part.name, kind, part.path)


def _add_text(part: Part, media_type: str, fields: Fields) -> None:
    charset = charset_of(part.media_type)
    if media_type == JSON:
        charset = json_charset(part.beginning(), charset)
    if part.path is not None:
        make_utf8(part.path, charset)
        if media_type:
            kind = "json_file" if media_type == JSON else "text_file"
            fields.add_stored(part.name, kind, part.path)
        else:
            fields.add_stored_field(part.name, part.path)
        return
    text = decoded(part.content, charset)
    if media_type == JSON:
        fields.add_json(part.name, text)
    elif media_type:
        fields.add_text(part.name, text)
    elif text:
        fields.add_field(part.name, text)
    else:
        fields.add_empty(part.name)


def _of_fields(fields: Fields) -> Arguments:
    return Arguments(tuple(fields.arguments), None, fields.inputs, fields.values)


def _of_json(body: Body) -> Arguments:
    charset = json_charset(body.beginning(), charset_of(body.content_type))
    if body.path is None:
        text = decoded(body.small, charset)
        if "\0" in text:
            raise BadRequest("Invalid JSON was posted: it has a NUL character.")
        return Arguments(body=Argument("", "json", text), read_values=partial(_members, text))
    make_utf8(body.path, charset)
    return _whole("json_file", body.path, partial(_members_of_file, body.path))


def _whole(kind: str, path: Path, read_values: Callable[[], dict[str, Value] | None]) -> Arguments:
    whole = Argument("", kind, BODY)  # type: ignore[arg-type]  # one of those that are files
    return Arguments((), whole, {f"{INPUTS}/{BODY}": path}, read_values)


def _members(text: str) -> dict[str, Value] | None:
    try:
        value = keyed_json(text)
    except (ValueError, CacheError):
        return None  # R tells what is wrong with it
    return value if isinstance(value, dict) else None


def _members_of_file(path: Path) -> dict[str, Value] | None:
    if path.stat().st_size > KEYED_JSON_BYTES:
        return None
    return _members(decoded(path.read_bytes()))
