"""A disk that is full when a test wants it to be."""

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from serving import Server

from bench.processes import descendants

SIZE = "48m"
LARGEST_BYTES = 4096


class SmallDisk:
    """A file system of its own in memory, filled by one file; only root can mount it."""

    def __init__(self, folder: Path) -> None:
        self._filler = folder / "filler"

    def fill(self, server: Server) -> None:
        """Leaves no byte."""
        with suppress(OSError), self._filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def make_room(self, server: Server) -> None:
        self._filler.unlink()


class SmallFiles:
    """The nearest that others have: files of the server may not grow, nor large ones be written."""

    def __init__(self) -> None:
        self._before: dict[int, tuple[int, int]] = {}

    def fill(self, server: Server) -> None:
        assert server.process is not None
        for pid in descendants(server.process.pid):
            with suppress(PermissionError, ProcessLookupError):  # a child, behind its walls
                _, hard = self._before[pid] = resource.prlimit(pid, resource.RLIMIT_FSIZE)
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (LARGEST_BYTES, hard))

    def make_room(self, server: Server) -> None:
        for pid, limits in self._before.items():
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk | SmallFiles]:
    """Makes `folder` a disk that can be filled."""
    folder.mkdir()
    if os.geteuid() != 0 or not _mount(folder):
        yield SmallFiles()
        return
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _mount(folder: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0
