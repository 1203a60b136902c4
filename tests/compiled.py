"""What an engine compiles in a new state folder, which takes longer than to start: kept for all.

tests/conftest.py says where; without that every engine compiles for itself.
"""

import os
import shutil
from pathlib import Path

SUPPORT = "support"
kept: Path | None = None
"""Where it is kept."""


def furnish(state: Path) -> None:
    """Gives a new state folder what is kept."""
    files = list(kept.glob("*.rds")) if kept else []
    if files and not (state / SUPPORT).exists():
        state.mkdir(mode=0o700, exist_ok=True)
        (state / SUPPORT).mkdir(mode=0o700)
        for file in files:
            shutil.copy(file, state / SUPPORT)


def keep(state: Path) -> None:
    """Keeps what an engine compiled, in place of what was made of other sources."""
    if kept is None:
        return
    for file in (state / SUPPORT).glob("*.rds"):
        if not (kept / file.name).exists():
            aside = kept / f"{file.stem}.{os.getpid()}"  # other tests run beside
            shutil.copy(file, aside)
            for old in kept.glob("*.rds"):
                old.unlink(missing_ok=True)
            aside.rename(kept / file.name)
