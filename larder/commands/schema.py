"""`larder schema`: the JSON Schema that editors check job files with."""

from enum import StrEnum
from typing import Annotated

import typer

from jobs.definition import schema as job_schema
from larder.console import print_json
from larder.settings import settings_schema


class Which(StrEnum):
    """Files that have a schema."""

    JOBS = "jobs"
    SETTINGS = "settings"


def schema(
    which: Annotated[
        Which, typer.Argument(help="jobs: files of jobs/; settings: larder.yaml.")
    ] = Which.JOBS,
) -> None:
    """Print the JSON Schema of job files, for editors that complete and check YAML.

    Examples:
        larder schema > jobs.schema.json
        larder schema settings
    """
    print_json(job_schema() if which is Which.JOBS else settings_schema())
