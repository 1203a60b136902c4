"""`larder init`: a new project."""

from pathlib import Path
from typing import Annotated

import typer

from larder.console import note, say
from larder.new_project import new_project


def init(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="Where; made if it is not there.", show_default="here"
        ),
    ] = Path(),
) -> None:
    """Make a new project: one R function, one job, and the schema that editors complete with.

    What is there already is left alone: if one of its files is, nothing is written.

    Examples:
        larder init clinic
        larder init
    """
    name, files = new_project(folder)
    for file in files:
        say(file)
    if folder.resolve() != Path.cwd():
        note(f"made the project {name}; go on with: cd {folder} && larder check && larder run dose")
    else:
        note(f"made the project {name}; go on with: larder check && larder run dose")
