"""A large body on its way to disk: one file, or if it is multipart a file for each part."""

from __future__ import annotations

import contextlib
from pathlib import Path

from api.multipart import Part, PartReader
from api.upload_folder import FOLDER, UploadFolder
from cache.border import disk_border


class Spool:
    """Takes a body in pieces and keeps it in a folder of its own. Everything here blocks.

    Args:
        state_folder: Where the folder is made.
        multipart: The content type of a multipart body, with its boundary; None for any other.

    Attributes:
        path: Where the body is; None if it is multipart.
        parts: Its parts, once it is finished; None if it is not multipart.

    Raises:
        UploadInvalid: the multipart body is not what its boundary promises.
        StoreFull, StoreUnavailable: the disk does not take it. What it took stays until `discard`.
    """

    def __init__(self, state_folder: Path, multipart: str | None) -> None:
        self._place = state_folder / FOLDER
        with disk_border(self._place):
            self._folder = UploadFolder(state_folder)
        self.path = self._folder.path / "body" if multipart is None else None
        self.parts: tuple[Part, ...] | None = None
        try:
            with disk_border(self._place):
                self._writer = (
                    PartReader(multipart, self._folder.path)
                    if self.path is None
                    else _FileWriter(self.path)
                )
        except BaseException:
            self._folder.close()
            raise

    def write(self, piece: bytes) -> None:
        """Takes the next piece."""
        with disk_border(self._place):
            self._writer.write(piece)

    def finish(self) -> None:
        """Ends the body after its last piece."""
        with disk_border(self._place):
            self.parts = self._writer.finish()

    def discard(self) -> None:
        """Removes all of it that has not been moved elsewhere."""
        self._writer.close()
        self._folder.close()


class _FileWriter:
    """Writes a body that is not taken apart."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")

    def write(self, piece: bytes) -> None:
        self._file.write(piece)

    def finish(self) -> None:
        self._file.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):  # its last bytes may have no room
            self._file.close()
