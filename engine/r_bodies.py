"""Rendered answers as R hands them over, those in exact JSON made on the way."""

from __future__ import annotations

from typing import Any

from rpy2 import rinterface as ri
from rpy2.rinterface_lib import conversion

from engine.convert import NotJson, exact_json, from_r
from engine.quick_json import NotQuick, quick_json


def bodies_of(value: Any) -> dict[str, Any]:
    """Returns the bodies of one answer by label; of one that could not be made, why."""
    if not isinstance(value, ri.ListSexpVector) or not len(value):
        return {}
    bodies: dict[str, Any] = {}
    for label, body in zip(list(value.names), value, strict=True):
        if "exact" in list(body.names):
            bodies[label] = exact_body(body[0].__sexp__._cdata)  # noqa: SLF001  # as below
        else:
            bodies[label] = from_r(body)
    return bodies


def exact_body(value: Any) -> dict[str, Any]:
    """Returns the body of the R object behind a pointer in exact JSON, or why there is none."""
    try:
        return {"body": _exact(value) + b"\n", "type": "application/json"}
    except NotJson as error:
        return {"error": str(error), "kind": "not_json"}
    except (TypeError, UnicodeDecodeError, RecursionError) as error:
        return {"error": f"the value cannot be written as JSON: {error}", "kind": "not_json"}


def _exact(value: Any) -> bytes:
    try:
        return quick_json(value)
    except NotQuick:
        return exact_json(conversion._cdata_to_rinterface(value))  # noqa: SLF001  # rpy2's only way
