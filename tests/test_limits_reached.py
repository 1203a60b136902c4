"""A call that reaches a limit is ended, told which, and keeps what it did until then."""

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from serving import ROOT, Server, wait_until

from cache.sessions import SessionFolder
from engine.call import Argument, FunctionCall
from engine.errors import CallCancelled, LimitReached
from engine.evaluation import Evaluation
from engine.limits import Limits
from engine.pool import Pool
from engine.process_tree import running

pytestmark = pytest.mark.r

BRIM = ROOT / "tests" / "projects" / "brim"


@dataclass(frozen=True)
class Breach:
    """What runs into a limit, and what is said of it.

    `of_the_job` stands where a call of the job is told another amount.
    """

    fills: str
    limit: str
    value: float
    unit: str
    said: str
    of_the_job: float | None = None
    status: int = 400

    def __str__(self) -> str:
        return self.fills


BREACHES = [
    Breach("timeout", "timeout", 1, "seconds", "after 1 seconds", status=504),
    Breach("cpu_time", "cpu_time", 2, "seconds", "after 2 seconds of processor time"),
    Breach("memory", "memory", 600 * 2**20, "bytes", "at 600 MB of memory"),
    Breach("allocation", "memory", 600 * 2**20, "bytes", "at 600 MB of memory"),
    Breach("file_size", "file_size", 2 * 2**20, "bytes", "at a file of 2 MB"),
    Breach("disk", "disk", 4 * 2**20, "bytes", "at files of 4 MB"),
    Breach("processes", "processes", 8, "processes", "at 8 processes"),
    Breach("output", "output", 100 * 2**10, "bytes", "after 100 KB of output", 50 * 2**10),
    Breach("plots", "plots", 3, "plots", "after 3 plots"),
]


@dataclass(frozen=True)
class Outcome:
    """What a call did, the limit that it reached, and what it printed."""

    evaluation: Evaluation
    limit: str | None
    stdout: list[str]


class Brim:
    """A server of little room, its engine, and what came of every breach, all at once."""

    def __init__(self, server: Server) -> None:
        self.client = server.client()
        state = server.project / ".larder"
        self.work = state / "work"
        self.sessions = SessionFolder(state / "sessions")
        self.pool = Pool(state / "engine.sock")
        with ThreadPoolExecutor(4) as threads:
            kinds = [breach.fills for breach in BREACHES]
            called = threads.map(self._call, kinds)
            asked = threads.map(self._ask, kinds)
            self.called = dict(zip(kinds, called, strict=True))
            self.asked = dict(zip(kinds, asked, strict=True))

    def close(self) -> None:
        self.client.close()
        self.pool.close()

    def _call(self, kind: str) -> httpx.Response:
        if kind == "timeout":
            return self.client.post("/ocpu/library/brim/R/rests/json")
        # As an expression, the call has nothing to do with the job.
        form = {"expr": f"brim::fills('{kind}')"}
        return self.client.post("/ocpu/library/base/R/eval/json", data=form)

    def _ask(self, kind: str) -> httpx.Response:
        if kind == "timeout":
            return self.client.get("/v1/results/rests")
        return self.client.get("/v1/results/fills", params={"limit": kind})

    def evaluate(self, code: str, limits: Limits) -> Outcome:
        """What came of the code."""
        stage = self.sessions.stage()
        limit = None
        try:
            done = self.pool.evaluate(calling(code), stage=stage.path, limits=limits)
        except LimitReached as error:
            if error.evaluation is None:
                raise
            done, limit = error.evaluation, error.limit
        self.sessions.publish(stage)
        texts = self.sessions.open(stage.session_key).manifest.texts
        return Outcome(done, limit, texts["stdout"])


def calling(code: str) -> FunctionCall:
    return FunctionCall("base", "eval", (Argument("expr", "code", f"{{{code}}}"),))


@pytest.fixture(scope="module")
def brim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brim]:
    project = tmp_path_factory.mktemp("limits") / "brim"
    shutil.copytree(BRIM, project)
    with Server(project, workers=1) as server:
        brim = Brim(server)
        yield brim
        brim.close()


@pytest.mark.parametrize("breach", BREACHES, ids=str)
def test_a_breach_is_an_error_that_names_limit_and_setting(brim: Brim, breach: Breach) -> None:
    answer = brim.called[breach.fills]
    assert answer.status_code == breach.status
    assert answer.headers["content-type"].startswith("text/plain")
    assert f"the call was stopped {breach.said}, its limit (" in answer.text
    setting = "timeout_post" if breach.limit == "timeout" else breach.limit
    assert f"engine.{setting}" in answer.text


@pytest.mark.parametrize("breach", BREACHES, ids=str)
def test_the_session_of_an_ended_call_has_all_until_then(brim: Brim, breach: Breach) -> None:
    answer = brim.called[breach.fills]
    key = answer.headers["x-ocpu-session"]
    assert answer.headers["location"].endswith(f"/ocpu/tmp/{key}/")

    def told(path: str) -> str:
        found = brim.client.get(f"/ocpu/tmp/{key}/{path}", follow_redirects=True)
        assert found.status_code == 200, path
        return found.text

    console = told("console")
    assert console.startswith(("> eval(", "> rests("))
    assert f"filling {breach.fills} \n" in console
    assert f"Message:\nit is {breach.fills}\n" in console
    assert "Error:\n" in console
    assert told("messages") == f"it is {breach.fills}\n\n"
    assert told("stdout").startswith(f"filling {breach.fills}")
    assert told("files/left.txt") == "kept"
    assert "R version" in told("info")
    assert "R/.val" not in told("")
    assert told("zip")


@pytest.mark.parametrize("breach", BREACHES, ids=str)
def test_a_breach_is_a_problem_with_its_facts(brim: Brim, breach: Breach) -> None:
    answer = brim.asked[breach.fills]
    assert answer.status_code == breach.status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    facts = [problem[name] for name in ("status", "limit", "value", "unit")]
    assert facts == [breach.status, breach.limit, breach.of_the_job or breach.value, breach.unit]
    assert problem["setting"].startswith("engine.")
    assert "the call was stopped" in problem["detail"]
    page, _, anchor = problem["type"].partition("#")
    assert f'id="{anchor}"' in brim.client.get(page).text
    console = brim.client.get(f"{problem['session']}console/text").text
    assert f"filling {breach.fills}" in console


def test_what_ended_at_a_limit_is_not_cached(brim: Brim) -> None:
    again = brim.client.get("/v1/results/fills", params={"limit": "output"})
    assert again.status_code == 400
    assert again.json()["session"] != brim.asked["output"].json()["session"]


def test_output_of_a_running_call_can_be_read(brim: Brim) -> None:
    stage = brim.sessions.stage()
    code = "cat('one\\n'); message('two'); warning('three'); cat('four'); Sys.sleep(60)"
    heard, place = b"", 0

    def hears_all() -> bool:
        nonlocal heard, place
        found = brim.pool.console(stage.session_key, place)
        if found is not None:
            heard, place = heard + found[0], found[1]
        return heard.endswith(b"four")

    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(
            brim.pool.evaluate, calling(code), stage=stage.path, limits=Limits(wall_s=60)
        )
        try:
            wait_until(hears_all)
            more = brim.pool.console(stage.session_key, place)
        finally:
            assert brim.pool.cancel(stage.session_key)
        assert isinstance(call.exception(), CallCancelled)
    brim.sessions.discard(stage)
    assert heard.startswith(b"> eval(expr = {\n+     cat(")
    assert heard.endswith(b"one\nMessage:\ntwo\nWarning message:\nthree\nfour")
    assert more == (b"", place)
    assert brim.pool.console(stage.session_key) is None


def test_a_killed_call_tells_bytes_that_are_no_text(brim: Brim) -> None:
    outcome = brim.evaluate(r"cat('a\xff\n'); Sys.sleep(60)", Limits(wall_s=0.5))
    assert (outcome.limit, outcome.stdout) == ("timeout", ["a<ff>\n"])


def test_what_forked_workers_print_is_not_the_calls_own(brim: Brim) -> None:
    forked = "parallel::mclapply(1:2, function(i) cat('theirs\n'))"
    outcome = brim.evaluate(f"{forked}; cat('ours\n'); Sys.sleep(60)", Limits(wall_s=1))
    assert (outcome.limit, outcome.stdout) == ("timeout", ["ours\n"])


def test_code_that_catches_errors_does_not_print_on(brim: Brim) -> None:
    code = "repeat tryCatch(cat('again\n'), error = identity)"
    outcome = brim.evaluate(code, Limits(output_bytes=1000))
    assert outcome.limit == "output"
    assert outcome.stdout[0].startswith("again\n" * 166)


def test_code_that_has_printed_too_much_by_its_end_has_reached_the_limit(brim: Brim) -> None:
    outcome = brim.evaluate("cat(strrep('x', 1001)); invisible(5)", Limits(output_bytes=1000))
    assert outcome.limit == "output"
    assert outcome.stdout[0].startswith("x" * 999)


def test_as_much_as_is_allowed_is_no_breach(brim: Brim) -> None:
    limits = Limits(output_bytes=1000, plots=3, file_bytes=10**6, disk_bytes=10**7)
    code = "cat(strrep('x', 990)); for (i in 1:3) plot(i); writeBin(raw(1e6), 'f'); invisible(5)"
    outcome = brim.evaluate(code, limits)
    assert (outcome.limit, outcome.evaluation.ok) == (None, True)
    assert "graphics/3" in outcome.evaluation.listing


def test_a_limit_that_code_runs_into_and_handles_is_no_breach(brim: Brim) -> None:
    code = "tryCatch(numeric(1e10), error = function(e) 'handled')"
    assert brim.evaluate(code, Limits(memory_bytes=300 * 2**20)).evaluation.ok


def test_files_of_the_temporary_folder_count(brim: Brim) -> None:
    code = "for (i in 1:1e6) {cat(i, file = tempfile()); if (i %% 100 == 0) Sys.sleep(0.02)}"
    assert brim.evaluate(code, Limits(disk_bytes=2**20)).limit == "disk"


def test_each_cell_of_a_batch_has_limits_and_a_console_of_its_own(brim: Brim) -> None:
    codes = [
        "cat('a\n'); 1",
        "cat('b\n'); repeat 1",
        "cat('c\n'); writeBin(raw(2e6), 'f')",
        "cat('d\n'); 4",
    ]
    stages = [brim.sessions.stage() for _ in codes]
    calls = [(calling(code), stage.path) for code, stage in zip(codes, stages, strict=True)]
    limits = Limits(cpu_s=1, file_bytes=10**6)
    outcomes = dict(brim.pool.evaluate_many(calls, limits=limits, outputs=()))
    ends = [getattr(outcomes[index], "limit", "none") for index in range(4)]
    assert ends == ["none", "cpu_time", "file_size", "none"]
    for stage in stages:
        brim.sessions.publish(stage)
    said = [brim.sessions.open(stage.session_key).manifest.texts["stdout"][0] for stage in stages]
    assert [text[0] for text in said] == ["a", "b", "c", "d"]


def test_neighbours_of_an_ended_call_are_not_harmed(brim: Brim) -> None:
    neighbour = "for (i in 1:20) {cat(i, '\n'); Sys.sleep(0.05)}; 'unharmed'"
    with ThreadPoolExecutor(2) as threads:
        beside = threads.submit(brim.evaluate, neighbour, Limits())
        ended = brim.evaluate("brim::memory()", Limits(memory_bytes=600 * 2**20))
        assert ended.limit == "memory"
        assert beside.result().evaluation.ok


def _folders(brim: Brim) -> int:
    """How many there are of children, but for those of live sessions."""
    return len(list(brim.work.glob("[0-9]*"))) - len(brim.pool.info()["live"])


def test_nothing_is_left_of_ended_calls(brim: Brim) -> None:
    wait_until(lambda: not brim.pool.under_way())
    spares = 4 * (os.cpu_count() or 1)
    wait_until(lambda: _folders(brim) <= spares)
    assert not list((brim.sessions.root / ".staging").glob("x0*/left.txt"))
    spares += len(brim.pool.info()["live"])
    brims = [one for one in running() if str(brim.work.parent) in _folder_of(one.pid)]
    assert len(brims) <= 2 + spares


def _folder_of(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/cwd").readlink())
    except OSError:
        return ""
