"""How the base is started: with as little of the server's environment as can be."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from typing import Any

R_ENVIRONMENT = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",  # huge pages: fork and exit cost half
    "R_NSIZE": "2000000",  # a heap that short calls never fill: a collection copies every page
    "R_VSIZE": "268435456",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "OMP_NUM_THREADS": "1",  # a library's threads would not survive the fork
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
KEPT_VARIABLES = ("PATH", "HOME", "TZ", "R_LIBS", "R_LIBS_SITE", "R_LIBS_USER", "PYTHONPATH")


def launch_base(config: dict[str, Any], control: socket.socket) -> subprocess.Popen[bytes]:
    """Starts a forking parent that has R.

    Args:
        config: what `engine.parent` needs, but for the descriptor of its control socket.
        control: its end of that.
    """
    environment = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    given = json.dumps({**config, "control": control.fileno()})
    return subprocess.Popen(
        [sys.executable, "-m", "engine.parent", given],
        pass_fds=[control.fileno()],
        stdin=subprocess.DEVNULL,
        env={**environment, **R_ENVIRONMENT},
    )
