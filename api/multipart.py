"""Multipart bodies, read as they come: small fields in memory, files and large fields on disk."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from api.errors import UploadInvalid

MULTIPART = "multipart/form-data"
FIELDS_BYTES = 1024 * 1024
"""What the fields of one body may take in memory together; what is beyond it goes to disk."""
MOST_PARTS = 1000
LONGEST_NAME_BYTES = 255
"""Of a file, by the file systems."""
IDENTITY_ENCODINGS = ("", "7bit", "8bit", "binary", "identity")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True)
class Part:
    """One part: a file, a serialized value or a large field lies at `path`.

    Any other field has its `content`.
    """

    name: str
    filename: str | None
    media_type: str | None
    content: bytes = b""
    path: Path | None = None

    def beginning(self) -> bytes:
        """Returns the first bytes of it."""
        return self.content[:4] if self.path is None else beginning_of(self.path)


class PartReader:
    """Takes a body in pieces of any size and leaves its files in `folder`. Blocks on the disk.

    Raises:
        UploadInvalid: the Content-Type names no boundary.
    """

    def __init__(self, content_type: str | None, folder: Path) -> None:
        boundary = parse_options_header(content_type)[1].get(b"boundary")
        if not boundary:
            raise UploadInvalid("the Content-Type of the multipart body names no boundary")
        self._folder = folder
        self._parts: list[Part] = []
        self._complete = False
        self._begun = 0
        self._in_memory = 0
        self._size = 0
        self._name, self._value = bytearray(), bytearray()
        self._headers: dict[str, str] = {}
        self._content = bytearray()
        self._file: IO[bytes] | None = None
        self._path: Path | None = None
        try:
            self._parser = MultipartParser(boundary, self._callbacks())  # type: ignore[arg-type]
        except FormParserError as error:
            raise _unreadable(error) from error

    def write(self, chunk: bytes) -> None:
        """Takes the next piece.

        Raises:
            UploadInvalid: the body is not what its boundary promises, or has too many parts.
            OSError: a file cannot be written; ENOSPC where there is no room.
        """
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise _unreadable(error) from error

    def finish(self) -> tuple[Part, ...]:
        """Returns the parts, in order, once everything is written.

        Raises:
            UploadInvalid: the closing boundary has not come.
        """
        if not self._complete:
            raise UploadInvalid("the multipart body ends before its closing boundary")
        return tuple(self._parts)

    def close(self) -> None:
        """Closes the file of a part that was cut off."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # the last bytes of it may have no room
                self._file.close()

    def _callbacks(self) -> dict[str, object]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._finished,
        }

    def _begin(self) -> None:
        self._begun += 1
        if self._begun > MOST_PARTS:
            raise UploadInvalid(f"the multipart body has more than {MOST_PARTS} parts")
        self._headers = {}
        self._content = bytearray()
        self._size = 0
        self._file, self._path = None, None

    def _header_end(self) -> None:
        self._headers[self._name.decode("latin-1").lower()] = self._value.decode("latin-1")
        self._name, self._value = bytearray(), bytearray()

    def _headers_finished(self) -> None:
        encoding = self._headers.get("content-transfer-encoding", "").strip().lower()
        if encoding not in IDENTITY_ENCODINGS:
            raise UploadInvalid(f"parts of the multipart body may not be encoded as {encoding}")
        if self._option("filename") is not None or self._is_serialized():
            self._open_file()

    def _is_serialized(self) -> bool:
        media_type = self._headers.get("content-type", "").partition(";")[0].strip().lower()
        return media_type.startswith("application/") and media_type != "application/json"

    def _open_file(self) -> None:
        self._path = self._folder / str(self._begun)
        self._file = self._path.open("wb")

    def _data(self, data: bytes, start: int, end: int) -> None:
        chunk = memoryview(data)[start:end]
        self._size += len(chunk)
        if self._file is None:
            self._content += chunk
            self._in_memory += len(chunk)
            if self._in_memory <= FIELDS_BYTES:
                return
            self._in_memory -= len(self._content)
            self._open_file()
            chunk, self._content = memoryview(self._content), bytearray()
        assert self._file is not None  # noqa: S101  # opened above or by the headers
        self._file.write(chunk)

    def _end(self) -> None:
        if self._file is not None:
            self._file.close()
        name, filename = self._option("name"), self._option("filename")
        if name is None:
            raise UploadInvalid("a part of the multipart body has no name")
        if filename == "" and not self._size:
            return  # what a browser sends for a file that nobody chose
        self._parts.append(
            Part(
                name=name,
                filename=None if filename is None else _base_name(filename),
                media_type=self._headers.get("content-type"),
                content=bytes(self._content),
                path=self._path,
            )
        )

    def _finished(self) -> None:
        self._complete = True

    def _option(self, name: str) -> str | None:
        value = parse_options_header(self._headers.get("content-disposition"))[1].get(name.encode())
        return None if value is None else value.decode("utf-8", "replace")


def read_parts(content_type: str | None, content: bytes, folder: Path) -> tuple[Part, ...]:
    """Returns the parts of a multipart body; files are left in `folder`.

    Raises:
        UploadInvalid: the body is not what its boundary promises.
    """
    reader = PartReader(content_type, folder)
    try:
        reader.write(content)
        return reader.finish()
    finally:
        reader.close()


def beginning_of(path: Path) -> bytes:
    """Returns the first bytes of a file."""
    with path.open("rb") as file:
        return file.read(4)


def _unreadable(error: FormParserError) -> UploadInvalid:
    return UploadInvalid(f"the multipart body cannot be read: {error}")


def _base_name(filename: str) -> str:
    """Returns the last part of a path, whatever system it came from; never one that is hidden.

    Control characters, which would break the listings of a session, become `_`.
    """
    name = filename.replace("\\", "/").rpartition("/")[2].lstrip(".")
    if len(name.encode()) > LONGEST_NAME_BYTES:
        most = f"more than {LONGEST_NAME_BYTES} bytes"
        raise UploadInvalid(f"the name of an uploaded file has {most}")
    return _CONTROL.sub("_", name) or "upload"
