"""Room on the disk that sessions are written to."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

LEAST_ROOM_BYTES = 64 * 1024
"""With less room than this left, a session could not be written."""


def check_room(stage: Path) -> None:
    """Raises where there is too little, in the system's words.

    R calls a full disk "error writing to connection".
    """
    if shutil.disk_usage(stage).free < LEAST_ROOM_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(stage))
