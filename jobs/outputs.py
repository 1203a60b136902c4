"""The formats in which a job's answers are rendered ahead of time."""

from collections.abc import Iterable
from typing import Final

from cache.body import Body
from engine.call import Output
from engine.evaluation import Evaluation
from jobs.job import Job

JSON: Final = "json"
"""OpenCPU's JSON: four digits, indented."""
EXACT: Final = "exact"
"""The JSON of /v1: every digit, null for missing; tables are made of it too."""


def outputs_of(job: Job, also: Iterable[Output] = ()) -> tuple[Output, ...]:
    """Both kinds of JSON, what the job declares, and what else is asked for; each label once."""
    declared = [Output(name, name) for name in (JSON, EXACT, *job.outputs)]
    return tuple({output.label: output for output in (*also, *declared)}.values())


def bodies_of(evaluation: Evaluation) -> dict[str, Body]:
    """The rendered answers by label, ready to be stored and sent."""
    return {
        label: Body.of(body.content, body.media_type, body.headers)
        for label, body in evaluation.bodies.items()
    }


def unrendered(evaluation: Evaluation) -> dict[str, str]:
    """Why a format could not be rendered, by label: no plot was drawn, it is no table, ..."""
    return {label: error.text for label, error in evaluation.body_errors.items()}
