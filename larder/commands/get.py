"""`larder get`: one answer of a job, from the cache or computed now."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from jobs.spoken_time import span
from larder.answer import Answer, find_answer
from larder.commands.arguments import HERE, ProjectOption, as_pair
from larder.console import note
from larder.current_project import current_project
from larder.errors import Misused
from larder.settings import load_settings
from larder.times import local


class Format(StrEnum):
    """Forms of an answer."""

    JSON = "json"
    CSV = "csv"
    PNG = "png"


def get(
    job: Annotated[str, typer.Argument(metavar="JOB", help="The job's name.", show_default=False)],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=VALUE]...", help="The arguments; of a rows job, its key."),
    ] = None,
    *,
    form: Annotated[
        Format, typer.Option("--format", "-f", help="The form of the answer.")
    ] = Format.JSON,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write it there.", show_default="stdout"
        ),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="MOMENT",
            help="The answer that was current then: a date (the end of that day) or a moment.",
            show_default="now",
        ),
    ] = None,
    project: ProjectOption = HERE,
) -> None:
    """Print the answer for these arguments: the prepared one, or one that R computes now.

    Whether it was there, and how old it is, is said on stderr.

    Examples:
        larder get weight_gain treatment=CBT prewt=80
        larder get weight_gain treatment=CBT prewt=80 --format png --output gain.png
        larder get diamond_prices id=4711 --format csv
        larder get weight_gain treatment=CBT prewt=80 --as-of 2026-10-01
    """
    if form is Format.PNG and output is None and sys.stdout.isatty():
        raise Misused("a picture cannot be shown on a terminal: give --output FILE")
    settings = load_settings(project)
    found = current_project(settings)
    pairs = [as_pair(argument) for argument in arguments or ()]
    answer = find_answer(settings, found, job, pairs, form.value, as_of=as_of)
    if output is not None:
        output.write_bytes(answer.content)
    else:
        sys.stdout.buffer.write(answer.content)
        sys.stdout.buffer.flush()
    note(_told(answer))


def _told(answer: Answer) -> str:
    if answer.then is not None:
        made, version = answer.then.computed_at, answer.then.version[:12]
        return f"as of then: computed {local(made)}, by version {version}"
    if answer.computed:
        return f"miss: computed now, in {span(answer.took_s)}"
    if answer.ttl_s > 0:
        return f"hit: computed {span(answer.age_s)} ago, fresh for {span(answer.ttl_s)} more"
    return f"stale: computed {span(answer.age_s)} ago; the next run renews it"
