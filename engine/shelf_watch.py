"""What the shelf holds for R, and whether that changed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from engine.installed import Installed
from engine.shelf import Shelf


class ShelfWatch:
    """Looks at the shelf again and again; reads its records only after a change."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._seen: tuple[tuple[str, str], ...] | None = None
        self._installed: list[Installed] = []
        self._digest = self.digest

    def changed(self) -> bool:
        """Whether R's libraries changed since the last time this was asked; gists have none."""
        digest = self.digest
        if digest == self._digest:
            return False
        self._digest = digest
        return True

    @property
    def digest(self) -> str:
        """Names the libraries that are live now: another one after every change."""
        digest = hashlib.blake2b(digest_size=16)
        for library in self.libraries():
            digest.update(f"{library}\0".encode())
        return digest.hexdigest()

    def libraries(self) -> list[Path]:
        """Returns the R libraries, in the order in which R looks into them."""
        return [item.folder for item in self.installed() if item.package is not None]

    def releases(self) -> dict[str, str]:
        """Returns every package in these libraries and the release it comes from."""
        found: dict[str, str] = {}
        for item in self.installed():
            for package in item.packages:
                found.setdefault(package, item.release)
        return found

    def installed(self) -> list[Installed]:
        """Returns everything on the shelf."""
        looked = self._shelf.looked()
        if looked != self._seen:
            self._installed = self._shelf.all()
            self._seen = looked
        return self._installed

    def facts(self) -> list[dict[str, Any]]:
        """Returns in plain values what is installed, for those who ask the engine."""
        names = ("source", "name", "package", "version", "commit", "release", "packages")
        return [{name: getattr(item, name) for name in names} for item in self.installed()]
