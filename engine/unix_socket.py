"""Unix sockets at paths of any length: the kernel takes 107 bytes, projects lie deeper."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST_PATH_BYTES = 100


@contextmanager
def short_path(path: Path) -> Iterator[str]:
    """Gives a name for `path` that fits, valid inside the block."""
    if len(os.fsencode(path)) <= LONGEST_PATH_BYTES:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
