"""The roles of a real server: killed, changed under, stopped, and gone without a trace."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from serving import Server, wait_until

pytestmark = pytest.mark.server

JOBS = """
version: 1
jobs:
  doubled:
    description: Twice the number
    function: small::doubled
    args: {x: {type: number}}
    grid: {x: {from: 1, to: 5, by: 1}}
    schedule: at_start
"""
MODELS = "doubled <- function(x) 2 * x\nslow <- function(x) { Sys.sleep(x); x }\n"


def make_project(folder: Path) -> Path:
    for part in ("jobs", "models"):
        (folder / part).mkdir(parents=True)
    (folder / "larder.yaml").write_text("name: small\nshutdown_grace: 20 seconds\n")
    (folder / "models" / "small.R").write_text(MODELS)
    (folder / "jobs" / "small.yaml").write_text(JOBS)
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(make_project(tmp_path_factory.mktemp("roles") / "small")) as server:
        with server.client() as client:
            wait_until(lambda: freshness(client) == 5)
        yield server


def freshness(client: httpx.Client) -> int:
    return int(client.get("/v1/jobs/doubled").json()["freshness"]["fresh"])


def cache_status(client: httpx.Client, x: int = 1) -> str:
    return client.get("/v1/results/doubled", params={"x": x}).headers["cache-status"]


def descendants(pid: int) -> dict[int, str]:
    """Command lines by process, of everything below `pid`."""
    found = {}
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    try:
        children = [child for thread in threads for child in thread.read_text().split()]
    except FileNotFoundError:
        return {}
    for child in map(int, children):
        try:
            command = Path(f"/proc/{child}/cmdline").read_bytes().decode().replace("\0", " ")
        except FileNotFoundError:
            continue
        found |= {child: command} | descendants(child)
    return found


def role(server: Server, module: str) -> int:
    assert server.process is not None
    below = descendants(server.process.pid)
    return next(pid for pid, command in below.items() if f"-m larder.{module} " in f"{command} ")


@pytest.mark.parametrize("module", ["scheduler_role", "engine_role"])
def test_a_killed_role_comes_back_while_prepared_answers_go_on(server: Server, module: str) -> None:
    killed = role(server, module)
    with server.client() as client:
        os.kill(killed, signal.SIGKILL)
        for _ in range(20):
            assert cache_status(client).startswith("larder; hit")
        wait_until(lambda: module in str(descendants(server.process.pid)))  # type: ignore[union-attr]
        wait_until(lambda: client.get("/readyz").status_code == 200)
        assert client.post("/ocpu/library/small/R/doubled/json", json={"x": 70}).json() == [140]
    assert role(server, module) != killed


def test_a_killed_api_process_leaves_the_port_to_the_others(server: Server) -> None:
    os.kill(role(server, "api_role"), signal.SIGKILL)
    with server.client() as client:
        for _ in range(20):
            assert cache_status(client).startswith("larder; hit")


def test_changed_job_files_go_live_whole_or_not_at_all(server: Server) -> None:
    file = server.project / "jobs" / "small.yaml"

    def descriptions() -> set[str]:
        with server.client() as client:  # a new connection may come to another worker
            return {client.get("/v1/jobs/doubled").json()["description"] for _ in range(2)}

    file.write_text(JOBS.replace("Twice the number", "Double").replace("function", "funktion"))
    wait_until(lambda: "unknown key 'funktion'" in server.log.read_text())
    assert all(descriptions() == {"Twice the number"} for _ in range(5))
    file.write_text(JOBS.replace("Twice the number", "Double"))
    wait_until(lambda: all(descriptions() == {"Double"} for _ in range(5)))
    with server.client() as client:
        assert cache_status(client).startswith("larder; hit; ttl=")
        assert "detail=stale" not in cache_status(client)


def test_a_changed_model_makes_its_answers_stale_and_then_new(server: Server) -> None:
    with server.client() as client:
        assert client.get("/v1/results/doubled", params={"x": 3}).json() == 6
        (server.project / "models" / "small.R").write_text(MODELS.replace("2 * x", "2 * x + 0.5"))
        wait_until(
            lambda: client.get("/v1/results/doubled", params={"x": 3}).json() == 6.5, within_s=60
        )


def test_a_call_under_way_is_answered_when_the_server_is_asked_to_stop(tmp_path: Path) -> None:
    answers = []
    with Server(make_project(tmp_path / "small")) as server, server.client() as client:

        def call() -> None:
            answers.append(client.post("/ocpu/library/small/R/slow/json", json={"x": 3}).json())

        calling = threading.Thread(target=call)
        calling.start()
        wait_until(lambda: server_has_a_call_running(server))
        assert server.process is not None
        everything = descendants(server.process.pid)
        server.process.send_signal(signal.SIGTERM)
        calling.join()
        assert server.process.wait(20) == 0
        assert answers == [[3]]
        assert not [pid for pid in everything if Path(f"/proc/{pid}").exists()]


def server_has_a_call_running(server: Server) -> bool:
    from engine.pool import Pool

    pool = Pool(server.project / ".larder" / "engine.sock")
    try:
        return bool(pool.info()["running"])
    finally:
        pool.close()


def test_a_killed_server_leaves_no_process_and_can_be_started_again(tmp_path: Path) -> None:
    with Server(make_project(tmp_path / "small")) as server:
        assert server.process is not None
        everything = descendants(server.process.pid)
        assert len(everything) > 5  # roles, R's parent, its children
        server.kill()
        wait_until(lambda: not [pid for pid in everything if is_alive(pid)])
        with server.start().client() as client:
            wait_until(lambda: freshness(client) == 5)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
