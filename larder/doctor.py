"""Doctor: whether this machine has what Larder needs, and what it is."""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from larder.walls import look_at_host

State = Literal["ok", "missing", "weak"]

R_PACKAGES = (
    "jsonlite",
    "svglite",
    "haven",
    "pander",
    "RProtoBuf",
    "knitr",
    "rmarkdown",
    "mime",
)
PYTHON_PACKAGES = (
    "rpy2",
    "apscheduler",
    "fastapi",
    "uvicorn",
    "sqlalchemy",
    "diskcache",
    "pyarrow",
)
_KERNEL = (5, 13)  # Landlock; pidfds came earlier
_R_VERSION = re.compile(r"R version (\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True)
class Finding:
    """One fact: `weak` is what works less well, `missing` what keeps Larder from working."""

    name: str
    value: str
    state: State = "ok"
    hint: str = ""


def examine() -> Iterator[Finding]:
    """The facts of this machine, in the order to read them."""
    yield from _python()
    yield from _r()
    yield _git()
    yield from _kernel()
    yield from _walls()


def _python() -> Iterator[Finding]:
    yield Finding("Python", f"{platform.python_version()} ({sys.executable})")
    for name in PYTHON_PACKAGES:
        try:
            yield Finding(name, metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Finding(name, "not installed", "missing", "run script/setup")


def _r() -> Iterator[Finding]:
    program = shutil.which("Rscript")
    if program is None:
        yield Finding("R", "not found on PATH", "missing", "run script/setup")
        return
    code = (
        "cat(R.version.string, '\\n'); p <- installed.packages()[, 'Version'];"
        f"for (n in {_r_names(R_PACKAGES)}) cat(n, if (n %in% names(p)) p[[n]] else '-', '\\n')"
    )
    asked = subprocess.run(
        [program, "--vanilla", "-e", code], capture_output=True, text=True, check=False
    )
    version, *packages = asked.stdout.splitlines() or [asked.stderr.strip()]
    found = _R_VERSION.match(version)
    old = found is None or (int(found[1]), int(found[2])) < (4, 2)
    hint = "Larder needs R 4.2 or newer" if old else ""
    yield Finding("R", f"{version.strip()} ({program})", "missing" if old else "ok", hint)
    yield _embedding()
    for line in packages:
        name, _, number = line.strip().partition(" ")
        if number == "-":
            yield Finding(f"R: {name}", "not installed", "missing", "run script/setup")
        else:
            yield Finding(f"R: {name}", number)


def _embedding() -> Finding:
    """Whether rpy2 can open R: in another process, for this one is to stay without it."""
    tried = subprocess.run(
        [sys.executable, "-c", "import rpy2.rinterface"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "RPY2_CFFI_MODE": "API"},
    )
    if tried.returncode == 0:
        return Finding("rpy2 opens R", "yes")
    last = (tried.stderr.strip().splitlines() or ["it said nothing"])[-1]
    return Finding("rpy2 opens R", f"no: {last}", "missing", "run script/setup")


def _git() -> Finding:
    program = shutil.which("git")
    if program is None:
        hint = "larder install needs it for github:: and gist::"
        return Finding("git", "not found on PATH", "weak", hint)
    asked = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    version = asked.stdout.strip().removeprefix("git version ")
    return Finding("git", f"{version} ({program})")


def _kernel() -> Iterator[Finding]:
    release = platform.release()
    numbers = tuple(int(part) for part in re.findall(r"\d+", release)[:2])
    old = numbers < _KERNEL
    hint = "5.13 or newer can wall off R's files" if old else ""
    yield Finding("kernel", release, "weak" if old else "ok", hint)
    pages = re.search(r"\[(\w+)\]", _text("/sys/kernel/mm/transparent_hugepage/enabled"))
    never = pages is None or pages[1] == "never"
    yield Finding(
        "huge pages",
        pages[1] if pages else "unknown",
        "weak" if never else "ok",
        "calls start faster with madvise or always" if never else "",
    )
    yield Finding("C library", " ".join(platform.libc_ver()))
    yield Finding("cores", str(len(os.sched_getaffinity(0))))
    size_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    yield Finding("memory", f"{size_gib:.1f} GB")
    if os.geteuid() == 0:
        yield Finding("user", "root", "weak", "run Larder as a user of its own")
    else:
        yield Finding("user", str(os.geteuid()))


def _walls() -> Iterator[Finding]:
    """What R code is confined by."""
    for wall in look_at_host().walls:
        state: State = "ok" if wall.made_of else "weak"
        hint = "" if wall.made_of else wall.lack
        yield Finding(f"walls: {wall.name}", wall.made_of or "none", state, hint)


def _r_names(names: Sequence[str]) -> str:
    return f"c({', '.join(repr(name) for name in names)})"


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
