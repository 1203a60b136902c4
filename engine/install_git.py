"""Fetches one commit of a git repository with the `git` command.

Nothing of the repository runs: no hooks, no submodules, no filters of its own. Nobody is asked for
a password: what needs one counts as not there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from engine.errors import InstallFailed
from engine.git_failure import (
    base_address,
    git_failure,
    is_absent,
    is_too_large,
    no_git,
    no_such_ref,
    too_large,
    without_credentials,
)
from engine.install_request import InstallRequest
from engine.workshop import Outcome, Workshop

WANTED = "refs/larder/wanted"
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHORT_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_SETTINGS = (
    *("-c", "core.hooksPath=/dev/null", "-c", "credential.helper=", "-c", "core.askPass="),
    *("-c", "fetch.unpackLimit=1", "-c", "gc.auto=0", "-c", "advice.detachedHead=false"),
    *("-c", "init.defaultBranch=main"),
)


@dataclass(frozen=True)
class Found:
    """A commit, the address it can be fetched from, and what to ask for there.

    `commit` is None while only its shortened name is known.
    """

    commit: str | None
    address: str
    wanted: str

    @property
    def origin(self) -> str:
        """The address without name and password."""
        return without_credentials(self.address)


class Git:
    """Looks up and fetches the repository of one request."""

    def __init__(self, request: InstallRequest, workshop: Workshop) -> None:
        self._request = request
        self._workshop = workshop

    def look_up(self) -> Found:
        """Returns the commit that the ref names now, without fetching it.

        Raises:
            OriginNotFound: no such repository, or it has no such branch, tag or commit.
            InstallFailed: it cannot be reached, or there is no `git`.
        """
        outcome = Outcome(1, "")
        for address in self._addresses():
            outcome = self._git("ls-remote", address, *self._patterns(), ask=True)
            if outcome.ok:
                return self._choose(address, _references(outcome.answer))
            if not is_absent(outcome.output):
                break
        raise git_failure(self._request, outcome.output)

    def fetch(self, found: Found) -> str:
        """Checks the commit out into the workshop's `source`; returns its full name.

        Raises:
            OriginNotFound: there is no such commit.
            InstallFailed: it is too large, or could not be fetched.
        """
        self._must(self._git("init", "--quiet", str(self._workshop.source)))
        wanted = f"+{found.wanted}:{WANTED}"
        outcome = self._inside("fetch", "--depth", "1", "--no-tags", found.address, wanted)
        if not outcome.ok and not is_too_large(outcome.output):
            self._fetch_all(found)
        else:
            self._must(outcome)
        commit = self._must(self._inside("rev-parse", f"{WANTED}^{{commit}}", ask=True)).strip()
        self._check_size(commit)
        # A link in a gist could show any file of the server to whoever asks for it.
        links = "false" if self._request.source == "gist" else "true"
        checkout = ("-c", f"core.symlinks={links}", "checkout", "--quiet", "--detach", commit)
        self._must(self._inside(*checkout))
        return commit

    def _fetch_all(self, found: Found) -> None:
        """Fetches everything: not every server gives one commit, none gives a shortened one."""
        branches, tags = "+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"
        self._must(self._inside("fetch", "--no-tags", found.address, branches, tags))
        name = found.commit or found.wanted
        if not self._inside("update-ref", WANTED, f"{name}^{{commit}}").ok:
            raise no_such_ref(self._request)

    def _check_size(self, commit: str) -> None:
        """Refuses a tree that is small when packed and huge on disk."""
        listing = self._must(self._inside("ls-tree", "-r", "-l", "-z", commit, ask=True))
        sizes = (entry.partition("\t")[0].split()[-1] for entry in listing.split("\0") if entry)
        if sum(int(size) for size in sizes if size.isdecimal()) > self._request.download_bytes:
            raise too_large(self._request)

    def _addresses(self) -> list[str]:
        names = [self._request.name.removesuffix(".git")]
        if self._request.source == "gist":
            names.append(names[0].partition("/")[2])
        base = base_address(self._request)
        return [f"{base}/{name}{suffix}" for name in names for suffix in (".git", "")]

    def _patterns(self) -> list[str]:
        ref = self._request.ref
        if ref is None or _COMMIT.fullmatch(ref):
            return ["HEAD"]
        return [f"refs/heads/{ref}", f"refs/tags/{ref}", f"refs/tags/{ref}^{{}}"]

    def _choose(self, address: str, references: dict[str, str]) -> Found:
        ref = self._request.ref
        if ref is None:
            if "HEAD" not in references:
                raise InstallFailed(f"the repository {self._request.name} is empty")
            return Found(references["HEAD"], address, "HEAD")
        if _COMMIT.fullmatch(ref):
            return Found(ref, address, ref)
        if f"refs/heads/{ref}" in references:
            return Found(references[f"refs/heads/{ref}"], address, f"refs/heads/{ref}")
        tag = f"refs/tags/{ref}"
        if tag in references:
            return Found(references.get(f"{tag}^{{}}", references[tag]), address, tag)
        if _SHORT_COMMIT.fullmatch(ref):
            return Found(None, address, ref)
        raise no_such_ref(self._request)

    def _git(self, *arguments: str, cwd: Path | None = None, ask: bool = False) -> Outcome:
        is_local = base_address(self._request).startswith("file:")
        home = Path(self._workshop.environment()["HOME"])
        # Whoever set a folder as address trusts it, whoever owns it.
        (home / ".gitconfig").write_text("[safe]\n\tdirectory = *\n")
        extra = {
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "/bin/false",
            "GIT_ALLOW_PROTOCOL": "http:https:file" if is_local else "http:https",
            "GIT_LFS_SKIP_SMUDGE": "1",
        }
        try:
            return self._workshop.run(
                *("git", *_SETTINGS, *arguments),
                cwd=cwd,
                extra=extra,
                file_bytes=min(self._request.download_bytes, self._request.file_bytes),
                ask=ask,
            )
        except FileNotFoundError:
            raise no_git(self._request) from None

    def _inside(self, *arguments: str, ask: bool = False) -> Outcome:
        return self._git(*arguments, cwd=self._workshop.source, ask=ask)

    def _must(self, outcome: Outcome) -> str:
        if not outcome.ok:
            raise git_failure(self._request, outcome.output)
        return outcome.answer


def _references(answer: str) -> dict[str, str]:
    """Returns the names that `git ls-remote` listed, and their commits."""
    pairs = (line.split("\t") for line in answer.splitlines() if "\t" in line)
    return {name: commit for commit, name in pairs}
