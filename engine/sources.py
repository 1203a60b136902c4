"""What the project's R is made of: its version digest, and whether it changed."""

from __future__ import annotations

import hashlib
from pathlib import Path

MODEL_SUFFIXES = {".r", ".rds", ".rda", ".rdata"}
"""Files that decide what models/*.R compute: the code, and fitted objects in models/ or data/."""


class Sources:
    """The R files and model objects of a project; None has none.

    Two clocks: `changed` looks at names, sizes and times and is cheap; `digest` reads contents.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._seen = self._look()
        self.digest = self._digest()

    def files(self) -> list[Path]:
        """Returns the files that count, in order."""
        if self._folder is None:
            return []
        found = [
            path
            for name in ("models", "data")
            for path in (self._folder / name).rglob("*")
            if path.suffix.lower() in MODEL_SUFFIXES and path.is_file()
        ]
        return sorted(found)

    def changed(self) -> bool:
        """Whether the content changed since the last time this was asked."""
        seen = self._look()
        if seen == self._seen:
            return False
        self._seen = seen
        digest = self._digest()
        if digest == self.digest:
            return False
        self.digest = digest
        return True

    def _look(self) -> list[tuple[str, int, int]]:
        looked = []
        for path in self.files():
            try:
                facts = path.stat()
            except FileNotFoundError:
                continue
            looked.append((str(path), facts.st_mtime_ns, facts.st_size))
        return looked

    def _digest(self) -> str:
        digest = hashlib.blake2b(digest_size=16)
        for path in self.files():
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                continue
            name = str(path.relative_to(self._folder or path.parent))
            digest.update(f"{name}\0{len(content)}\0".encode())
            digest.update(content)
        return digest.hexdigest()
