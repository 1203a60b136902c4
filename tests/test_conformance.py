"""The recorded exchanges with OpenCPU, replayed against a real server."""

import subprocess
import sys
from collections.abc import Callable, Iterator

import httpx
import pytest
from conftest import REPLAY
from serving import ROOT, Server, copy_example

CORPUS = ROOT / "tests" / "conformance"
TOPICS = (
    *("aliases", "apps", "arguments_binary", "arguments_form", "arguments_json"),
    *("arguments_multipart", "chaining", "clients", "errors", "files", "http", "large"),
    *("library", "manuals", "objects_binary", "objects_graphics", "objects_json", "unicode"),
    *("objects_tables", "objects_text", "rpc_formats", "scripts", "session_graphics", "sessions"),
)
"""All of them."""
CHAINS = ("chaining", "clients", "sessions", "session_graphics")
"""Those in which calls name sessions."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    project = copy_example(tmp_path_factory.mktemp("conformance"))
    with Server(project, schedule__enabled="false") as server:
        yield server


@pytest.fixture(scope="module")
def forgetful_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that reads every session from its folder."""
    project = copy_example(tmp_path_factory.mktemp("forgetful"))
    with Server(project, engine__live="off", schedule__enabled="false") as server:
        yield server


@pytest.mark.server
@pytest.mark.parametrize("topic", TOPICS)
def test_topic_is_answered_as_opencpu_answers_it(
    server: Server, topic: str, record_property: Callable[[str, object], None]
) -> None:
    record_property(REPLAY, replay(server, topic))


@pytest.mark.server
@pytest.mark.parametrize("topic", CHAINS)
def test_chain_is_answered_the_same_without_live_sessions(
    forgetful_server: Server, topic: str
) -> None:
    replay(forgetful_server, topic)
    assert not httpx.get(f"{forgetful_server.url}/v1/sessions?live=true").json()["sessions"]


@pytest.mark.server
def test_chains_were_served_by_live_sessions(server: Server) -> None:
    replay(server, "chaining")
    found = httpx.get(f"{server.url}/v1/sessions?live=true").json()["sessions"]
    assert any(session["live"]["memory_bytes"] > 0 for session in found)


def replay(server: Server, topic: str) -> str:
    """What the replayer says in the end, of a topic in which nothing failed."""
    command = [sys.executable, "replay.py", "--base", f"{server.url}/ocpu", "--only", f"{topic}/*"]
    done = subprocess.run(command, cwd=CORPUS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout.splitlines()[-1]
    assert "0 failed" in said
    return said
