"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from larder.errors import Misused

ProjectArgument = Annotated[
    Path, typer.Argument(metavar="PROJECT", help="The project's folder.", show_default="here")
]
ProjectOption = Annotated[
    Path,
    typer.Option(
        "--project", "-p", metavar="FOLDER", help="The project's folder.", show_default="here"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
HERE = Path()


def as_pair(argument: str) -> tuple[str, str]:
    """The name and the text of NAME=VALUE.

    Raises:
        Misused: It is written otherwise.
    """
    name, found, value = argument.partition("=")
    if not found or not name:
        raise Misused(f"'{argument}' is no argument: write NAME=VALUE")
    return name, value
