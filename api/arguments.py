"""An OpenCPU request body as arguments: as R takes them, and as values that have a cache key."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from api.body import Body
from api.errors import BadRequest
from api.form import form_pairs
from api.multipart import Part, read_parts
from cache.errors import CacheError
from cache.keys import MISSING, Code, Upload, Value, form_value, json_value
from engine.call import Argument

FORM = "application/x-www-form-urlencoded"
SERIALIZED = {
    "application/rds": "rds",
    "application/protobuf": "pb",
    "application/rprotobuf": "pb",
    "application/x-protobuf": "pb",
}


@dataclass(frozen=True)
class Arguments:
    """What a body says.

    `values` are the same arguments for the cache key; None where they have none. `inputs` are files
    to place into the call's folder, by their path in it.
    """

    arguments: tuple[Argument, ...] = ()
    body: Argument | None = None
    values: dict[str, Value] | None = field(default_factory=dict)
    inputs: dict[str, Path] = field(default_factory=dict)

    def place(self, stage: Path) -> None:
        """Moves the uploads into the folder of the call."""
        for name, path in self.inputs.items():
            target = stage / name
            target.parent.mkdir(exist_ok=True)
            shutil.move(path, target)


def read_arguments(body: Body, folder: Path) -> Arguments:
    """Returns the arguments of a body; uploads are kept in `folder` until they are placed.

    Raises:
        BadRequest: OpenCPU's message for a body of a kind that it does not take.
    """
    if body.length == 0:
        return Arguments()
    media_type = body.media_type
    if not media_type:
        raise BadRequest("No Content-Type header found.")
    if media_type == FORM:
        return _of_form(form_pairs(body.read()))
    if media_type == "multipart/form-data":
        return _of_parts(read_parts(body, folder))
    if media_type == "application/json":
        return _of_json(body.read().decode("utf-8", "replace"))
    if media_type in SERIALIZED:
        path = folder / "body"
        path.write_bytes(body.read())
        kind = SERIALIZED[media_type]
        whole = Argument("", kind, "body")  # type: ignore[arg-type]  # values of the table
        return Arguments(body=whole, values=None, inputs={".inputs/body": path})
    raise BadRequest(f"POST body with unknown conntent type: {media_type}")


def _of_form(pairs: list[tuple[str, str]]) -> Arguments:
    arguments = [Argument(name, "code", value or "NA") for name, value in pairs]
    return Arguments(tuple(arguments), values=_values(pairs))


def _values(pairs: list[tuple[str, str]]) -> dict[str, Value] | None:
    """Returns the values by name; None when a name comes twice: their order would matter."""
    values = {name: _value(name, text) for name, text in pairs}
    return values if len(values) == len(pairs) else None


def _value(name: str, text: str) -> Value:
    if name == "...":
        return Code(text)
    return MISSING if text == "" else form_value(text)


def _of_json(text: str) -> Arguments:
    whole = Argument("", "json", text)
    try:
        parsed = json_value(text)
    except (ValueError, CacheError):
        return Arguments(body=whole, values=None)  # R tells what is wrong with it
    return Arguments(body=whole, values=parsed if isinstance(parsed, dict) else None)


def _of_parts(parts: list[Part]) -> Arguments:
    arguments: list[Argument] = []
    values: dict[str, Value] = {}
    inputs: dict[str, Path] = {}
    for index, part in enumerate(parts):
        argument, value = _of_part(part, f"part{index}")
        arguments.append(argument)
        values[part.name] = value
        if part.path is not None:
            place = argument.value if argument.kind == "file" else f".inputs/{argument.value}"
            inputs[place] = part.path
    unique = values if len(values) == len(parts) else None
    return Arguments(tuple(arguments), values=unique, inputs=inputs)


def _of_part(part: Part, name: str) -> tuple[Argument, Value]:
    if part.filename is not None:
        return Argument(part.name, "file", part.filename), Upload(part.filename, part.digest)
    text = part.content.decode("utf-8", "replace")
    media_type = (part.media_type or "").partition(";")[0].strip().lower()
    if not media_type:
        if not text:
            return Argument(part.name, "empty"), Code("")
        return Argument(part.name, "code", text), _value(part.name, text)
    if media_type == "application/json":
        return Argument(part.name, "json", text), _json_or_code(text)
    if media_type.startswith("text/"):
        return Argument(part.name, "text", text), text
    kind = "bytes" if media_type == "application/octet-stream" else SERIALIZED.get(media_type)
    if kind is None:
        raise BadRequest(f"Multipart request contains unsupported data type '{media_type}'.")
    argument = Argument(part.name, kind, name)  # type: ignore[arg-type]  # values of the table
    return argument, Upload(f"{kind}:", part.digest)


def _json_or_code(text: str) -> Value:
    try:
        return json_value(text)
    except (ValueError, CacheError):
        return Code(text)
