"""What may be installed on demand, and the addresses it comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import get_args

from engine.install_request import InstallRequest, Source, canonical_name, valid_name

ANY = "*"
_PLACEHOLDER = "x"


@dataclass(frozen=True)
class InstallPolicy:
    """What larder.yaml says of installing; without `allow` nothing may be installed.

    A pattern is `source::name`, where a whole part of the name may be `*`: `github::owner/repo`,
    `github::owner/*`, `cran::forecast`, `cran::*`.
    """

    allow: tuple[str, ...] = ()
    webhook_secret: str | None = field(default=None, repr=False)
    refresh_s: float = 86400.0
    """Seconds after which an installation made on demand is looked up again, behind the answer."""
    github_url: str = "https://github.com"
    gist_url: str = "https://gist.github.com"
    github_api_url: str = "https://api.github.com"
    cran_url: str | None = None
    bioc_url: str | None = None
    timeout_s: float = 900.0

    def allows(self, source: str, name: str) -> bool:
        """Whether a pattern lets this be installed; never for a name that is malformed."""
        if not valid_name(source, name):
            return False
        wanted = canonical_name(source, name).split("/")
        return any(_matches(pattern, source, wanted) for pattern in self.allow)

    def allows_some(self, source: str) -> bool:
        """Whether anything of this source may be installed."""
        return any(pattern.partition("::")[0] == source for pattern in self.allow)

    def request(self, source: Source, name: str, ref: str | None = None) -> InstallRequest:
        """Returns what to ask of the engine, allowed or not.

        Raises:
            InstallRefused: the name or the ref is malformed.
        """
        return InstallRequest(
            source,
            name,
            ref,
            github_url=self.github_url,
            gist_url=self.gist_url,
            cran_url=self.cran_url,
            bioc_url=self.bioc_url,
            timeout_s=self.timeout_s,
        )


def pattern_problem(pattern: str) -> str | None:
    """Returns what is wrong with a pattern of `allow`; None if nothing is."""
    source, separator, name = pattern.partition("::")
    if not separator or source not in get_args(Source):
        sources = ", ".join(get_args(Source))
        return f"'{pattern}' does not begin with a source and '::' (sources: {sources})"
    if name == ANY:
        return None
    parts = [_PLACEHOLDER * 2 if part == ANY else part for part in name.split("/")]
    if not valid_name(source, "/".join(parts)):
        example = "owner/repository or owner/*" if source == "github" else "user/id or user/*"
        hint = example if source in {"github", "gist"} else "a package or *"
        return f"'{pattern}' names nothing of {source}: after '::' comes {hint}"
    return None


def _matches(pattern: str, source: str, wanted: list[str]) -> bool:
    pattern_source, _, name = pattern.partition("::")
    if pattern_source != source:
        return False
    if name == ANY:
        return True
    parts = canonical_name(source, name).split("/")
    return len(parts) == len(wanted) and all(
        part in {ANY, given} for part, given in zip(parts, wanted, strict=True)
    )
