"""Walls: what this machine confines R with, and whether that is enough to start."""

import json
import subprocess
import sys
from pathlib import Path

from engine.errors import WallsMissing
from engine.host import Host
from larder.settings import Settings


def look_at_host(state: Path | None = None) -> Host:
    """What the machine gives to a server with this state folder, found out in a process apart."""
    command = [sys.executable, "-m", "engine.host", *([str(state)] if state else [])]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    return Host.from_wire(json.loads(asked.stdout)) if asked.returncode == 0 else Host()


def missing_walls(settings: Settings) -> tuple[str, ...]:
    """What R would not be confined by, a sentence each."""
    if settings.engine.walls == "off":
        return Host(off=True).missing
    return look_at_host().missing


def check_walls(settings: Settings) -> None:
    """Does nothing if the walls are there, or need not be.

    Raises:
        WallsMissing: Some are not, and `engine.walls` requires them.
    """
    if settings.engine.walls == "require" and (missing := missing_walls(settings)):
        raise WallsMissing(missing)
