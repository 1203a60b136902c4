"""What lies on the shelf: one installed package, or the files of a gist, and where it came from."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.install_request import Source

FORMAT = 1


@dataclass(frozen=True)
class Installed:
    """One installation, as its `installed.json` records it.

    `folder` is a real path: an R library holding `package` and what it needs beyond the system's
    own (`packages`, name to version), or the files of a gist. `origin` is the address it came from
    without credentials, `commit` that of a git repository, `digest` the SHA-256 of the source
    archive of a package from a repository of packages. `checked_at` is when it was last found to
    be what its origin has.
    """

    source: Source
    name: str
    package: str | None
    version: str | None
    origin: str
    commit: str | None
    digest: str | None
    ref: str | None
    installed_at: dt.datetime
    checked_at: dt.datetime
    r_version: str
    folder: Path
    packages: dict[str, str]

    @property
    def release(self) -> str:
        """The random name of its release: another one holds other files."""
        return self.folder.parent.name

    def checked(self, moment: dt.datetime) -> Installed:
        """Returns the same, found unchanged at this moment."""
        return replace(self, checked_at=moment)

    def to_record(self) -> dict[str, Any]:
        """Returns what `installed.json` holds: all but the folder, which may move."""
        return {
            "format": FORMAT,
            **{
                name: value
                for name, value in vars(self).items()
                if name not in {"folder", "installed_at", "checked_at"}
            },
            "installed_at": self.installed_at.isoformat(),
            "checked_at": self.checked_at.isoformat(),
        }

    @classmethod
    def from_record(cls, record: dict[str, Any], folder: Path) -> Installed:
        """Returns what to_record() was called on.

        Raises:
            ValueError, KeyError, TypeError: the record is not one, or of a newer format.
        """
        if record["format"] > FORMAT:
            raise ValueError(f"format {record['format']} is newer than {FORMAT}")
        texts = ("source", "name", "package", "version", "origin", "commit", "digest", "ref")
        return cls(
            **{name: record[name] for name in texts},
            installed_at=dt.datetime.fromisoformat(record["installed_at"]),
            checked_at=dt.datetime.fromisoformat(record["checked_at"]),
            r_version=record["r_version"],
            folder=folder,
            packages=dict(record["packages"]),
        )
