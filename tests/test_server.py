"""A real server, from the first fire to a SIGKILL in the middle and on."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from serving import Server, copy_example, wait_until

pytestmark = pytest.mark.server

ROWS = 600
BATCH = 50
SLOW_PROJECT = {
    "larder.yaml": "name: slow\nengine: {walls: off}\n",  # it writes where tests look
    "models/slow.R": """
# Notes which rows it was given, then takes its time: tests count what was computed twice.
scored <- function(newdata) {
  # One write a batch: two children append to the same file.
  cat(paste0(newdata$id, "\\n", collapse = ""), file = "LOG", append = TRUE)
  Sys.sleep(0.15)
  data.frame(score = newdata$x * 2)
}
""",
    "jobs/slow.yaml": f"""
version: 1
jobs:
  scores:
    function: slow::scored
    rows: {{from: {{csv: data/rows.csv}}, key: id, pass_as: newdata, batch: {BATCH}}}
    schedule: at_start
""",
    "data/rows.csv": "id,x\n" + "".join(f"{i},{i}.5\n" for i in range(ROWS)),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(copy_example(tmp_path_factory.mktemp("server"))) as server:
        yield server


def last_run(client: httpx.Client, job: str) -> dict[str, object] | None:
    return client.get(f"/v1/jobs/{job}").json()["last_run"]  # type: ignore[no-any-return]


def test_schedule_fires_soon_after_the_first_start(server: Server) -> None:
    with server.client() as client:
        for job in ("weight_gain", "diamond_prices"):
            wait_until(
                lambda job=job: (last_run(client, job) or {}).get("status") == "succeeded", 60
            )
        jobs = {job["name"]: job for job in client.get("/v1/jobs").json()["jobs"]}
        assert jobs["weight_gain"]["freshness"]["fresh"] == 77
        assert jobs["diamond_prices"]["freshness"]["fresh"] == 53_940
        assert jobs["weight_gain"]["next_fire"] is not None
        answer = client.get("/v1/results/diamond_prices", params={"id": 53_940})
        assert answer.headers["cache-status"].startswith("larder; hit")
        assert answer.json()["predicted_price"] > 300


def test_explanation_says_what_made_an_answer_and_what_is_near_another(server: Server) -> None:
    with server.client() as client:
        wait_until(lambda: (last_run(client, "weight_gain") or {}).get("status") == "succeeded", 60)
        url = "/v1/jobs/weight_gain/explain"
        hit = client.get(url, params={"treatment": "CBT", "prewt": 80}).json()
        assert (hit["state"], hit["made_by"]["code"]["package"]) == ("hit", "scoring")
        assert hit["made_by"]["code"]["r"].startswith("R version ")
        made_by = client.get(f"/v1/runs/{hit['made_by']['run']}").json()
        assert made_by["job"] == "weight_gain"
        near = client.get(url, params={"treatment": "CBT", "prewt": 80.25}).json()["nearest"]
        assert near["differs_in"] == [{"argument": "prewt", "asked": 80.25, "prepared": 80}]
        assert client.get("/v1/jobs/weight_gian/explain").status_code == 404


def test_call_not_prepared_is_a_hit_the_next_time(server: Server) -> None:
    with server.client() as client:
        url = "/ocpu/library/scoring/R/gain/json"
        first = client.post(url, data={"treatment": '"FT"', "prewt": "101"})
        again = client.post(url, json={"prewt": 101, "treatment": "FT"})
        assert first.headers["cache-status"].startswith("larder; fwd=miss; stored")
        assert again.headers["cache-status"].startswith("larder; hit")
        assert (again.status_code, again.content) == (201, first.content)
        result = client.get("/v1/results/weight_gain", params={"treatment": "FT", "prewt": 101})
        assert result.headers["cache-status"].startswith("larder; hit")


def test_error_of_r_is_never_stored(server: Server) -> None:
    with server.client() as client:
        for _ in range(2):
            answer = client.post("/ocpu/library/scoring/R/gain/json", json={"treatment": "none"})
            assert answer.status_code == 400
            assert "In call:" in answer.text or "treatment" in answer.text
            assert "cache-status" not in answer.headers
            session = answer.headers["x-ocpu-session"]
            assert client.get(f"/ocpu/tmp/{session}/console/text").status_code == 200


def test_prepared_session_is_read_like_any_other(server: Server) -> None:
    with server.client() as client:
        answer = client.post(
            "/ocpu/library/scoring/R/gain", data={"treatment": '"CBT"', "prewt": "80"}
        )
        listing = answer.text.splitlines()
        for path in listing:
            assert client.get(path, follow_redirects=True).status_code == 200, path
        picture = client.get(f"{listing[2]}/png")
        assert picture.content.startswith(b"\x89PNG")


def test_format_that_was_not_prepared_comes_from_the_prepared_session(server: Server) -> None:
    with server.client() as client:
        arguments = {"treatment": '"Cont"', "prewt": "75"}
        url = "/ocpu/library/scoring/R/gain"
        client.post(f"{url}/json", data=arguments)
        for ending in ("print", "rds", "svg", "json?digits=2"):
            answer = client.post(f"{url}/{ending}", data=arguments)
            assert answer.status_code == 201, answer.text
            assert answer.headers["cache-status"].startswith("larder; hit"), ending
        assert answer.json()[0]["gain"] == round(answer.json()[0]["gain"], 2)


def test_table_has_all_cells(server: Server) -> None:
    with server.client() as client:
        wait_until(lambda: (last_run(client, "weight_gain") or {}).get("status") == "succeeded", 60)
        rows = client.get("/v1/results/weight_gain/table").json()
        assert len(rows) == 77
        assert list(rows[0])[:3] == ["treatment", "prewt", "level"]
        text = client.get("/v1/results/weight_gain/table.csv?treatment=CBT&columns=prewt,gain").text
        table = list(csv.DictReader(io.StringIO(text)))
        assert len(table) == 26
        assert set(table[0]) == {"prewt", "gain"}


def test_chain_of_an_uploaded_file(server: Server) -> None:
    data = server.project / "data" / "anorexia.csv"
    with server.client() as client:
        with data.open("rb") as file:
            read = client.post("/ocpu/library/utils/R/read.csv", files={"file": file})
        table = read.headers["x-ocpu-session"]
        grouped = client.post(
            "/ocpu/library/dplyr/R/group_by", data={".data": table, "...": "Treat"}
        ).headers["x-ocpu-session"]
        summary = client.post(
            "/ocpu/library/dplyr/R/summarise/json",
            data={".data": grouped, "...": "gain = mean(Postwt - Prewt)"},
        )
        assert summary.status_code == 201, summary.text
        assert {row["Treat"] for row in summary.json()} == {"CBT", "Cont", "FT"}


def test_crash_of_r_leaves_the_server_as_it_was(server: Server) -> None:
    with server.client() as client:
        crash = client.post("/ocpu/library/base/R/q", data={})
        assert crash.status_code == 400
        assert "q() or quit()" in crash.text
        killed = {"pid": "Sys.getpid()", "signal": "11"}
        crash = client.post("/ocpu/library/tools/R/pskill", data=killed)
        assert (crash.status_code, "segmentation fault" in crash.text) == (500, True)
        assert client.post("/ocpu/library/base/R/sum/json", data={"...": "1,2"}).json() == [3]


def test_hit_starts_no_r(server: Server) -> None:
    with server.client() as client:
        params = {"treatment": "CBT", "prewt": 90}
        client.get("/v1/results/weight_gain", params=params)
        before = client.get("/readyz").json()["calls"]
        for _ in range(20):
            answer = client.get("/v1/results/weight_gain", params=params)
            assert answer.headers["cache-status"].startswith("larder; hit")
        assert client.get("/readyz").json()["calls"] == before


def test_killed_server_goes_on_where_it_was(tmp_path: Path) -> None:
    project = tmp_path / "slow"
    for name, content in SLOW_PROJECT.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(content)
    log = tmp_path / "computed.log"
    (project / "models" / "slow.R").write_text(
        SLOW_PROJECT["models/slow.R"].replace("LOG", str(log))
    )
    server = Server(project)
    with server:
        wait_until(lambda: log.exists() and len(log.read_text().split()) >= 3 * BATCH)
        server.kill()
    computed_before = len(log.read_text().split())
    assert computed_before < ROWS
    with server, server.client() as client:
        wait_until(lambda: (last_run(client, "scores") or {}).get("status") == "succeeded", 60)
        for row in (0, 299, ROWS - 1):
            answer = client.get("/v1/results/scores", params={"id": row})
            assert answer.json() == {"id": row, "score": 2 * row + 1.0}
        table = client.get("/v1/results/scores/table").json()
        assert len(table) == ROWS
    times = Counter(log.read_text().split())
    assert len(times) == ROWS
    again = [row for row, count in times.items() if count > 1]
    # Only what R had been given and had not answered when the power went: one batch per child.
    assert len(again) <= 2 * BATCH
    assert max(times.values()) == 2 if again else True


def test_concurrent_misses_of_all_workers_share_one_evaluation(server: Server) -> None:
    with server.client() as client:
        before = client.get("/readyz").json()["calls"]

    def ask(_: int) -> tuple[int, str]:
        with server.client() as client:  # its own connection: either worker may get it
            params = {"treatment": "Cont", "prewt": 61.25}
            answer = client.get("/v1/results/weight_gain", params=params)
            return answer.status_code, answer.text

    with ThreadPoolExecutor(16) as threads:
        answers = set(threads.map(ask, range(32)))
    assert len(answers) == 1
    assert next(iter(answers))[0] == 200
    with server.client() as client:
        assert client.get("/readyz").json()["calls"] == before + 1


def test_script_of_a_package_never_leaves_it(server: Server) -> None:
    with server.client() as client:
        up = "..%2F" * 8
        answer = client.post(f"/ocpu/library/MASS/scripts/{up}etc%2Fpasswd")
        assert answer.status_code == 400
        assert "root:" not in answer.text
        answer = client.post("/ocpu/library/knitr/examples/knitr-minimal.Rnw")
        assert answer.status_code in (201, 400)
        assert answer.status_code == 201 or "needs LaTeX" in answer.text


def test_help_of_the_project_is_a_clear_404(server: Server) -> None:
    with server.client() as client:
        assert client.get("/ocpu/library/scoring/man/").status_code == 200
        answer = client.get("/ocpu/library/scoring/man/gain/text")
        assert answer.status_code == 404
        assert "No documentation for 'gain'" in answer.text
