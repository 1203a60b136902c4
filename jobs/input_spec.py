"""InputSpec: what a job's answers are made of, as its entry says under `refresh_when`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from jobs.secret import EnvEntry


@dataclass(frozen=True)
class InputSpec:
    """The input whose change makes answers anew.

    Attributes:
        kind: Which sort of input.
        text: As it is written: the file's path, the R expression, or the query.
        folder: The project's, from which paths go.
        url: Of the database that the query is for, or the variable that has it.
    """

    kind: Literal["file", "r", "sql"]
    text: str
    folder: Path
    url: str | EnvEntry = field(default="", repr=False)

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return self.folder / self.text
