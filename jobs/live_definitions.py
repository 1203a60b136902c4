"""LiveDefinitions: which definitions are live, and what is wrong with the files as they are now.

The scheduler writes it whenever it has read the job files; all other processes look here.
"""

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from cache.border import disk_border
from cache.clock import from_text, to_text
from jobs.problem import Problem

_FILE: Final = "definitions.json"


@dataclass(frozen=True)
class LiveDefinitions:
    """What came of the last reading of the job files.

    Attributes:
        read_at: When the files were read last.
        live_since: When the definitions that are live were taken over; None if the files held
            mistakes from the start, so that only the jobs that are right are live.
        jobs: How many jobs are live.
        problems: What is wrong with the files; while there is something, what was live stays.
    """

    read_at: datetime
    live_since: datetime | None
    jobs: int
    problems: tuple[Problem, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether the files held no mistake when they were read last."""
        return not self.problems

    def write(self, state: Path) -> None:
        """Tells all processes of the state folder.

        Raises:
            StoreFull, StoreUnavailable: It cannot be written.
        """
        facts = asdict(self) | {
            "read_at": to_text(self.read_at),
            "live_since": self.live_since and to_text(self.live_since),
        }
        file = state / _FILE
        with disk_border(file):
            state.mkdir(mode=0o700, parents=True, exist_ok=True)
            aside = file.with_suffix(".new")
            aside.write_text(json.dumps(facts))
            aside.replace(file)

    @classmethod
    def read(cls, state: Path) -> "LiveDefinitions | None":
        """What was written last; None if nothing was, or nothing that can be read."""
        try:
            facts = json.loads((state / _FILE).read_bytes())
            since = facts["live_since"]
            return cls(
                from_text(facts["read_at"]),
                from_text(since) if since else None,
                int(facts["jobs"]),
                tuple(Problem(**problem) for problem in facts["problems"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def found(self, now: datetime, problems: tuple[Problem, ...]) -> "LiveDefinitions":
        """The same definitions after another reading, which found these mistakes."""
        return replace(self, read_at=now, problems=problems)
