"""Settings of installing: what may come, from where, and how long it may take."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from engine.install_policy import InstallPolicy, pattern_problem
from engine.install_request import SOURCES, valid_address
from jobs.duration import format_duration
from jobs.entry import Entry, PositiveDuration, own_error, text_as, text_schema
from jobs.errors import ValueInvalid
from jobs.nearest import nearest
from larder.setting import setting, time_setting

_EXAMPLE = "for example: github::owner/repository, github::owner/*, cran::dplyr, cran::*"
_ADDRESS = "an http or https address, or a folder of this machine: /srv/git"


def _allowed(pattern: str) -> str:
    if (reason := pattern_problem(pattern)) is None:
        return pattern
    if "::" not in pattern:
        reason = f"'{pattern}' does not say where it comes from"
    meant = _meant(pattern)
    raise own_error(ValueInvalid(reason, f"write {meant}" if meant else _EXAMPLE))


def _meant(pattern: str) -> str:
    """The pattern that was probably meant, or an empty text."""
    source, found, name = pattern.partition(":")
    name = name.strip(":/")
    if source in ("http", "https"):
        source, name = "github", "/".join(name.split("/")[1:3])
    elif not found:
        source, name = "github" if "/" in source else "cran", source
    source = nearest(source, SOURCES)
    if source in ("github", "gist") and "/" not in name:
        name = f"{name}/*"
    guess = f"{source}::{name or '*'}"
    return guess if name != "*" and pattern_problem(guess) is None else ""


def _address(text: str) -> str:
    # The text may hold a password, so no message repeats it.
    if not valid_address(text):
        raise ValueInvalid("this is no address", _ADDRESS)
    return text.rstrip("/")


def has_credentials(address: str) -> bool:
    """Whether the address holds a user's name, a password or a token."""
    try:
        return "@" in urlsplit(address).netloc
    except ValueError:
        return False


Address = Annotated[
    str,
    text_as(_address),
    text_schema("https://git.example.org", "/srv/git", format="uri-reference"),
]


class InstallSettings(Entry):
    """What may be installed, and from where."""

    allow: list[Annotated[str, AfterValidator(_allowed)]] = setting(
        "allow", [], "What may be installed: source::name, or source::owner/*; nothing by default."
    )
    github_url: Address = setting(
        "github_url",
        InstallPolicy.github_url,
        "Where github:: repositories are fetched from.",
        private=True,
    )
    gist_url: Address = setting(
        "gist_url", InstallPolicy.gist_url, "Where gist:: files are fetched from.", private=True
    )
    github_api_url: Address = setting(
        "github_api_url",
        InstallPolicy.github_api_url,
        "Where lists of a user's gists come from.",
        private=True,
    )
    cran_url: Address | None = setting(
        "cran_url", None, "Where cran:: packages come from.", shown="what R is set to", private=True
    )
    bioc_url: Address | None = setting(
        "bioc_url", None, "Where bioc:: packages come from.", shown="what R knows", private=True
    )
    timeout_s: PositiveDuration = time_setting(
        "timeout", format_duration(InstallPolicy.timeout_s), "Longest time of one installation."
    )
    refresh_s: PositiveDuration = time_setting(
        "refresh",
        format_duration(InstallPolicy.refresh_s),
        "Age at which what was installed on demand is looked up again, behind the answer.",
    )
    webhook_secret: str | None = setting(
        "webhook_secret",
        None,
        "What signs the calls of /ocpu/webhook; only as a variable.",
        shown="none",
        secret=True,
    )
