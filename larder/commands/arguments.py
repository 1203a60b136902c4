"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

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
