"""A session as one file to download: its objects, its record and its files."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

KEPT_HIDDEN = {".RData", ".REval", ".RInfo", ".Rlibs"}
"""What R wrote of the session; other hidden files are Larder's own."""


def members(folder: Path) -> list[Path]:
    """Returns the files of a session that an archive holds, relative to it.

    Raises:
        FileNotFoundError: the session was removed meanwhile.
    """
    found = [
        path.relative_to(folder)
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()  # R code may have it lead anywhere
    ]
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    return sorted(
        path for path in found if not path.parts[0].startswith(".") or path.name in KEPT_HIDDEN
    )


def zip_of(folder: Path) -> bytes:
    """Returns a zip archive of a session."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in members(folder):
            archive.write(folder / path, str(path))
    return out.getvalue()


def tar_of(folder: Path) -> bytes:
    """Returns a gzipped tar archive of a session."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for path in members(folder):
            archive.add(folder / path, str(path))
    return out.getvalue()
