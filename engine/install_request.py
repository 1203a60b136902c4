"""What to install and from where, checked before anything is fetched."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from engine.errors import InstallRefused

Source = Literal["github", "gist", "cran", "bioc"]
"""Where packages (or, for a gist, files) come from."""

SOURCES: tuple[Source, ...] = get_args(Source)
SCHEMES = {"http", "https", "file"}
GIB = 2**30

_OWNER = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
_NAMES = {
    "github": re.compile(rf"{_OWNER}/[A-Za-z0-9._][A-Za-z0-9._-]{{0,99}}"),
    "gist": re.compile(rf"{_OWNER}/[A-Za-z0-9]{{1,64}}"),
    "cran": re.compile(r"[A-Za-z][A-Za-z0-9.]{0,98}[A-Za-z0-9]"),
    "bioc": re.compile(r"[A-Za-z][A-Za-z0-9.]{0,98}[A-Za-z0-9]"),
}
_FORMS = {
    "github": "owner/repository",
    "gist": "user/id",
    "cran": "the name of an R package",
    "bioc": "the name of an R package",
}
_NOT_A_NAME = {".", "..", ".git"}
_REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/+-]{0,199}")


@dataclass(frozen=True)
class InstallRequest:
    """One package or gist, and the bounds of its installation.

    `name` is `owner/repo` (github), `user/id` (gist) or a package (cran, bioc); `ref` a branch, tag
    or commit of a git repository. The addresses are http, https or file URLs, or folders of this
    machine; None is what R itself is set to.

    Raises:
        InstallRefused: the name, the ref or an address cannot be right.
    """

    source: Source
    name: str
    ref: str | None = None
    github_url: str = "https://github.com"
    gist_url: str = "https://gist.github.com"
    cran_url: str | None = None
    bioc_url: str | None = None
    timeout_s: float = 900.0
    """Seconds by the clock for all of it: fetching, what it needs, compiling."""
    memory_bytes: int = 8 * GIB
    """Address space of each of its processes."""
    file_bytes: int = GIB
    """Largest file that any of them may write."""
    download_bytes: int = GIB // 2
    """Most that a git repository may bring: packed, and its files together."""

    def __post_init__(self) -> None:
        """Refuses names that git, R or the file system could take for something else."""
        if self.source not in SOURCES:
            raise InstallRefused(
                f"cannot install from '{self.source}': {', '.join(SOURCES)} are known"
            )
        if not valid_name(self.source, self.name):
            form = _FORMS[self.source]
            raise InstallRefused(f"'{self.name}' is no name for {self.source}: it takes {form}")
        if self.ref is not None and not valid_ref(self.ref):
            raise InstallRefused(f"'{self.ref}' is no branch, tag or commit")
        if self.ref is not None and not self.uses_git:
            raise InstallRefused(f"{self.source} has the current version only, no '{self.ref}'")
        for setting in ("github_url", "gist_url", "cran_url", "bioc_url"):
            address = getattr(self, setting)
            if address is not None and not valid_address(address):
                raise InstallRefused(
                    f"{setting} is neither an http, https or file URL nor a folder"
                )

    @property
    def uses_git(self) -> bool:
        """Whether it is a git repository, with commits."""
        return self.source in {"github", "gist"}

    def to_wire(self) -> dict[str, Any]:
        """Returns the fields as plain values."""
        return asdict(self)

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> InstallRequest:
        """Returns what to_wire() was called on."""
        return cls(**wire)


def valid_name(source: str, name: str) -> bool:
    """Whether the name is well-formed: no way out of a folder, no leading dash, no option."""
    pattern = _NAMES.get(source)
    if pattern is None or pattern.fullmatch(name) is None:
        return False
    return not any(part in _NOT_A_NAME for part in name.split("/"))


def canonical_name(source: str, name: str) -> str:
    """Returns the name as it is compared: GitHub's do not tell upper case from lower."""
    if source not in {"github", "gist"}:
        return name
    return name.lower().removesuffix(".git")


def valid_ref(ref: str) -> bool:
    """Whether git could take it as a branch, tag or commit, and as nothing else."""
    if _REF.fullmatch(ref) is None or ".." in ref or "//" in ref:
        return False
    return not ref.endswith(("/", ".", ".lock"))


def valid_address(address: str) -> bool:
    """Whether it is an http, https or file URL, or an absolute path."""
    if any(character.isspace() or not character.isprintable() for character in address):
        return False
    if address.startswith("/"):
        return True
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in SCHEMES and bool(parts.netloc or parts.path)
