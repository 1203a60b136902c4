"""wrk: asks one address as fast as it is answered."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

CONNECTIONS = 16


@dataclass(frozen=True)
class Load:
    """A request to be repeated.

    Attributes:
        url: The address.
        headers: Its headers.
        form: What is posted; None asks with GET.
    """

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    form: str | None = None

    def run(self, seconds: int, core: int, folder: Path) -> Answered:
        """Repeats the request from one thread on this core."""
        command = ["taskset", "-c", str(core), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s"]
        for name, value in self.headers.items():
            command += ["-H", f"{name}: {value}"]
        if self.form is not None:
            script = folder / "post.lua"
            script.write_text(f'wrk.method = "POST"\nwrk.body = [[{self.form}]]\n')
            command += ["-s", str(script)]
        out = subprocess.run(
            [*command, self.url], check=True, capture_output=True, text=True, timeout=60
        ).stdout
        assert "Non-2xx" not in out and "Socket errors" not in out, out  # noqa: PT018
        count = re.search(r"(\d+) requests in", out)
        rate = re.search(r"Requests/sec:\s+([\d.]+)", out)
        assert count is not None and rate is not None, out  # noqa: PT018
        return Answered(int(count[1]), float(rate[1]))


@dataclass(frozen=True)
class Answered:
    """How many requests were answered, and how many a second."""

    requests: int
    per_s: float
