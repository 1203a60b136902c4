"""Secrets as canaries: put where they belong, and looked for in all that a server gives out."""

import base64
import gzip
import os
import subprocess
import sys
import zlib
from collections.abc import Iterator, Mapping
from urllib.parse import quote, quote_plus

import httpx
import pytest
from serving import ROOT, Server, wait_until

from api.operations import RULES

pytestmark = pytest.mark.r

ODD = "c@n/r+y &x="
"""Characters that are written otherwise in URLs and Base64."""
TOKEN = f"token-{ODD}-1"
PASSWORD = f"password-{ODD}-2"
SIGNING = f"signing-{ODD}-3"
HOOK = f"hook-{ODD}-4"
MAIL = f"mail-{ODD}-5"
GITHUB = f"github-{ODD}-6"
PUSHES = f"pushes-{ODD}-7"
WRONG_KEY = "larder_" + "W" * 40
CANARIES = (TOKEN, PASSWORD, SIGNING, HOOK, MAIL, GITHUB, PUSHES)

JOBS = """
defaults:
  notify:
    on: [failed]
    webhook: {url: {env: HOOK_URL}, secret: {env: HOOK_SECRET}}
    email: a@example.com
jobs:
  knows:
    function: scoring::knows
    args: {weight: {type: number}, token: {default: {env: STOCK_TOKEN}}}
    grid: {weight: [50, 60]}
  fails:
    function: scoring::fails
    args: {weight: {type: number}, token: {default: {env: STOCK_TOKEN}}}
    grid: {weight: [50]}
  prices:
    function: scoring::prices
    rows:
      from: {sql: {url: {env: WAREHOUSE_URL}, query: SELECT 1 AS id}}
      key: id
      pass_as: newdata
"""
MODELS = """
knows <- function(weight, token) { print(token); message(token); nchar(token) + weight }
fails <- function(weight, token) stop("401 for https://host/?token=", token)
prices <- function(newdata) newdata$id
"""


def environment() -> dict[str, str]:
    login = f"ada:{quote(PASSWORD, safe='')}"
    return {
        "STOCK_TOKEN": TOKEN,
        "WAREHOUSE_URL": f"postgresql+psycopg://{login}@127.0.0.1:1/stock",
        "HOOK_URL": f"http://127.0.0.1:1/{quote(HOOK, safe='')}",
        "HOOK_SECRET": SIGNING,
        "LARDER_MAIL__SERVER": "127.0.0.1",
        "LARDER_MAIL__PORT": "1",
        "LARDER_MAIL__USER": "ada",
        "LARDER_MAIL__PASSWORD": MAIL,
        "LARDER_INSTALL__WEBHOOK_SECRET": PUSHES,
        "LARDER_INSTALL__GITHUB_URL": f"http://ada:{quote(GITHUB, safe='')}@127.0.0.1:1",
        "LARDER_INSTALL__ALLOW": "[github::ada/app]",
        "LARDER_ACCESS__KEY_IN_QUERY": "true",
        "LARDER_AUDIT__ARGUMENTS": "text",
        "LARDER_LOG__LEVEL": "debug",
    }


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    project = tmp_path_factory.mktemp("scoring")
    for folder, name, text in (("jobs", "a.yaml", JOBS), ("models", "m.R", MODELS)):
        (project / folder).mkdir()
        (project / folder / name).write_text(text)
    (project / "larder.yaml").write_text("name: scoring\n")
    with pytest.MonkeyPatch.context() as patch:
        for name, text in environment().items():
            patch.setenv(name, text)
        with Server(project, workers=1) as server:
            yield server


def forms(secret: str) -> set[bytes]:
    """A secret as it may be written."""
    plain = secret.encode()
    found = {plain, quote(secret).encode(), quote(secret, safe="").encode()}
    found |= {quote_plus(secret).encode(), secret.replace("&", "\\u0026").encode()}
    for shift in range(3):  # wherever it stands in what is encoded
        encoded = base64.b64encode(b"x" * shift + plain)
        found.add(encoded[4 if shift else 0 : len(encoded) - 4])
    return found


def assert_without(where: str, content: bytes, secrets: tuple[str, ...] = CANARIES) -> None:
    for secret in secrets:
        for form in forms(secret):
            assert form not in content, f"{secret} is in {where}, as {form!r}"


def request_of(path: str) -> str:
    """A request of a route of /v1, with names that there are."""
    names = {"job": "fails", "run_id": "1", "key": "x0123456789abcd", "path:path": "no"}
    for name, value in {**names, "ending": "csv"}.items():
        path = path.replace(f"{{{name}}}", value)
    return path


def answers(server: Server) -> Iterator[tuple[str, httpx.Response]]:
    basic = base64.b64encode(f"ada:{WRONG_KEY}".encode()).decode()
    shown: list[Mapping[str, str]] = [
        {},
        {"Authorization": f"Bearer {WRONG_KEY}"},
        {"Authorization": f"Basic {basic}"},
    ]
    with server.client() as client:
        client.timeout = httpx.Timeout(30)
        client.headers["Connection"] = "close"  # one that the server closes is not used again
        for number, rule in enumerate(RULES):
            if rule.path.endswith("/events"):
                continue  # it goes on without end
            for method in rule.methods:
                path, headers = request_of(rule.path), shown[number % 3]
                yield path, client.request(method, path, headers=headers)
        for job in ("knows", "fails", "prices"):
            for path in ("", "/explain?weight=50", "/runs", "/diff"):
                yield path, client.get(f"/v1/jobs/{job}{path}")
            for path in ("?weight=50", ".csv?weight=50", "/table", "?id=1", f"?key={WRONG_KEY}"):
                yield path, client.get(f"/v1/results/{job}{path}")
        library = "/ocpu/library/scoring/R"
        for path in ("knows", "knows/json", "fails", "fails/console"):
            answer = client.post(f"{library}/{path}", data={"weight": "70"})
            yield path, answer
            if (session := answer.headers.get("x-ocpu-session")) is not None:
                for part in ("", "console", "stdout", "messages", "source", "info", "R", "R/.val"):
                    yield part, client.get(f"/ocpu/tmp/{session}/{part}")
                yield "zip", client.get(f"/ocpu/tmp/{session}/zip")
        for code in ("Sys.getenv()", "commandArgs()", "readLines('/proc/self/environ')", "ls()"):
            yield code, client.post("/ocpu/library/base/R/identity/print", data={"x": code})
        yield "webhook", client.post("/ocpu/webhook", json={"ref": "x"})
        for path in ("/ocpu/info", "/ocpu/github/ada/app/", "/ocpu/apps/ada/app/", "/metrics"):
            yield path, client.get(path)


def commands(server: Server) -> Iterator[tuple[str, bytes]]:
    for line in (
        "status --json",
        "check",
        "doctor",
        "schema",
        "plan",
        "run prices",
        "run fails --json",
        "runs --json",
        "runs 1 --json",
        "explain fails weight=50",
        "get fails weight=50",
        "calls --json",
        "install github::ada/app",
        "audit --json",
        "audit export",
    ):
        command = [sys.executable, "-m", "larder", *line.split()]
        place = {"check": [str(server.project)], "schema": [], "doctor": []}.get(
            line, ["--project", str(server.project)]
        )
        if line.split()[0] in ("status", "plan"):
            place = [str(server.project)]
        debug = {"LARDER_DEBUG": "1"} if "--json" not in line else {}
        done = subprocess.run(
            [*command, *place],
            cwd=ROOT,
            env={**os.environ, **environment(), **debug},
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert done.returncode != 2, done.stderr.decode()
        yield line, done.stdout + done.stderr


def stored(server: Server) -> Iterator[tuple[str, bytes]]:
    """All files of the server, those that are compressed as they are, too."""
    for path in (server.project / ".larder").rglob("*"):
        if not path.is_file() or path.is_relative_to(server.project / ".larder" / "work"):
            continue
        content = path.read_bytes()
        yield str(path), content
        if content.startswith(b"\x1f\x8b"):
            yield f"{path}, unpacked", gzip.decompress(content)
        elif content.startswith(b"x\x9c"):
            yield f"{path}, inflated", zlib.decompress(content)


def test_no_secret_comes_out_of_a_server(server: Server) -> None:
    said = 0
    for where, answer in answers(server):
        content = answer.content + repr(answer.headers.multi_items()).encode()
        assert_without(where, content, (*CANARIES, WRONG_KEY))
        said += 1
    assert said > 80
    for where, told in commands(server):
        assert_without(f"larder {where}", told)
    wait_until(lambda: "message not delivered" in server.log.read_text())
    assert_without("the log", server.log.read_bytes(), (*CANARIES, WRONG_KEY))
    for where, content in stored(server):
        assert_without(where, content, (*CANARIES, WRONG_KEY))
