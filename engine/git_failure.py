"""What went wrong with a repository, in words that tell what to do; from what `git` wrote."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

from engine.errors import InstallFailed, OriginNotFound
from engine.install_request import InstallRequest

_ABSENT = re.compile(
    r"could not read (Username|Password)|terminal prompts disabled|Authentication failed|not found"
    r"|does not exist|does not appear to be a git repository|returned error: 40[134]",
    re.IGNORECASE,
)
_UNREACHABLE = re.compile(
    r"Could not resolve|Failed to connect|unable to (access|connect)|timed out|Connection re"
    r"|Could not read from remote|early EOF|hung up",
    re.IGNORECASE,
)
_TOO_LARGE = re.compile(r"signal 25|File too large|invalid index-pack output", re.IGNORECASE)
_CUT_OFF = re.compile(r"early EOF|hung up|RPC failed", re.IGNORECASE)


def is_absent(output: str) -> bool:
    """Whether there is no such repository for us: private ones look the same."""
    return _ABSENT.search(output) is not None


def is_too_large(output: str) -> bool:
    """Whether git met the limit of the size of a file: the kernel ends the part that writes."""
    return _TOO_LARGE.search(output) is not None and _CUT_OFF.search(output) is None


def base_address(request: InstallRequest) -> str:
    """Returns the address below which the request's repositories lie, as a URL."""
    base = request.github_url if request.source == "github" else request.gist_url
    return f"file://{base}".rstrip("/") if base.startswith("/") else base.rstrip("/")


def without_credentials(address: str) -> str:
    """Returns a URL without the name and password that may stand in it."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def git_failure(request: InstallRequest, output: str) -> InstallFailed:
    """Returns the error that the output of git tells of."""
    name, where = request.name, _where(request)
    if is_too_large(output):
        return too_large(request)
    if is_absent(output):
        return OriginNotFound(f"there is no repository {name}{where}, or it is private")
    if _UNREACHABLE.search(output):
        return InstallFailed(
            f"the repository {name} cannot be reached{where}: is the address right, and does this "
            "server reach it?"
        )
    lines = [line for line in output.splitlines() if line.strip()]
    said = f": {lines[-1]}" if lines else ""
    return InstallFailed(f"git could not fetch {name}{where}{said}")


def no_such_ref(request: InstallRequest) -> OriginNotFound:
    """Returns the error for an unknown branch, tag or commit."""
    return OriginNotFound(f"{request.name} has no branch, tag or commit '{request.ref}'")


def too_large(request: InstallRequest) -> InstallFailed:
    """Returns the error for a repository beyond the limit."""
    mebibytes = request.download_bytes / 2**20
    return InstallFailed(f"{request.name} is larger than {mebibytes:g} MiB, the limit")


def no_git(request: InstallRequest) -> InstallFailed:
    """Returns the error for a server without git."""
    return InstallFailed(
        f"installing from {request.source} needs the program `git`, which this server does not "
        "have: install it (`apt install git`)"
    )


def _where(request: InstallRequest) -> str:
    """The address for a message; a folder of this server is nobody's business."""
    base = base_address(request)
    return "" if base.startswith("file:") else f" at {without_credentials(base)}"
