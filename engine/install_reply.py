"""The answer to an installation on its way from the broker to who asked: a record or an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine import errors
from engine.failure import raise_failure
from engine.installed import Installed


def reply(installed: Installed) -> dict[str, Any]:
    """Returns an installation as plain values."""
    return {"installed": installed.to_record(), "folder": str(installed.folder)}


def installation(answer: dict[str, Any]) -> Installed:
    """Returns what reply() was called on.

    Raises:
        InstallFailed, InstallBusy: as the broker said.
        EngineError: anything else that it says.
    """
    facts = answer.get("facts") or {}
    if answer.get("failed") == "InstallBusy":
        raise errors.InstallBusy(facts["waiting"])
    if "log" in facts:
        raise failed(answer, facts["log"])
    raise_failure(answer)
    return Installed.from_record(answer["installed"], Path(answer["folder"]))


def failed(answer: dict[str, Any], log: str) -> errors.InstallFailed:
    """Returns the error that an answer tells of, with its whole output."""
    message = answer["message"]
    match answer["failed"]:
        case "OriginNotFound":
            return errors.OriginNotFound(message, log)
        case "InstallRefused":
            return errors.InstallRefused(message, log)
        case "InstallTimeout":
            return errors.InstallTimeout(answer["facts"]["limit_s"], log)
        case _:
            return errors.InstallFailed(message, log)
