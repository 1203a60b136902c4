"""What calls use together with all that they start: processes, and files."""

import os
import subprocess
import sys
import time
from pathlib import Path

from serving import wait_until

from engine.process_tree import Process, ProcessTree, running
from engine.watch import BLOCK_BYTES, size_bytes

FOR_EVER = sys.maxsize


def process(pid: int, parent: int, group: int) -> Process:
    return Process(pid, parent, group, cpu_s=pid / 10, threads=2, rss_bytes=pid * 1000)


MACHINE = [
    process(1, 0, 1),
    process(2, 1, 2),  # the call's own
    process(3, 2, 2),
    process(4, 3, 4),  # left the group
    process(5, 4, 5),
    process(6, 1, 2),  # its parent ended
    process(7, 6, 7),
    process(8, 1, 8),
]


def test_a_tree_has_the_group_and_all_that_they_started() -> None:
    tree = ProcessTree.of(2, MACHINE)
    assert {one.pid for one in tree.members} == {2, 3, 4, 5, 6, 7}
    assert tree.threads == 12
    assert round(tree.cpu_s, 1) == 2.7


def test_a_tree_of_a_process_that_ended_is_empty() -> None:
    assert ProcessTree.of(99, MACHINE).members == ()


def test_processes_of_any_name_are_read() -> None:
    renamed = "open('/proc/self/comm', 'w').write(') R 1 ('); print(flush=True); input()"
    command = [sys.executable, "-c", renamed]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, process_group=0) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == b"\n"
            found = Process.read(child.pid)
            assert found is not None
            assert (found.parent, found.group) == (os.getpid(), child.pid)
            assert child.pid in {one.pid for one in running()}
        finally:
            child.kill()
    assert Process.read(child.pid) is None


def test_memory_that_processes_share_counts_once() -> None:
    held = bytearray(os.urandom(2**20) * 64)
    pids = []
    for _ in range(3):
        pid = os.fork()
        if pid == 0:
            time.sleep(60)
        pids.append(pid)
    try:
        members = tuple(one for one in running() if one.pid in pids)
        together = sum(one.rss_bytes for one in members)
        assert together > 3 * len(held)
        assert not ProcessTree(members).takes_more(together // 2, origin=os.getpid())
        assert ProcessTree(members).takes_more(2**20, origin=pids[0])
    finally:
        for pid in pids:
            os.kill(pid, 9)
            os.waitpid(pid, 0)


def test_processor_time_of_children_that_ended_counts() -> None:
    child_code = 'import time; exec(\\"while time.process_time() < 0.5: pass\\")'
    burning = f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{child_code}']); "
    burning += "import time; time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", burning]) as child:
        try:

            def counts() -> bool:
                found = Process.read(child.pid)
                assert found is not None
                return found.cpu_s > 0.2

            wait_until(counts)
        finally:
            child.kill()


def test_files_count_as_full_blocks_at_any_depth(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(10 * BLOCK_BYTES))
    (tmp_path / "small").write_bytes(b"x")
    deep = tmp_path.joinpath(*("d" * 50))
    deep.mkdir(parents=True)
    (deep / "file").write_bytes(bytes(5 * BLOCK_BYTES))
    (tmp_path / "link").symlink_to("/usr")
    blocks = size_bytes(tmp_path, most=FOR_EVER, until=FOR_EVER) // BLOCK_BYTES
    assert blocks == 10 + 1 + 50 + 5 + 1


def test_holes_in_files_take_nothing(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(2**40)
    assert size_bytes(tmp_path, most=FOR_EVER, until=FOR_EVER) == BLOCK_BYTES


def test_counting_ends_at_enough_and_in_time(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / str(number)).mkdir()
    assert size_bytes(tmp_path, most=BLOCK_BYTES, until=FOR_EVER) == 2 * BLOCK_BYTES
    assert size_bytes(tmp_path, most=FOR_EVER, until=0) == 0
    assert size_bytes(tmp_path / "nothing", most=FOR_EVER, until=FOR_EVER) == 0
