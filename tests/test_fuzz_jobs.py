"""No job file at all ends in a traceback, a hang or a full memory: each is read, or told apart.

FUZZ_JOBS makes it longer; `script/fuzz --jobs` does so.
"""

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest
from broken import COMMON, project_of
from fuzzing_jobs import complaints, contents, told_of
from hypothesis import HealthCheck, Phase, given, settings

EXAMPLES = int(os.environ.get("FUZZ_JOBS", "300"))
HANGS_AFTER_S = 60
MORE_MEMORY_BYTES = 2**30


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = project_of(COMMON, tmp_path_factory.mktemp("fuzz") / "clinic")
    (folder / "jobs").mkdir()
    return folder


@contextmanager
def bounded() -> Iterator[None]:
    """Ends what hangs, and what takes memory without end."""

    def hangs(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"it was not read within {HANGS_AFTER_S} s")

    used_bytes = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    handler = signal.signal(signal.SIGALRM, hangs)
    resource.setrlimit(resource.RLIMIT_AS, (used_bytes + MORE_MEMORY_BYTES, before[1]))
    signal.alarm(HANGS_AFTER_S)
    try:
        yield
    finally:
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_AS, before)
        signal.signal(signal.SIGALRM, handler)


def test_any_job_file_is_read_or_told_apart(project: Path) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize="FUZZ_JOBS" not in os.environ,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(contents)
    def told(content: bytes) -> None:
        with bounded():
            assert complaints(content, told_of(project, content)) == []

    told()
