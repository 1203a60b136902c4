"""The formats in which a job's answers are rendered ahead of time."""

import gzip
from collections.abc import Iterable
from typing import Final

from cache.body import Body
from cache.entry import Entry
from engine.call import Output
from engine.evaluation import Evaluation
from engine.value_answer import EXACT, VALUE
from jobs.job import Job

__all__ = ["DRAWN", "EXACT", "JSON", "VALUE"]

JSON: Final = "json"
"""OpenCPU's JSON: four digits, indented. `EXACT` is that of /v1: every digit, null for missing."""
PACKED_FROM_BYTES: Final = 1024
PACK_LEVEL: Final = 1
DRAWN: Final = frozenset({"png", "svg", "pdf"})
"""Formats that are made of what was drawn, not of the value."""


def outputs_of(job: Job, also: Iterable[Output] = ()) -> tuple[Output, ...]:
    """Both kinds of JSON, what the job declares, and what else is asked for; each label once."""
    declared = [Output(name, name) for name in (JSON, EXACT, *job.outputs)]
    return tuple({output.label: output for output in (*also, *declared)}.values())


def value_outputs_of(job: Job) -> tuple[Output, ...]:
    """What is rendered of a cell that keeps no session, beside its exact JSON.

    OpenCPU's JSON is not: whoever asks for it wants a session too.
    """
    return tuple(Output(name, name) for name in job.outputs if name != JSON)


def can_be_made(entry: Entry, format_name: str) -> bool:
    """Whether a format that was not rendered can be made of what was kept."""
    if entry.session_key is not None:
        return True
    return VALUE in entry.bodies and format_name not in DRAWN


def bodies_of(evaluation: Evaluation) -> dict[str, Body]:
    """The rendered answers by label, ready to be stored and sent, and the value, which is not."""
    return {
        label: Body.of(body.content, body.media_type, body.headers)
        if label != VALUE
        else Body(_packed(body.content), body.media_type)
        for label, body in evaluation.bodies.items()
    }


def _packed(value: bytes) -> bytes:
    """A serialized value as R's readRDS() takes it: compressed where that pays."""
    packed = gzip.compress(value, PACK_LEVEL, mtime=0) if len(value) >= PACKED_FROM_BYTES else value
    return min(packed, value, key=len)


def unrendered(evaluation: Evaluation) -> dict[str, str]:
    """Why a format could not be rendered, by label: no plot was drawn, it is no table, ..."""
    return {label: error.text for label, error in evaluation.body_errors.items()}
