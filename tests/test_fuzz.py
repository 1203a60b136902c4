"""Any request at all is answered: never a 500, a stack trace, a server's path or a hung child.

FUZZ_EXAMPLES makes it longer; script/fuzz does so.
"""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from fuzz_cases import CASES
from fuzzing import Shot, complaints, shots
from hypothesis import HealthCheck, Phase, given, settings
from serving import Server, copy_example, wait_until

from engine.pool import Pool

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "250"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(copy_example(tmp_path_factory.mktemp("fuzz"))) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


@pytest.fixture
def session_key(client: httpx.Client) -> str:
    """A session with a value, a plot, text, a bound variable and an uploaded file."""
    files = {"file": ("a.csv", b"a,b\n1,2\n"), "x": (None, "[1,2,3]", "application/json")}
    code = {"...": (None, "{ plot(x); print(x); message('m'); warning('w'); data.frame(x) }")}
    answer = client.post("/ocpu/library/base/R/list", files={**files, **code})
    assert answer.status_code == 201, answer.text
    return str(answer.headers["x-ocpu-session"])


@pytest.mark.server
@pytest.mark.parametrize("shot", CASES, ids=lambda shot: f"{shot.method} {shot.path}"[:80])
def test_what_once_broke_is_answered(
    server: Server, client: httpx.Client, session_key: str, shot: Shot
) -> None:
    assert complaints(shot.send(client, session_key), server) == []


@pytest.mark.server
def test_any_request_is_answered(server: Server, client: httpx.Client, session_key: str) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize="FUZZ_EXAMPLES" not in os.environ,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(shots())
    def answered(shot: Shot) -> None:
        assert complaints(shot.send(client, session_key), server) == []

    answered()

    def idle() -> bool:
        state = client.get("/readyz").json()
        return bool(state["running"] == state["waiting"] == 0)

    wait_until(idle, within_s=10)


@pytest.mark.server
def test_no_child_outlives_its_call(server: Server, client: httpx.Client) -> None:
    """After all of the above there are those that are kept ready, or stay live, and no more."""
    work = server.project / ".larder" / "work"
    with closing(Pool(server.project / ".larder" / "engine.sock")) as pool:

        def are_expected() -> bool:
            info = pool.info()
            spares = 2 * (os.cpu_count() or 1) * len(info["templates"])
            return len(_children(work)) <= spares + len(info["live"])

        wait_until(are_expected)
    assert client.get("/readyz").json()["status"] == "ready"


def _children(work: Path) -> list[Path]:
    return [path for path in work.iterdir() if path.name.isdigit()]
