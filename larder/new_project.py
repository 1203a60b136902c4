"""A new project: a small one that works, to be written on."""

import json
from pathlib import Path
from typing import Final

from jobs.definition import schema as job_schema
from jobs.project import package_name
from larder.errors import FileInTheWay

SCHEMA_FILE: Final = "jobs.schema.json"
_SETTINGS: Final = """\
# Settings of the server. `larder schema settings` tells all of them, and docs/operator.md.
name: {name} # the R functions of models/ are those of a package of this name
"""
_MODEL: Final = """\
# What a patient of this weight gets. Every function of models/*.R can be called, and those of jobs
# are computed ahead. Fit or load a model up here, outside of functions: that is done once.
dose <- function(weight, per_kg = 0.5) {
  data.frame(weight = weight, mg = weight * per_kg)
}
"""
_JOBS: Final = """\
# yaml-language-server: $schema=../{schema}
version: 1
jobs:
  dose:
    description: What a patient gets, by weight
    function: {name}::dose
    args:
      weight: {{type: number, min: 3, max: 150, unit: kg}}
      per_kg: {{type: number, default: 0.5}}
    grid: # every combination is computed ahead; other weights when somebody asks
      weight: {{from: 40, to: 100, by: 10}}
    schedule: every 1 hour # or cron: "0 5 * * MON-FRI"
"""
_IGNORED: Final = ".larder/\n"


def new_project(folder: Path) -> tuple[str, list[str]]:
    """Makes a project in `folder`, which need not be there; returns its name and its files.

    Raises:
        FileInTheWay: One of the files is there already; nothing is written then.
        OSError: A file cannot be written.
    """
    folder = folder.resolve()
    name = package_name(folder.name)
    files = {
        "larder.yaml": _SETTINGS.format(name=name),
        "models/dose.R": _MODEL,
        "jobs/dose.yaml": _JOBS.format(name=name, schema=SCHEMA_FILE),
        SCHEMA_FILE: json.dumps(job_schema(), indent=2, ensure_ascii=False) + "\n",
        ".gitignore": _IGNORED,
    }
    for file in files:
        if (folder / file).exists():
            raise FileInTheWay(folder / file)
    for file, text in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text, encoding="utf-8")
    (folder / "data").mkdir(exist_ok=True)
    return name, [*files, "data/"]
