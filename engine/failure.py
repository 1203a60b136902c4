"""The broker's and R's failures as exceptions of this package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine import errors
from engine.asker_errors import AskerBusy

REFUSALS = {
    "package_not_found": errors.PackageNotFound,
    "not_found": errors.FunctionNotFound,
}


def failure(error: errors.EngineError) -> dict[str, Any]:
    """Returns the answer that tells of an error; raise_failure() makes the error of it again."""
    if isinstance(error, errors.LimitReached):
        told = {"failed": "LimitReached", "facts": {}, "limit": error.to_wire()}
    else:
        facts = {name: value for name, value in vars(error).items() if not name.startswith("_")}
        told = {"failed": type(error).__name__, "facts": facts, "message": str(error)}
    return told | {"printed": error.printed}


def raise_failure(answer: dict[str, Any]) -> None:
    """Raises what the answer says went wrong, with what was printed before; else returns."""
    try:
        _raise_failure(answer)
    except errors.EngineError as error:
        error.printed = str(answer.get("printed") or "")
        error.warnings = tuple(map(str, as_list(answer.get("warnings"))))
        raise


def as_list(value: Any) -> list[Any]:
    """Returns a list: R does not tell a vector of one from a scalar."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def _raise_failure(answer: dict[str, Any]) -> None:
    if "failed" in answer:
        raise _broker_failure(answer)
    if "kind" in answer and answer.get("kind") is not None and "message" in answer:
        if answer["kind"] == "r_error":
            if answer.get("limit"):
                raise errors.LimitReached.from_wire(answer["limit"])
            raise errors.RError(answer["error"], answer["message"])
        refusal = REFUSALS.get(answer["kind"], errors.CallRefused)
        raise refusal(answer["error"], answer["kind"])


def _broker_failure(answer: dict[str, Any]) -> errors.EngineError:
    facts = answer["facts"]
    if "limit" in answer:
        return errors.LimitReached.from_wire(answer["limit"])
    match answer["failed"]:
        case "CallCancelled":
            return errors.CallCancelled()
        case "WorkerDied":
            return errors.WorkerDied(facts["reason"])
        case "EndedByCall":
            return errors.EndedByCall(facts["reason"])
        case "ParentEnded":
            return errors.ParentEnded()
        case "EngineBusy":
            return errors.EngineBusy(facts["waiting"], facts["retry_after_s"])
        case "AskerBusy":
            return AskerBusy(**facts)
        case "TemplateFailed":
            return errors.TemplateFailed(answer["message"])
        case _:
            return errors.EngineUnavailable(Path(), answer["message"])
