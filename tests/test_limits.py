"""Limits of one call: what the kernel is told, as a user without rights."""

import codecs
import os
import resource
import signal
from collections.abc import Callable
from dataclasses import replace

import pytest

from engine.limits import Limits, running_threads

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
