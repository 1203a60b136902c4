"""What a forking parent loads before it forks: R and its tools, then a project or a package."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from engine.failure import as_list
from engine.launch import SUPPORT_FOLDER
from engine.worker import R


def start_base(config: dict[str, Any], work: Path) -> tuple[R, dict[str, Any]]:
    """Returns R, prepared and warm, and what the broker should know of it."""
    r = R(Path(config["state"]) / SUPPORT_FOLDER)
    for name in ("sessions_root", "json_digits", "ocpu_version", "project"):
        r.set(name, config[name])
    system_libraries = r.call("add_libraries", config["libraries"])
    r.call("prepare", config["preload"])
    _warm(r, work)
    return r, {
        "r": r.call("describe_r"),
        "system_libraries": as_list(system_libraries),
        "loaded": as_list(r.call("remember_packages")),
    }


def load(r: R, wanted: dict[str, Any], work: Path) -> dict[str, Any]:
    """Loads a project's models, or a package; returns what the broker should know of it.

    Raises:
        RRuntimeError: R could not; its message says why.
    """
    if "package" in wanted:
        r.call("load_package", wanted["package"])
        exports: list[str] = []
    else:
        exports = as_list(
            r.call("load_project", wanted["project"], wanted["folder"], wanted["state"])
        )
    _warm(r, work)
    return {"exports": exports}


def message_of(error: Exception) -> str:
    """R's own message, without the `Error in f():` that rpy2 puts before it."""
    text = str(error).strip()
    return text.partition(":")[2].strip() if text.startswith("Error") else text


def _warm(r: R, work: Path) -> None:
    """Runs the real call path: what it loads on the way, children need not."""
    with tempfile.TemporaryDirectory(prefix="warm-", dir=work) as folder:
        r.call("warm", folder)
