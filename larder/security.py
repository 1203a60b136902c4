"""Security of one installation: what docs/security.md asks for, looked at one by one."""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from cache.clock import utcnow
from jobs.access_key import AccessKey
from jobs.project import SETTINGS_FILE
from jobs.role import Role
from larder.doctor import Finding, State
from larder.environment import PREFIX, Environment
from larder.errors import SettingsInvalid
from larder.settings import Settings, load_settings
from larder.state import SERVER_LOCK, Lock
from larder.version import version
from larder.walls import missing_walls
from larder.wiring import has_catalog, open_catalog

UNUSED = timedelta(days=90)
_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def examine_security(folder: Path) -> Iterator[Finding]:
    """What is as it should be, `weak` or, as `missing`, open to anybody; in the order to read it.

    Looks at the server that runs on the project, if one does, else at how one would be started.

    Raises:
        SettingsInvalid: larder.yaml or the environment hold mistakes.
        CatalogError: The catalog, where the keys are, cannot be read.
    """
    settings, server = _running(folder)
    yield Finding("Larder", version())
    yield Finding("server", server)
    keys = _keys(settings)
    yield from _address(settings, has_key=any(keys))
    yield from _of_keys(settings, keys, utcnow())
    yield from _ways_in(settings)
    yield from _r(settings, has_key=any(keys))
    yield from _installing(settings)
    yield from _files(settings)


def _running(folder: Path) -> tuple[Settings, str]:
    """The settings that count, and whose they are."""
    settings = load_settings(folder)
    lock = Lock(settings.state_folder, SERVER_LOCK)
    pid = lock.holder() if lock.is_held() else None
    if pid is None:
        return settings, "none runs; this is how one would start"
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")
        lines = Path(f"/proc/{pid}/environ").read_text(encoding="utf-8").split("\0")
    except OSError:
        return settings, f"process {pid}, of another user: its options are not known"
    pairs = dict(line.split("=", 1) for line in lines if line.startswith(PREFIX) and "=" in line)
    options = {"insecure": True if "--insecure" in words else None, "host": _option(words, "host")}
    try:
        settings = load_settings(folder, environment=Environment(pairs), overrides=options)
    except SettingsInvalid:
        return settings, f"process {pid}, with other settings than those of now"
    return settings, f"process {pid}"


def _option(words: Sequence[str], name: str) -> str | None:
    for place, word in enumerate(words):
        if word == f"--{name}" and place + 1 < len(words):
            return words[place + 1]
        if word.startswith(f"--{name}="):
            return word.partition("=")[2]
    return None


def _keys(settings: Settings) -> list[AccessKey]:
    if not has_catalog(settings):
        return []
    with closing(open_catalog(settings)) as catalog:
        return catalog.access_keys()


def _address(settings: Settings, *, has_key: bool) -> Iterator[Finding]:
    if settings.is_loopback:
        yield Finding("address", f"{settings.host}: this machine alone")
    elif (settings.url or "").startswith("https://"):
        yield Finding("address", f"{settings.host}: other machines, by {settings.url}")
    else:
        hint = "put a proxy with TLS in front, and set url to its https address"
        yield Finding("address", f"{settings.host}: other machines, unencrypted", "weak", hint)
    if settings.is_exposed and not has_key:
        yield Finding("insecure", "everybody on the network may run R", "missing", "make a key")
    elif settings.insecure:
        yield Finding("insecure", "on", "weak", "take it out: it lets the server start open")
    else:
        yield Finding("insecure", "off")


def _of_keys(settings: Settings, keys: list[AccessKey], now: datetime) -> Iterator[Finding]:
    valid = [key for key in keys if key.is_valid(now)]
    if not keys and settings.access.keys == "auto" and settings.is_loopback:
        hint = "larder keys add NAME --role admin"
        told = "none: whoever is on this machine, and any web page, may run R"
        yield Finding("keys", told, "weak", hint)
    elif not valid:
        hint = "larder keys add NAME --role admin"
        yield Finding("keys", "no valid one: nobody gets in", "weak", hint)
    else:
        yield Finding("keys", f"{len(valid)} valid")
    of_note = {
        "keys: without an end": [key for key in valid if key.expires_at is None],
        "keys: admin for web pages": [
            key for key in valid if key.role is Role.ADMIN and key.origins
        ],
        "keys: unused for 90 days": [
            key for key in valid if (key.last_used_at or key.created_at) < now - UNUSED
        ],
    }
    hints = (
        "larder keys rotate NAME --expires 90d",
        "a page's key is read by whoever opens it: make a lesser one",
        "larder keys revoke NAME",
    )
    for (name, found), hint in zip(of_note.items(), hints, strict=True):
        names = ", ".join(dict.fromkeys(f"{key.name} #{key.id}" for key in found))
        yield Finding(name, names or "none", "weak" if found else "ok", hint if found else "")


def _ways_in(settings: Settings) -> Iterator[Finding]:
    access = settings.access
    if access.key_in_query:
        hint = "addresses stand in logs and histories: send keys in a header"
        yield Finding("access.key_in_query", "on", "weak", hint)
    if "*" in access.origins:
        yield Finding("access.origins", "every web page", "weak", "name those that are meant")
    else:
        yield Finding("access.origins", ", ".join(access.origins) or "none but the server's own")
    if not access.hosts and not settings.is_loopback:
        hint = "name those that the server is called by"
        yield Finding("access.hosts", "any name", "weak", hint)
    wide = [one for one in access.proxies if one.endswith("/0")]
    hint = "whoever asks may then say to be anybody" if wide else ""
    shown = ", ".join(access.proxies) or "none"
    yield Finding("access.proxies", shown, "missing" if wide else "ok", hint)


def _r(settings: Settings, *, has_key: bool) -> Iterator[Finding]:
    if not settings.ocpu.code:
        yield Finding("R code in arguments", "off")
    elif has_key or settings.access.keys == "always" or not settings.is_loopback:
        yield Finding("R code in arguments", "of analysts, operators and admins")
    else:
        hint = "make keys, or set ocpu.code: false"
        yield Finding("R code in arguments", "of everybody", "weak", hint)
    missing = missing_walls(settings)
    if settings.engine.walls == "off":
        yield Finding("walls", "off", "missing", "take engine.walls: off out")
    else:
        hint = "see larder doctor" if missing else ""
        yield Finding("walls", "; ".join(missing) or "all", "weak" if missing else "ok", hint)
    if settings.engine.network:
        hint = "give it to the jobs that need it: network: true"
        yield Finding("network of R", "every call's", "weak", hint)


def _installing(settings: Settings) -> Iterator[Finding]:
    allowed = settings.install.allow
    if not allowed:
        yield Finding("install.allow", "nothing")
        return
    wide = [one for one in allowed if one.endswith(("::*", "::*/*"))]
    hint = "packages run code while they are built, without walls: name them" if wide else ""
    yield Finding("install.allow", ", ".join(allowed), "weak" if wide else "ok", hint)
    if settings.install.webhook_secret is None:
        hint = "set LARDER_INSTALL__WEBHOOK_SECRET"
        yield Finding("webhook", "unsigned pushes are believed, and looked up", "weak", hint)


def _files(settings: Settings) -> Iterator[Finding]:
    state = settings.state_folder
    if state.exists():
        mode = stat.S_IMODE(state.stat().st_mode)
        bad = mode & 0o077
        hint = f"chmod 700 {state.name}: it holds sessions and results" if bad else ""
        yield Finding("state folder", f"{mode:o}", "missing" if bad else "ok", hint)
    names = [SETTINGS_FILE, "jobs", "models", "data", "."]
    files = [settings.folder / name for name in names]
    everybody = any(_mode(file) & stat.S_IWOTH for file in files)
    found = [name for name, file in zip(names, files, strict=True) if _mode(file) & _OTHERS]
    told = f"{', '.join(found)} can be written by others" if found else "only the owner writes them"
    hint = "whoever can write models/ runs R without walls: chmod go-w" if found else ""
    state_of: State = "missing" if everybody else "weak"
    yield Finding("project's files", told, state_of if found else "ok", hint)
    if os.geteuid() == 0:
        yield Finding("user", "root", "weak", "run Larder as a user of its own")


def _mode(path: Path) -> int:
    return path.stat().st_mode if path.exists() else 0
