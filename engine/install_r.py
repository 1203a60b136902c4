"""Has R install a package and what it needs: the Python side of r_install/install.R."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import InstallFailed, OriginNotFound
from engine.git_failure import without_credentials
from engine.install_request import InstallRequest
from engine.plain_words import last_lines, without_paths
from engine.workshop import Outcome, Workshop

SCRIPT = Path(__file__).parent / "r_install" / "install.R"


@dataclass
class Built:
    """What R did: `unchanged` says that the current version is the one already there."""

    unchanged: bool = False
    package: str | None = None
    origin: str | None = None
    archive: Path | None = None
    packages: dict[str, str] = field(default_factory=dict)


def install_package(
    request: InstallRequest,
    workshop: Workshop,
    *,
    libraries: Sequence[str],
    checkout: Path | None = None,
    current: str | None = None,
) -> Built:
    """Installs into the workshop's library the checked-out source, or the package of that name.

    `libraries` are R's own, where what the package needs may be already; `current` is the version
    on the shelf, which is not installed again.

    Raises:
        OriginNotFound: the repository has no such package.
        InstallFailed: it cannot be installed; the message says why.
    """
    answer = workshop.work / "answer"
    answer.unlink(missing_ok=True)
    facts = {
        "SOURCE": request.source,
        "NAME": request.name,
        "CRAN": request.cran_url or "",
        "BIOC": request.bioc_url or "",
        "LIBRARY": str(workshop.library),
        "WORK": str(workshop.build),
        "ANSWER": str(answer),
        "CHECKOUT": "" if checkout is None else str(checkout),
        "CURRENT": current or "",
    }
    extra = {f"LARDER_{name}": value for name, value in facts.items()}
    extra["R_LIBS"] = ":".join([str(workshop.library), *libraries])
    try:
        outcome = workshop.run(
            *("Rscript", "--no-init-file", "--no-save", "--no-restore", str(SCRIPT)), extra=extra
        )
    except FileNotFoundError:
        raise InstallFailed("this server has no `Rscript`: install R") from None
    lines = answer.read_text().splitlines() if answer.exists() else []
    return _read(request, [line.split("\t") for line in lines], outcome)


def r_version(workshop: Workshop) -> str:
    """Returns the first line of what R says of itself: packages fit one version of it.

    Raises:
        InstallFailed: there is no R.
    """
    try:
        return workshop.run("R", "--version", ask=True).answer.partition("\n")[0]
    except FileNotFoundError:
        raise InstallFailed("this server has no `R`: install it") from None


def _read(request: InstallRequest, said: list[list[str]], outcome: Outcome) -> Built:
    built = Built()
    for words in said:
        match words:
            case ["failed", kind, message]:
                raise _failure(request, kind, without_paths(message), outcome)
            case ["unchanged"]:
                built.unchanged = True
            case ["package", name]:
                built.package = name
            case ["origin", address]:
                built.origin = without_credentials(address)
            case ["archive", path]:
                built.archive = Path(path)
            case ["has", name, version]:
                built.packages[name] = version
    if not outcome.ok or not (built.unchanged or built.package):
        raise _failure(request, "build", "R ended in the middle of it", outcome)
    return built


def _failure(request: InstallRequest, kind: str, message: str, outcome: Outcome) -> InstallFailed:
    if kind == "not_found":
        return OriginNotFound(message)
    if kind == "build":
        message = f"{message}. R's last words:\n{last_lines(outcome.output)}"
    return InstallFailed(f"{request.name} cannot be installed: {message}")
