"""Installing: what an operator names, whether it is allowed, and what came of it."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from engine.errors import InstallFailed
from engine.install_policy import InstallPolicy
from engine.install_request import InstallRequest, Source
from engine.installed import Installed
from engine.pool import Pool
from engine.shelf import Shelf
from jobs.nearest import nearest
from jobs.shown import as_yaml
from larder.errors import InstallNotAllowed, Misused, NotInstalled

_FOLDERS = {"github": "apps"}
"""Where a source is served below /ocpu, if it is not under its own name."""


@dataclass(frozen=True)
class Named:
    """Something to install, or installed."""

    source: Source
    name: str

    def __str__(self) -> str:
        return f"{self.source}::{self.name}"

    @property
    def url_path(self) -> str:
        """Where it is served."""
        return f"/ocpu/{_FOLDERS.get(self.source, self.source)}/{self.name}/"


@dataclass(frozen=True)
class Outcome:
    """What came of one installation: what is there now, or why it failed.

    Attributes:
        named: What was asked for.
        before: What was there before.
        installed: What is there now; None if it failed.
        error: Why it failed.
        took_s: Seconds that it took.
    """

    named: Named
    before: Installed | None
    installed: Installed | None = None
    error: InstallFailed | None = None
    took_s: float = 0.0

    @property
    def status(self) -> str:
        """What happened, in a word."""
        if self.installed is None:
            return "failed"
        if self.before is None:
            return "installed"
        return "unchanged" if self.before.folder == self.installed.folder else "updated"


def named(text: str) -> Named:
    """What a word of the command line names.

    Raises:
        Misused: It names nothing.
    """
    source, found, name = text.partition("::")
    if not found:
        source, name = "github", text
    if "/" not in text and not found:
        raise Misused(f"'{text}' does not say from where: cran::{text}, bioc::{text} or OWNER/REPO")
    for known in get_args(Source):
        if source == known:
            return Named(known, name)
    guess = nearest(source, get_args(Source))
    hint = f"did you mean {guess}::{name}?" if guess else f"there are {', '.join(get_args(Source))}"
    raise Misused(f"'{source}' is no source: {hint}")


def called(installed: Installed) -> Named:
    """The name of what is installed."""
    return Named(installed.source, installed.name)


def check_allowed(wanted: Iterable[Named], policy: InstallPolicy) -> None:
    """Does nothing if all of these may be installed.

    Raises:
        InstallNotAllowed: Some may not.
    """
    refused = [str(one) for one in wanted if not policy.allows(one.source, one.name)]
    if refused:
        raise InstallNotAllowed(refused, f"allow: {as_yaml([*policy.allow, *refused])}")


def find(shelf: Shelf, wanted: Named) -> Installed:
    """What is installed under this name.

    Raises:
        NotInstalled: Nothing is.
    """
    found = shelf.find(wanted.source, wanted.name)
    if found is None:
        there = [str(called(one)) for one in shelf.all()]
        raise NotInstalled(str(wanted), nearest(str(wanted), there))
    return found


def install_each(
    pool: Pool,
    shelf: Shelf,
    requests: Sequence[InstallRequest],
    begin: Callable[[Named], None],
) -> Iterator[Outcome]:
    """Installs one after the other, whatever becomes of those before.

    Args:
        pool: The engine that installs.
        shelf: Where it is put.
        requests: What to install.
        begin: Called before each.

    Raises:
        EngineUnavailable, InstallBusy: The engine cannot, or will not, install anything now.
    """
    for request in requests:
        one = Named(request.source, request.name)
        begin(one)
        before, began = shelf.find(request.source, request.name), time.monotonic()
        outcome = Outcome(one, before)
        try:
            outcome = replace(outcome, installed=pool.install(request))
        except InstallFailed as error:
            outcome = replace(outcome, error=error)
        yield replace(outcome, took_s=time.monotonic() - began)
