"""Multipart bodies: fields in memory, files written to disk as they are read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from api.body import Body
from api.errors import UploadInvalid

CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True)
class Part:
    """One part: a file or a serialized value lies at `path`, any other field has its `content`."""

    name: str
    filename: str | None
    media_type: str | None
    content: bytes = b""
    path: Path | None = None
    digest: str = ""


class _Reader:
    """Collects parts from the parser's callbacks."""

    def __init__(self, folder: Path) -> None:
        self.parts: list[Part] = []
        self.complete = False
        self._folder = folder
        self._headers: dict[str, str] = {}
        self._name = bytearray()
        self._value = bytearray()
        self._content = bytearray()
        self._file: IO[bytes] | None = None
        self._path: Path | None = None
        self._digest = hashlib.blake2b(digest_size=16)

    def close(self) -> None:
        """Closes the file of a part that was cut off."""
        if self._file is not None:
            self._file.close()

    def callbacks(self) -> dict[str, object]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def _begin(self) -> None:
        self._headers = {}
        self._content = bytearray()
        self._file, self._path = None, None
        self._digest = hashlib.blake2b(digest_size=16)

    def _header_end(self) -> None:
        self._headers[self._name.decode("latin-1").lower()] = self._value.decode("utf-8", "replace")
        self._name, self._value = bytearray(), bytearray()

    def _headers_finished(self) -> None:
        if self._option("filename") is not None or self._is_serialized():
            self._path = self._folder / str(len(self.parts))
            self._file = self._path.open("wb")

    def _is_serialized(self) -> bool:
        media_type = self._headers.get("content-type", "").partition(";")[0].strip().lower()
        return media_type.startswith("application/") and media_type != "application/json"

    def _data(self, data: bytes, start: int, end: int) -> None:
        chunk = data[start:end]
        self._digest.update(chunk)
        if self._file is not None:
            self._file.write(chunk)
        else:
            self._content += chunk

    def _end(self) -> None:
        if self._file is not None:
            self._file.close()
        name = self._option("name")
        if name is None:
            raise UploadInvalid("a part of the multipart body has no name")
        filename = self._option("filename")
        self.parts.append(
            Part(
                name=name,
                filename=_base_name(filename) if filename is not None else None,
                media_type=self._headers.get("content-type"),
                content=bytes(self._content),
                path=self._path,
                digest=self._digest.hexdigest(),
            )
        )

    def _finish(self) -> None:
        self.complete = True

    def _option(self, name: str) -> str | None:
        disposition = self._headers.get("content-disposition", "")
        value = parse_options_header(disposition)[1].get(name.encode())
        return None if value is None else value.decode("utf-8", "replace")


def read_parts(body: Body, folder: Path) -> list[Part]:
    """Returns the parts of a multipart body; files are left in `folder`.

    Raises:
        UploadInvalid: the body is not what its boundary promises.
    """
    options = parse_options_header(body.content_type)[1]
    boundary = options.get(b"boundary")
    if not boundary:
        raise UploadInvalid("the Content-Type of the multipart body names no boundary")
    reader = _Reader(folder)
    parser = MultipartParser(boundary, reader.callbacks())  # type: ignore[arg-type]
    try:
        spool = body.open()
        if spool is None:
            parser.write(body.small)
        else:
            while chunk := spool.read(CHUNK_BYTES):
                parser.write(chunk)
        parser.finalize()
    except MultipartParseError as error:
        raise UploadInvalid(f"the multipart body cannot be read: {error}") from error
    finally:
        reader.close()
    if not reader.complete:
        raise UploadInvalid("the multipart body ends before its closing boundary")
    return reader.parts


def _base_name(filename: str) -> str:
    """Returns the last part of a path, whatever system it came from; never one that is hidden."""
    name = filename.replace("\\", "/").rpartition("/")[2].replace("\0", "").lstrip(".")
    return name or "upload"
