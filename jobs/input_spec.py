"""InputSpec: what a job's answers are made of, as its entry says under `refresh_when`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class InputSpec:
    """The input whose change makes answers anew.

    Attributes:
        kind: Which sort of input.
        text: As it is written: the file's path, or the R expression.
        folder: The project's, from which paths go.
    """

    kind: Literal["file", "r"]
    text: str
    folder: Path

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return self.folder / self.text
