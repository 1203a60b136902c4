"""Room on the disk, where R's own words would not say that it is missing."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

LEAST_ROOM_BYTES = 64 * 1024
"""With less room than this left, a session could not be written."""


def check_room(stage: Path) -> None:
    """Returns if there is room; R calls a full disk "error writing to connection".

    Raises:
        OSError: there is none, in the system's words.
    """
    if shutil.disk_usage(stage).free < LEAST_ROOM_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(stage))
