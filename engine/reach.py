"""What a call can reach on disk: R and what it needs, the project, and what the call names."""

from __future__ import annotations

import glob
import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

DEVICES = ("/dev/null", "/dev/zero", "/dev/full")
SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"),
    *("/var/lib/R", "/var/lib/texmf", "/var/lib/ghostscript", "/var/cache/fontconfig"),
    "/var/lib/dpkg",  # Debian's jquerylib, which each page of rmarkdown needs, asks dpkg
    *("/dev/urandom", "/dev/random", "/sys/devices/system/cpu"),
)
"""Programs, libraries and fonts. Nothing of it is private."""
PROC = ("cpuinfo", "meminfo", "stat", "loadavg", "uptime", "version", "filesystems", "sys/kernel")
"""Of /proc, beside the process's own folder: what the machine is, not who runs on it."""
ETC = (
    *("R", "fonts", "alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime"),
    *("timezone", "locale.alias", "os-release", "debian_version", "lsb-release", "papersize"),
    *("passwd", "group", "nsswitch.conf", "hosts", "host.conf", "resolv.conf", "gai.conf"),
    *("services", "protocols", "mime.types", "ca-certificates", "crypto-policies"),
    *("ssl/certs", "ssl/openssl.cnf", "pki/ca-trust", "pki/tls/certs", "pki/tls/cert.pem"),
    *("texmf", "java*", "ImageMagick*", "odbcinst.ini", "dpkg"),
)
"""Of /etc: what programs read at their start. No passwords, no keys."""
PROGRAMS = ("Rscript", "pandoc", "pdflatex", "quarto")
"""Found on PATH; those that lie elsewhere than the system's own can be run too."""

TEXT_FILES = frozenset({"code_file", "data_file", "text_file"})
_SESSION_KEY = re.compile(rb"x0[0-9a-f]{13,64}")


@dataclass(frozen=True)
class Reach:
    """Paths below which a call may read, and folders in which it may do what it likes."""

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()


def of_system(r_places: Iterable[str]) -> tuple[str, ...]:
    """Returns what every call may read of the system, R and its libraries among it."""
    etc = (found for name in ETC for found in sorted(glob.glob(f"/etc/{name}")))  # noqa: PTH207
    proc = (f"/proc/{name}" for name in PROC)
    every = (*SYSTEM, *etc, *proc, *_programs(), *r_places)
    return tuple(dict.fromkeys(path for path in every if os.path.lexists(path)))


def r_places(home: str, libraries: Iterable[str], temporary: str) -> list[str]:
    """Returns where R lies; an R that is not the system's has its shared libraries beside it."""
    places = [home, *libraries, temporary]
    prefix = Path(home).parents[1]
    if prefix != Path("/usr") and (prefix / "bin" / "R").exists():
        places += [str(prefix / name) for name in ("bin", "lib", "lib64", "libexec", "share")]
    return places


def of_project(folder: str | None, state: str, more: Iterable[str]) -> tuple[str, ...]:
    """Returns what the project lets R read; `more` are paths of the operator's."""
    kept = [f"{state}/package", f"{state}/apps/releases"]
    if folder is not None:
        kept += [f"{folder}/models", f"{folder}/data"]
    return (*kept, *(str(Path(folder or "/", Path(path).expanduser())) for path in more))


def of_call(header: dict[str, Any], sessions_root: str) -> Reach:
    """Returns what a call may touch beside that.

    It writes its own folder. It reads the sessions whose keys stand anywhere in the request, the
    library it asks for and the files beside a script. In a batch, also what the others may.
    """
    request, folder = header["request"], header["folder"]
    others = header.get("beside") or {}
    keys = named_sessions(request, Path(folder)) | set(others.get("keys", ()))
    read = [f"{sessions_root}/{key}" for key in sorted(keys)]
    if request.get("library"):
        read.append(request["library"])
    if request.get("script"):
        read.append(str(Path(request["script"]).parent))
    return Reach(tuple(read), (folder, *others.get("folders", ())))


def beside(cells: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """Returns what each cell of a batch has to know of the others: one child runs them all."""
    listed = list(cells)
    keys = {key for cell in listed for key in session_keys(cell["request"])}
    return {"folders": [cell["folder"] for cell in listed], "keys": sorted(keys)}


def named_sessions(request: dict[str, Any], folder: Path) -> set[str]:
    """Returns the keys of the sessions that a request names, and may.

    Its own folder is none of them, nor is what is hidden from it.
    """
    hidden = set(request.get("hidden", ()))
    keys = session_keys({**request, "folder": "", "hidden": ()}) | _keys_in_files(request, folder)
    return keys - {folder.name} - hidden


def session_keys(request: dict[str, Any]) -> set[str]:
    """Returns everything in a request that has the form of a session key."""
    return {key.decode() for key in _SESSION_KEY.findall(orjson.dumps(request))}


def _keys_in_files(request: dict[str, Any], folder: Path) -> set[str]:
    """Long texts of a request lie in files."""
    given = [*(request.get("arguments") or ()), request.get("body") or {}]
    files = [folder / ".inputs" / item["value"] for item in given if item.get("kind") in TEXT_FILES]
    return {key.decode() for file in files for key in _SESSION_KEY.findall(file.read_bytes())}


def _programs() -> list[str]:
    """The folders of programs that are not the system's; all of one below /opt, all of TinyTeX."""
    places = []
    for name in PROGRAMS:
        found = shutil.which(name)
        if found is None:
            continue
        path = Path(found).resolve()
        home = next((folder for folder in path.parents if folder.parent == Path("/opt")), None)
        tex = next((folder for folder in path.parents if folder.name == ".TinyTeX"), None)
        places += [str(Path(found).parent), str(path.parent)]
        places += [str(folder) for folder in (home, tex) if folder is not None]
    return places
