"""Answers of cells that keep no session, as they come from a child: many in one message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from engine.errors import EngineError, WorkerDied
from engine.evaluation import BodyError, Evaluation, RenderedBody
from engine.failure import raise_failure
from engine.reply import attachment, sense

VALUE: Final = "value"
"""The label of a value itself, as R serializes it."""
VALUE_TYPE: Final = "application/octet-stream"
EXACT: Final = "exact"
"""That of its JSON with every digit, which is always made."""
PART_S: Final = 0.02
"""How long a child works before it tells of what it has done."""


Told = list[tuple[int, Evaluation | EngineError]]
"""The places of cells, and what became of each."""


def evaluations(answer: dict[str, Any], blobs: Sequence[bytes]) -> Told:
    """Returns what a message tells.

    Raises:
        WorkerDied: it makes no sense.
    """
    with sense():
        content = b"".join(blobs)
        heads = {label: (head[0], attachment(head[1])) for label, head in answer["heads"].items()}
        heads[VALUE] = (VALUE_TYPE, ())
        labels, first = answer["labels"], answer["first"]
        failures, unrendered = answer["failures"], answer["unrendered"]
        at = 0
        told: Told = []
        for place, (took_s, sizes) in enumerate(zip(answer["took"], answer["sizes"], strict=True)):
            failed = failures.get(str(place)) if failures else None
            if failed is not None:
                told.append((first + place, _failure(failed)))
                continue
            missing = unrendered.get(str(place), {}) if unrendered else {}
            bodies = {}
            for label, size in zip(labels, sizes, strict=True):
                if label not in missing:
                    bodies[label] = RenderedBody(content[at : at + size], *heads[label])
                at += size
            why = {
                label: BodyError(one["error"], one.get("kind") or "r_error")
                for label, one in missing.items()
            }
            done = Evaluation(
                ok=True,
                error=None,
                error_message=None,
                listing=(),
                duration_s=float(took_s),
                bodies=bodies,
                body_errors=why,
            )
            told.append((first + place, done))
        return told


def _failure(told: dict[str, Any]) -> EngineError:
    try:
        raise_failure(told)
    except EngineError as error:
        return error
    return WorkerDied("its answer makes no sense")
