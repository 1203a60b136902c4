"""How the base is started: with as little of the server's environment as can be."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from typing import Any

from engine.errors import ParentEnded, TemplateFailed

R_ENVIRONMENT = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",  # huge pages: fork and exit cost half
    # Vectors of calls do not make R look for garbage soon: that copies every page. A large R_NSIZE
    # has the same end, but scatters what is free over more pages: calls took a third longer.
    "R_VSIZE": "268435456",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "OMP_NUM_THREADS": "1",  # a library's threads would not survive the fork
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
KEPT_VARIABLES = ("PATH", "HOME", "TZ", "R_LIBS", "R_LIBS_SITE", "R_LIBS_USER", "PYTHONPATH")

SUPPORT_FOLDER = "support"
"""In the state folder: what engine/support.py compiled."""
LOAD_LIMIT_S = 600.0
"""How long models may take to load."""


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


async def first_word(control: socket.socket) -> dict[str, Any]:
    """Returns what a forking parent tells of itself once it is ready.

    Args:
        control: our end, closed if there is no such parent.

    Raises:
        TemplateFailed: it could not load what it should; the message is R's.
        ParentEnded: it ended without a word.
    """
    control.setblocking(False)  # noqa: FBT003  # the socket module's own signature
    try:
        async with asyncio.timeout(LOAD_LIMIT_S):
            packet = await asyncio.get_running_loop().sock_recv(control, 1 << 20)
    except TimeoutError:
        control.close()
        raise TemplateFailed(f"it did not load within {LOAD_LIMIT_S:g} seconds") from None
    except (OSError, asyncio.CancelledError):
        control.close()
        raise
    if not packet:
        control.close()
        raise ParentEnded
    said = json.loads(packet)
    if said.pop("event") != "ready":
        control.close()
        raise TemplateFailed(said["message"])
    found: dict[str, Any] = said
    return found
