"""Pushes to GitHub: the newest commit is installed, and nobody else's word is taken for one."""

import hmac
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from serving import wait_until
from shop import commit, git, package
from worker import Worker, engine, worker

from api.push_event import PushEvent
from engine.install_policy import InstallPolicy
from engine.shelf import Shelf

SECRET = "between us"
NOWHERE = "0" * 40


def news(text: str) -> dict[str, str]:
    return package("news", f'news <- function() "{text}"\n')


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with engine(tmp_path_factory.mktemp("state")) as state:
        yield state


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    commit(tmp_path / "ada" / "paper", news("first"))
    return tmp_path


def policy(origin: Path, *allow: str, secret: str | None = SECRET) -> InstallPolicy:
    return InstallPolicy(
        allow=allow or ("github::ada/*",), github_url=str(origin), webhook_secret=secret
    )


@pytest.fixture
def made(state: Path, origin: Path) -> Iterator[Worker]:
    with worker(state, install=policy(origin)) as made:
        yield made


def push(commit: str, **changes: Any) -> dict[str, Any]:
    repository = {
        "full_name": "ada/paper",
        "default_branch": "main",
        **changes.pop("repository", {}),
    }
    return {"ref": "refs/heads/main", "after": commit, "repository": repository, **changes}


def deliver(
    made: Worker,
    payload: object,
    *,
    event: str = "push",
    secret: str | None = SECRET,
    form: bool = False,
    headers: dict[str, Any] | None = None,
) -> httpx.Response:
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    kind = "application/json"
    if form:
        content, kind = b"payload=" + quote(content).encode(), "application/x-www-form-urlencoded"
    sent: dict[str, Any] = {"Content-Type": kind, "X-GitHub-Event": event}
    if secret is not None:
        digest = hmac.new(secret.encode(), content, "sha256").hexdigest()
        sent["X-Hub-Signature-256"] = f"sha256={digest}"
    return made.post("/webhook", content=content, headers=sent | (headers or {}))


def installed(state: Path) -> str | None:
    found = Shelf(state / "apps").find("github", "ada/paper")
    return None if found is None else found.commit


@pytest.mark.r
@pytest.mark.parametrize("form", [False, True])
def test_push_is_installed_and_served(
    made: Worker, state: Path, origin: Path, caplog: pytest.LogCaptureFixture, form: bool
) -> None:
    caplog.set_level(logging.INFO, "api.deployments")
    text = f"by form {form}"
    pushed = commit(origin / "ada" / "paper", news(text))
    made.services.deployments.answer_within_s = 60
    answer = deliver(made, push(pushed), form=form)
    assert answer.status_code == 200, answer.text
    assert answer.text == (
        f"Installed ada/paper at commit {pushed}: {made.url}/ocpu/apps/ada/paper/\n"
    )
    assert installed(state) == pushed
    assert made.post("/apps/ada/paper/R/news/json").json() == [text]
    told = [r.getMessage() for r in caplog.records if r.name == "api.deployments"]
    assert told[0].startswith(f"installed app=ada/paper commit={pushed} took_s=")


@pytest.mark.r
def test_push_that_takes_long_is_answered_before_it_is_installed(
    made: Worker, state: Path, origin: Path
) -> None:
    pushed = commit(origin / "ada" / "paper", news("long"))
    made.services.deployments.answer_within_s = 0
    answer = deliver(made, push(pushed))
    assert answer.status_code == 202
    assert f"{made.url}/ocpu/apps/ada/paper/info" in answer.text
    wait_until(lambda: installed(state) == pushed)


@pytest.mark.r
def test_old_delivery_sent_again_brings_no_old_commit_back(
    made: Worker, state: Path, origin: Path
) -> None:
    made.services.deployments.answer_within_s = 60
    old = commit(origin / "ada" / "paper", news("old"))
    assert deliver(made, push(old)).status_code == 200
    new = commit(origin / "ada" / "paper", news("new"))
    again = deliver(made, push(old))
    assert (again.status_code, f"newer than {old}" in again.text) == (200, True)
    assert installed(state) == new


@pytest.mark.r
def test_app_that_cannot_be_built_stays_as_it_was(made: Worker, state: Path, origin: Path) -> None:
    made.services.deployments.answer_within_s = 60
    good = commit(origin / "ada" / "paper", news("good"))
    assert deliver(made, push(good)).status_code == 200
    broken = commit(origin / "ada" / "paper", package("news", "stop('broken')\n"))
    answer = deliver(made, push(broken))
    assert (answer.status_code, "broken" in answer.text) == (400, True)
    assert str(origin) not in answer.text
    assert installed(state) == good


@pytest.mark.r
@pytest.mark.parametrize(
    "changes",
    [
        {"ref": "refs/heads/feature"},
        {"ref": "refs/tags/main"},
        {"deleted": True},
        {"after": NOWHERE},
        {"after": None},
        {"repository": {"default_branch": None}},
        {"repository": {"default_branch": "trunk"}},
    ],
)
def test_push_of_anything_but_the_default_branch_is_ignored(
    made: Worker, changes: dict[str, Any]
) -> None:
    answer = deliver(made, push("a" * 40, **changes))
    assert (answer.status_code, answer.text.startswith("Ignored")) == (200, True)


def test_default_branch_may_have_its_old_name() -> None:
    old = {"default_branch": None, "master_branch": "main"}
    event = PushEvent.read(push("a" * 40, repository=old))
    assert event.is_news
    assert PushEvent.read(push("a" * 64)).is_news


@pytest.mark.r
def test_ping_and_other_events_install_nothing(made: Worker) -> None:
    assert (deliver(made, {"zen": "."}, event="ping").text) == "pong\n"
    other = deliver(made, push("a" * 40), event="star")
    assert (other.status_code, other.text.startswith("Ignored")) == (200, True)


@pytest.mark.r
def test_delivery_that_is_not_signed_as_agreed_is_refused(made: Worker, state: Path) -> None:
    before = installed(state)
    assert deliver(made, push("a" * 40), secret=None).status_code == 401
    assert deliver(made, push("a" * 40), secret="another").status_code == 403
    for signature in (b"sha256=", b"sha1=abc", b"sha256=\xe9"):
        headers = {"X-Hub-Signature-256": signature}
        assert deliver(made, push("a" * 40), headers=headers).status_code == 403
    assert deliver(made, {}, event="ping", secret=None).status_code == 401
    assert installed(state) == before


@pytest.mark.r
def test_repository_that_is_not_allowed_is_refused(state: Path, origin: Path) -> None:
    with worker(state, install=policy(origin, "github::eve/*", secret=None)) as made:
        answer = deliver(made, push("a" * 40), secret=None)
        assert answer.status_code == 403
        assert 'install: {allow: ["github::ada/paper"]}' in answer.text


@pytest.mark.r
@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"[]",
        b"{}",
        b'"text"',
        b'{"ref": "x", "repository": []}',
        b'{"ref": "x", "repository": {"full_name": ["a"]}}',
        b'{"ref": 1, "repository": {"full_name": "../..", "default_branch": 2}}',
    ],
)
def test_delivery_that_makes_no_sense_is_a_clear_error(made: Worker, payload: bytes) -> None:
    answer = deliver(made, payload)
    assert answer.status_code in {400, 403}, answer.text
    assert "Traceback" not in answer.text
    assert deliver(made, payload, form=True).status_code in {400, 403}


@pytest.mark.r
def test_delivery_larger_than_any_of_github_is_refused(made: Worker) -> None:
    assert deliver(made, b" " * (25 * 2**20 + 1)).status_code == 413


@pytest.mark.r
def test_address_explains_itself(made: Worker) -> None:
    said = made.get("/webhook")
    assert (said.status_code, f"{made.url}/ocpu/webhook" in said.text) == (200, True)
    assert "cache-control" not in said.headers
    assert made.client.head("/webhook").content == b""
    assert made.client.options("/webhook").status_code == 200
    refused = made.client.delete("/webhook")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, POST, OPTIONS")
    assert made.get("/webhook/more").status_code == 404


@pytest.mark.r
def test_more_deployments_than_may_be_under_way_are_sent_away(made: Worker, origin: Path) -> None:
    head = git(origin / "ada" / "paper", "rev-parse", "HEAD")
    while made.services.deployments._places.acquire(blocking=False):
        pass
    assert deliver(made, push(head)).status_code == 503
