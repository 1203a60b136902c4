"""Where R's shared libraries are looked for, as R itself would have set it."""

from __future__ import annotations

import subprocess
from pathlib import Path


def library_path(r_home: str) -> str:
    """Returns LD_LIBRARY_PATH as it is within R; R's start script knows it without starting R.

    Args:
        r_home: R's folder.
    """
    command = [str(Path(r_home, "bin", "R")), "CMD", "printenv", "LD_LIBRARY_PATH"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.removesuffix("\n")
