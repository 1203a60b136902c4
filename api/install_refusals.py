"""Errors about what is not installed, and may not be; `api.errors` has the tree."""

from __future__ import annotations

from api.api_error import ApiError, NotFound
from engine.install_policy import pattern_problem


class NotInstalled(NotFound):
    """Nothing is installed under this name, nor may it be installed when it is asked for."""

    def __init__(self, source: str, name: str) -> None:
        if source == "github":  # the words of OpenCPU
            message = f"Github App {name} not installed on this server"
        else:
            message = f"{NAMES[source]} {name} is not installed on this server{_hint(source, name)}"
        super().__init__(message)
        self.source = source
        self.name = name


class InstallForbidden(ApiError):
    """The operator does not let this be installed."""

    def __init__(self, source: str, name: str) -> None:
        super().__init__(
            f"{NAMES[source]} {name} may not be installed on this server{_hint(source, name)}"
        )
        self.source = source
        self.name = name


class SignatureMissing(ApiError):
    """The delivery of a webhook is not signed, and this server wants it signed."""

    def __init__(self) -> None:
        super().__init__(
            "this delivery has no X-Hub-Signature-256: set the webhook's secret on GitHub to the"
            " one of this server (LARDER_INSTALL__WEBHOOK_SECRET)"
        )


class SignatureWrong(ApiError):
    """The delivery of a webhook is signed with another secret."""

    def __init__(self) -> None:
        super().__init__(
            "X-Hub-Signature-256 does not match this delivery: the webhook's secret on GitHub is"
            " not the one of this server (LARDER_INSTALL__WEBHOOK_SECRET)"
        )


NAMES = {
    "github": "the app",
    "gist": "the gist",
    "cran": "the CRAN package",
    "bioc": "the Bioconductor package",
}
"""What messages call a thing that can be installed, by its source."""


def _hint(source: str, name: str) -> str:
    """Returns what an operator can do about it, if it is a name that can be allowed."""
    if pattern_problem(f"{source}::{name}") is not None:
        return ""
    return f'; its operator can allow it in larder.yaml: install: {{allow: ["{source}::{name}"]}}'
