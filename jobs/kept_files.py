"""KeptFiles: the job files as they were when they last held no mistake.

The scheduler keeps them in the state folder: a process that starts while a file holds a mistake
then goes on with the same definitions as those that were there before.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cache.border import disk_border
from cache.clock import from_text, to_text
from jobs.project import Project, read_project

_FILE: Final = "job_files.json"


@dataclass(frozen=True)
class KeptFiles:
    """Job files that held no mistake.

    Attributes:
        live_since: When what they define was taken over.
        texts: Their texts by name ("jobs/scores.yaml").
    """

    live_since: datetime
    texts: Mapping[str, str]

    def write(self, state: Path) -> None:
        """Keeps them in place of those before.

        Raises:
            StoreFull, StoreUnavailable: They cannot be written.
        """
        file = state / _FILE
        content = json.dumps({"live_since": to_text(self.live_since), "texts": dict(self.texts)})
        with disk_border(file):
            state.mkdir(mode=0o700, parents=True, exist_ok=True)
            aside = file.with_suffix(".new")
            aside.write_text(content)
            aside.replace(file)

    def project(self, folder: Path, *, name: str, timezone: str) -> Project | None:
        """What they define in this folder; None if they are mistaken by now."""
        reading = read_project(folder, name=name, timezone=timezone, texts=self.texts)
        return None if reading.problems else reading.project

    @classmethod
    def read(cls, state: Path) -> "KeptFiles | None":
        """Those kept last; None if there are none, or none that can be read."""
        try:
            facts = json.loads((state / _FILE).read_bytes())
            texts = {str(name): str(text) for name, text in facts["texts"].items()}
            return cls(from_text(facts["live_since"]), texts)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
