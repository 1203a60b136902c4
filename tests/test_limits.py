"""Limits of one call: what the kernel is told, as a user without rights."""

import codecs
import json
import os
import resource
import signal
import tempfile
from collections.abc import Callable
from dataclasses import replace

import pytest

from engine.errors import LIMITS, LimitReached
from engine.failure import failure, raise_failure
from engine.limits import UNLIMITED, Limits, running_threads
from engine.plain_words import amount

NOBODY = 65534
CALM = Limits(processes=20)


def in_a_child(work: Callable[[], str]) -> str:
    """What `work` says in a process of its own, which is not root's: it is not counted."""
    codecs.lookup("ascii")  # while we are still somebody who can read Python's own files
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        said = "it ended in an error"
        try:
            if os.getuid() == 0:
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            said = work()
        finally:
            os.write(theirs, said.encode())
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as answer:
        said = answer.read()
    os.waitpid(pid, 0)
    return said


def forks(most: int) -> int:
    """How many processes this one can have at a time, up to `most`."""
    children = []
    try:
        for _ in range(most):
            pid = os.fork()
            if pid == 0:
                signal.pause()
            children.append(pid)
    except BlockingIOError:
        pass
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    return len(children)


def limited(limits: Limits, most: int) -> str:
    def work() -> str:
        limits.apply()
        return str(forks(most))

    return in_a_child(work)


@pytest.mark.parametrize("processes", [1, 20])
def test_a_call_may_start_as_many_processes_as_its_limit(processes: int) -> None:
    assert limited(replace(CALM, processes=processes), processes) == str(processes)


def test_a_fork_bomb_ends_at_the_limit() -> None:
    most = running_threads() + 200
    assert CALM.processes <= int(limited(CALM, most)) < most


def test_a_limit_of_the_system_is_not_exceeded() -> None:
    def work() -> str:
        resource.setrlimit(resource.RLIMIT_NPROC, (7, 7))
        replace(CALM, processes=1000).apply()
        return str(resource.getrlimit(resource.RLIMIT_NPROC))

    assert in_a_child(work) == "(7, 7)"


def test_limits_survive_their_way_to_the_child() -> None:
    limits = Limits(wall_s=1, memory_bytes=2, file_bytes=3, open_files=4, processes=5)
    assert Limits.from_wire(limits.to_wire()) == limits


def test_the_stricter_of_two_limits_holds() -> None:
    server = Limits(wall_s=90, memory_bytes=4, plots=10, cpu_s=None, network=True)
    job = replace(UNLIMITED, memory_bytes=8, plots=2, cpu_s=30, network=False)
    both = Limits(wall_s=90, memory_bytes=4, plots=2, cpu_s=30, network=False)
    assert server.tightened(job) == job.tightened(server) == both
    assert replace(server, cpu_s=10).tightened(job).cpu_s == 10
    assert server.tightened(UNLIMITED) == server


def test_processor_time_of_a_batch_is_that_of_all_its_calls() -> None:
    def work() -> str:
        Limits(cpu_s=1.5).apply(calls=3)
        return str(resource.getrlimit(resource.RLIMIT_CPU))

    assert in_a_child(work) == "(5, 6)"


def test_a_file_beyond_its_limit_ends_the_process() -> None:
    pid = os.fork()
    if pid == 0:
        replace(CALM, file_bytes=100).apply()
        with tempfile.TemporaryFile(buffering=0) as file:
            file.write(bytes(100))
            file.write(b"x")
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.WTERMSIG(status) == signal.SIGXFSZ


@pytest.mark.parametrize("kind", LIMITS.values())
def test_a_limit_that_was_reached_is_told_whole(kind: type[LimitReached]) -> None:
    reached = Limits(cpu_s=30).reached(kind, "R said so")
    told = json.loads(json.dumps(failure(reached)))
    with pytest.raises(kind) as caught:
        raise_failure(told)
    assert str(caught.value) == str(reached)
    assert str(reached).startswith("R said so: the call was stopped a")
    for setting in (kind.setting, kind.job_setting):
        assert setting in str(reached)
    assert caught.value.value == reached.value == getattr(Limits(cpu_s=30), kind.field)


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (1.5, "seconds", "1.5 seconds"),
        (100, "plots", "100 plots"),
        (900, "bytes", "900 bytes"),
        (10 * 2**20, "bytes", "10 MB"),
        (1.5 * 2**30, "bytes", "1.5 GB"),
        (2000 * 2**30, "bytes", "2000 GB"),
    ],
)
def test_amounts_have_units(value: float, unit: str, said: str) -> None:
    assert amount(value, unit) == said
