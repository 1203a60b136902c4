"""Surroundings: what a job's entry does not say itself."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Surroundings:
    """What a job's entry does not say itself.

    Attributes:
        project: Name of the project, which is the name of its own R package.
        folder: The project's folder.
        timezone: Zone of schedules that name none.
    """

    project: str
    folder: Path
    timezone: str
