"""The recorded exchanges with OpenCPU, replayed against a real server."""

import subprocess
import sys
from collections.abc import Callable, Iterator

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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(copy_example(tmp_path_factory.mktemp("conformance"))) as server:
        yield server


@pytest.mark.server
@pytest.mark.parametrize("topic", TOPICS)
def test_topic_is_answered_as_opencpu_answers_it(
    server: Server, topic: str, record_property: Callable[[str, object], None]
) -> None:
    command = [sys.executable, "replay.py", "--base", f"{server.url}/ocpu", "--only", f"{topic}/*"]
    replay = subprocess.run(command, cwd=CORPUS, capture_output=True, text=True, check=False)
    record_property(REPLAY, replay.stdout.splitlines()[-1])
    assert replay.returncode == 0, replay.stdout + replay.stderr
    assert "0 failed" in replay.stdout.splitlines()[-1]
