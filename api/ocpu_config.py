"""What an operator decides about /ocpu: the counterpart of OpenCPU's server.conf."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.install_policy import InstallPolicy

APIS = frozenset(
    ("library", "tmp", "user", "apps", "gist", "cran", "bioc", "doc", "test", "info", "webhook")
)
"""The sections below /ocpu that can be switched off; `apps` is `github` too."""
SECTION_OF = {"lib": "library", "github": "apps"}
"""Sections that have two names."""


@dataclass(frozen=True)
class OcpuConfig:
    """How /ocpu answers; the defaults are OpenCPU's.

    Attributes:
        apis: The sections that are served.
        code: Whether arguments may be R code (`enable.post.code`).
        cors: Whether pages of other origins may call (`enable.cors`).
        upload_limit_bytes: Of a request's body.
        call_cache_s: Seconds that a client may keep the answer to a call.
        library_cache_s: The same for packages.
        apps_cache_s: The same for apps, gists and what else is installed on demand.
        tmp_cache_s: The same for sessions.
        static_cache_s: The same for the test page.
        install: What may be installed, from where.
    """

    apis: frozenset[str] = APIS
    code: bool = True
    cors: bool = True
    upload_limit_bytes: int = 2 * 1024**3
    call_cache_s: int = 300
    library_cache_s: int = 86400
    apps_cache_s: int = 900
    tmp_cache_s: int = 86400
    static_cache_s: int = 31536000
    install: InstallPolicy = field(default_factory=InstallPolicy)

    def serves(self, section: str) -> bool:
        """Whether a top-level section is switched on; unknown ones are nobody's to switch."""
        name = SECTION_OF.get(section, section)
        return name not in APIS or name in self.apis


def max_age(seconds: int) -> tuple[str, str]:
    """Returns the header that lets clients keep an answer so long; 0 is not at all."""
    return ("Cache-Control", f"max-age={seconds}, public" if seconds > 0 else "no-cache")
