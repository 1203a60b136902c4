"""What request handlers work with: the pantry, and the facts of this server."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cache.sessions import SessionFolder
from engine.errors import EngineError
from engine.limits import Limits
from engine.pool import Pool
from jobs.pantry import Pantry

R_FACTS_FOR_S = 60.0


@dataclass
class Services:
    """Made once per process and passed down.

    Attributes:
        pantry: Finds, computes and keeps answers.
        pool: R.
        sessions: What calls left behind.
        state_folder: Where uploads wait.
        call_limits: Of one POST call that no job declares.
        ocpu_version: The version of OpenCPU's API that is spoken.
    """

    pantry: Pantry
    pool: Pool
    sessions: SessionFolder
    state_folder: Path
    call_limits: Limits = field(default_factory=Limits)
    ocpu_version: str = "2.2.12"
    _facts: tuple[float, dict[str, Any]] = (0.0, {})

    def r_facts(self) -> dict[str, Any]:
        """Returns R's version and locale, asked of the engine once a minute at most."""
        asked_at, facts = self._facts
        if not facts or time.monotonic() - asked_at > R_FACTS_FOR_S:
            try:
                facts = self.pool.info()["r"]
            except EngineError:
                facts = facts or {"version": "R unavailable", "locale": "C.UTF-8"}
            self._facts = (time.monotonic(), facts)
        return facts
