"""Messages about jobs: what is told, to whom, once, and that it arrives."""

import hashlib
import hmac
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import FakePool
from kitchen import HOUR_S, Kitchen, gain_job, price_job
from postroom import Mailed, Posted, mail_server, web_server
from serving import Server, wait_until

from engine.errors import RError
from jobs.entry_facts import entry_facts
from jobs.job import Job
from jobs.job_set import JobSet
from jobs.notices import Notices
from jobs.notify_spec import NotifySpec, Webhook
from jobs.project import read_project
from jobs.secret import EnvEntry
from jobs.status import Cause, MessageStatus, RunStatus
from larder.inspection import inspect_project
from larder.notifier import Notifier
from larder.settings_file import MailSettings

YAML = """
defaults:
  notify: {on: [failed], email: team@example.com}
jobs:
  gain:
    function: scoring::gain
    notify: {on: [failed, stale, changed: "abs(new - old) > 1"], webhook: http://x.org, email: a@b}
  other:
    function: scoring::gain
  silent:
    function: scoring::gain
    notify: {on: []}
  signed:
    function: scoring::gain
    notify: {webhook: {url: {env: HOOK_URL}, secret: {env: HOOK_KEY}}}
"""


def project(folder: Path, text: str) -> Any:
    (folder / "jobs").mkdir()
    (folder / "jobs" / "jobs.yaml").write_text("version: 1\n" + text.lstrip("\n"))
    return read_project(folder, name="scoring", timezone="UTC")


def test_job_says_who_is_told_of_what(tmp_path: Path) -> None:
    reading = project(tmp_path, YAML)
    assert not reading.problems
    jobs = reading.project.jobs
    assert jobs["gain"].notify == NotifySpec(
        failed=True,
        stale=True,
        changed=("abs(new - old) > 1",),
        webhook=Webhook("http://x.org"),
        email=("a@b",),
    )
    assert jobs["gain"].code == {("notify", "on", 2, "changed"): "abs(new - old) > 1"}
    assert jobs["other"].notify == NotifySpec(failed=True, email=("team@example.com",))
    assert jobs["silent"].notify == NotifySpec()
    signed = jobs["signed"].notify
    assert (signed.failed, signed.stale) == (True, True)
    assert signed.webhook == Webhook(EnvEntry(env="HOOK_URL"), EnvEntry(env="HOOK_KEY"))


@pytest.mark.parametrize(
    ("notify", "told"),
    [
        ("{on: [failed]}", "nobody is told: a 'webhook' or 'email' is missing"),
        ("{on: [faild], email: a@b}", "did you mean 'failed'?"),
        ("{on: [failed], email: nobody}", "'nobody' is no e-mail address"),
        ("{on: [failed], webhook: 'ftp://hunter2@x'}", "this is no http or https address"),
        ("{on: [changed: ''], email: a@b}", "this is no R expression: it is empty"),
        ("{on: [chnged: 'TRUE'], email: a@b}", "unknown key 'chnged'"),
        ("{webhook: {url: 'https://x.org', secret: hunter2}}", "expected a mapping"),
    ],
)
def test_mistake_is_told_with_its_place(tmp_path: Path, notify: str, told: str) -> None:
    text = f"jobs:\n  gain:\n    function: scoring::gain\n    notify: {notify}\n"
    problems = project(tmp_path, text).problems
    assert {problem.line for problem in problems} == {5}
    assert told in "\n".join(map(str, problems))
    assert "hunter2@" not in "\n".join(map(str, problems))


class House:
    """A kitchen with a notifier, whose messages go to real servers."""

    def __init__(self, state: Path, web: Posted, mail: Mailed, *jobs: Job) -> None:
        self.broken: set[float] = set()
        self.kitchen = Kitchen(state, *jobs, pool=FakePool(gain=self.gain))
        self.web, self.mail = web, mail
        settings = MailSettings.model_validate(
            {"server": "127.0.0.1", "port": mail.port, "tls": "off", "from": "larder@example.com"}
        )
        self.notices = Notices(
            self.kitchen.pantry, self.kitchen.catalog, "scoring", "https://larder.example.com"
        )
        self.notifier = self.another(settings)

    def another(self, settings: MailSettings) -> Notifier:
        """As after a restart."""
        return Notifier(self.notices, settings, lambda: True, every_s=60)

    def gain(self, **given: Any) -> Any:
        if given["prewt"] in self.broken:
            raise RError("no such weight", "no such weight")
        return [{"gain": given["prewt"] / 10}]

    def run(self, **by: float) -> None:
        self.kitchen.clock.advance(**by)
        self.kitchen.runner.run(self.kitchen.pantry.jobs.job("weight_gain"), Cause.MANUAL)

    def tell(self) -> None:
        self.notifier.notice()
        self.notifier.deliver()

    def events(self) -> list[object]:
        return [message["events"] for message in self.web.messages]


@pytest.fixture
def web() -> Iterator[Posted]:
    with web_server() as posted:
        yield posted


@pytest.fixture
def mail() -> Iterator[Mailed]:
    with mail_server() as mailed:
        yield mailed


@pytest.fixture
def house(tmp_path: Path, web: Posted, mail: Mailed) -> Iterator[House]:
    everything = NotifySpec(
        failed=True, stale=True, webhook=Webhook(f"{web.url}/hook"), email=("a@example.com",)
    )
    opened = House(tmp_path, web, mail, gain_job(notify=everything))
    yield opened
    opened.kitchen.close()


def notify(house: House, **changes: Any) -> None:
    job = house.kitchen.pantry.jobs.job("weight_gain")
    spec = replace(job.notify, **changes)
    house.kitchen.pantry.use(JobSet([replace(job, notify=spec)]))


def test_failed_run_is_told_once_by_each_way(house: House) -> None:
    house.broken = {80}
    house.run()
    for _ in range(3):
        house.tell()
    (message,) = house.web.messages
    assert message["summary"] == (
        "weight_gain: run 1 failed in part: 2 of 6 failed; the first: no such weight"
    )
    assert message["link"] == "https://larder.example.com/v1/runs/1"
    failures: Any = message["failures"]
    arguments = {"treatment": "CBT", "prewt": 80, "level": 0.95}
    assert {"arguments": arguments, "error": "no such weight"} in failures
    (mail,) = house.mail.mails
    assert mail["Subject"].startswith("[scoring] weight_gain: run 1 failed in part")
    assert (mail["From"], mail["To"]) == ("larder@example.com", "a@example.com")
    text = mail.get_content()
    assert "failed: treatment='CBT' prewt=80 level=0.95: no such weight" in text
    assert "https://larder.example.com/v1/runs/1" in text


def test_run_that_succeeds_after_a_failure_is_told(house: House) -> None:
    house.broken = {70, 80, 90}
    house.run()
    house.broken = set()
    for _ in range(3):
        house.run(hours=2)
    house.tell()
    assert house.events() == [["failed"], ["recovered"]]


def test_message_outlives_a_restart_and_comes_once(house: House) -> None:
    house.broken = {80}
    house.run()
    house.notifier.notice()
    house.notifier = house.another(house.notifier._mail)
    house.tell()
    house.notifier = house.another(house.notifier._mail)
    house.tell()
    assert (len(house.web.messages), len(house.mail.mails)) == (1, 1)


def test_runs_of_before_are_not_told(tmp_path: Path, house: House) -> None:
    from sqlalchemy import text

    house.broken = {80}
    house.run()
    with house.kitchen.catalog._write() as connection:
        later = ("access_keys", "logins", "r_taken")
        later += ("audit", "audit_chain", "audit_begun", "audit_spools")
        for table in ("outbox", "alerts", *later):
            connection.execute(text(f"DROP TABLE {table}"))
        connection.execute(text("ALTER TABLE runs DROP COLUMN noticed"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0006'"))
    house.kitchen.catalog.migrate()
    house.tell()
    assert house.events() == []


def test_what_ended_days_ago_is_no_news(house: House) -> None:
    notify(house, stale=False)
    house.broken = {80}
    house.run()
    house.kitchen.clock.advance(days=2)
    house.tell()
    assert house.events() == []
    assert house.kitchen.catalog.unnoticed_runs() == []


def test_check_warns_of_mail_that_nobody_can_send(tmp_path: Path) -> None:
    project(tmp_path, YAML)
    told = [str(problem) for problem in inspect_project(tmp_path, with_r=False).problems]
    said = "warning: messages are to be mailed, but larder.yaml names no mail server"
    hint = "(mail: {server: smtp.example.com})"
    places = ("7:89", "8:3")
    assert told == [f"jobs/jobs.yaml:{place}: {said} {hint}" for place in places]
    (tmp_path / "larder.yaml").write_text("name: scoring\nmail: {server: smtp.example.com}\n")
    assert inspect_project(tmp_path, with_r=False).problems == ()


@pytest.mark.server
def test_server_tells_of_a_run_that_failed(tmp_path: Path, web: Posted, mail: Mailed) -> None:
    files = {
        "larder.yaml": "name: trial\nurl: https://larder.example.com\n"
        f"mail: {{server: 127.0.0.1, port: {mail.port}, tls: 'off', from: l@example.com}}\n",
        "models/models.R": "fails <- function(x) stop('no such thing')\n",
        "jobs/jobs.yaml": "version: 1\njobs:\n  fails:\n    function: trial::fails\n"
        "    args: {x: {type: number}}\n    grid: {x: [1, 2]}\n    schedule: at_start\n"
        "    notify: {on: [failed], webhook: {env: HOOK_URL}, email: a@example.com}\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOOK_URL", f"{web.url}/hook?token=hunter2")
        with Server(tmp_path, workers=1) as server:
            wait_until(lambda: web.requests and mail.mails, 60)
            wait_until(lambda: server.log.read_text().count("message delivered") == 2)
            log = server.log.read_text()
    (message,) = web.messages
    assert (message["events"], message["project"]) == (["failed"], "trial")
    assert message["link"] == "https://larder.example.com/v1/runs/1"
    assert mail.mails[0]["Subject"] == (
        "[trial] fails: run 1 failed: 2 of 2 failed; the first: no such thing"
    )
    assert "hunter2" not in log


def test_stale_answers_are_told_once_and_again_after_they_were_fresh(house: House) -> None:
    house.run()
    house.tell()
    house.kitchen.clock.advance(seconds=HOUR_S + 30)
    house.tell()
    assert house.events() == []
    house.kitchen.clock.advance(minutes=5)
    for _ in range(3):
        house.tell()
    assert house.events() == [["stale"]]
    house.run()
    house.tell()
    house.kitchen.clock.advance(hours=2)
    house.tell()
    assert house.events() == [["stale"], ["stale"]]


def test_stale_answers_are_not_told_while_a_run_is_at_work(house: House) -> None:
    house.run()
    house.tell()
    house.kitchen.clock.advance(hours=2)
    run = house.kitchen.catalog.start_run("weight_gain", Cause.MANUAL, version="")
    house.tell()
    assert house.events() == []
    house.kitchen.catalog.finish_run(run.id, RunStatus.CANCELLED)
    house.tell()
    assert house.events() == [["stale"]]


def test_rows_that_go_stale_are_told(tmp_path: Path, web: Posted, mail: Mailed) -> None:
    csv = tmp_path / "stones.csv"
    csv.write_text("id,carat\n1,0.5\n")
    spec = NotifySpec(stale=True, webhook=Webhook(web.url))
    house = House(tmp_path / "state", web, mail, price_job(csv, notify=spec))
    house.kitchen.pool.functions["price"] = lambda newdata: {"price": newdata["carat"]}
    house.kitchen.runner.run(house.kitchen.pantry.jobs.job("prices"), Cause.MANUAL)
    house.kitchen.clock.advance(hours=2)
    house.tell()
    assert house.events() == [["stale"]]
    house.kitchen.close()


def test_answer_that_is_no_success_is_tried_again_later_and_later(house: House) -> None:
    notify(house, email=())
    house.web.statuses = [500, 503]
    house.broken = {80}
    house.run()
    house.tell()
    (waiting,) = house.kitchen.catalog.messages(status=MessageStatus.WAITING)
    assert (waiting.attempts, waiting.error) == (1, "127.0.0.1 answered 500")
    house.tell()
    assert len(house.web.requests) == 1
    house.kitchen.clock.advance(seconds=30)
    house.tell()
    house.kitchen.clock.advance(seconds=30)
    house.tell()
    assert len(house.web.requests) == 2
    house.kitchen.clock.advance(seconds=30)
    house.tell()
    assert len(house.web.requests) == 3
    assert len({headers["Larder-Delivery"] for _, headers, _ in house.web.requests}) == 1
    (done,) = house.kitchen.catalog.messages()
    assert (done.status, done.attempts, done.error) == (MessageStatus.DELIVERED, 3, None)


def test_redirect_is_not_followed(house: House) -> None:
    notify(house, email=())
    house.web.statuses = [307]
    house.broken = {80}
    house.run()
    house.tell()
    assert [path for path, *_ in house.web.requests] == ["/hook"]
    (waiting,) = house.kitchen.catalog.messages()
    assert waiting.error == "127.0.0.1 answered 307, and redirects are not followed"


def test_message_that_never_arrives_is_given_up(house: House) -> None:
    notify(house, stale=False, webhook=Webhook("http://127.0.0.1:9/hook"), email=())
    house.broken = {80}
    house.run()
    for _ in range(40):
        house.tell()
        house.kitchen.clock.advance(hours=1)
    (message,) = house.kitchen.catalog.messages()
    assert message.status is MessageStatus.GIVEN_UP
    assert message.error == "127.0.0.1: Connection refused"
    assert 24 < message.attempts < 35


def test_signed_message_says_who_sent_it_and_no_secret_is_kept(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = Webhook(EnvEntry(env="HOOK_URL"), EnvEntry(env="HOOK_KEY"))
    notify(house, webhook=secret, email=())
    house.broken = {80}
    house.run()
    house.tell()
    (waiting,) = house.kitchen.catalog.messages()
    assert waiting.error == "the environment variable HOOK_URL is not set"
    monkeypatch.setenv("HOOK_URL", f"{house.web.url}/hook?token=hunter2")
    monkeypatch.setenv("HOOK_KEY", "hunter3")
    house.kitchen.clock.advance(minutes=1)
    house.tell()
    ((path, headers, body),) = house.web.requests
    assert path == "/hook?token=hunter2"
    digest = hmac.new(b"hunter3", body, hashlib.sha256).hexdigest()
    assert headers["Larder-Signature"] == f"sha256={digest}"
    assert "status=204" in caplog.text
    (job,) = house.kitchen.pantry.jobs.values()
    kept = [caplog.text, str(entry_facts(job)), str(house.kitchen.catalog.messages()), repr(job)]
    assert not any("hunter" in text for text in kept)


def test_mail_server_that_wants_a_login_gets_it(house: House) -> None:
    login = {"user": "ada", "password": "hunter2"}
    house.notifier = house.another(house.notifier._mail.model_copy(update=login))
    house.broken = {80}
    house.run()
    house.tell()
    assert house.mail.logins == [("ada", "hunter2")]
    assert len(house.mail.mails) == 1


def test_wrong_login_is_told_without_the_password(house: House) -> None:
    login = {"user": "ada", "password": "hunter9"}
    house.notifier = house.another(house.notifier._mail.model_copy(update=login))
    house.broken = {80}
    house.run()
    house.tell()
    (waiting,) = house.kitchen.catalog.messages(status=MessageStatus.WAITING)
    assert (waiting.channel, waiting.error) == ("email", "127.0.0.1 answered 535")


def test_one_address_refused_keeps_it_from_no_other(house: House) -> None:
    notify(house, webhook=None, email=("a@example.com", "b@example.com"))
    house.mail.refused = {"a@example.com"}
    house.broken = {80}
    house.run()
    house.tell()
    assert len(house.mail.mails) == 1
    (message,) = house.kitchen.catalog.messages()
    assert message.status is MessageStatus.DELIVERED


def test_way_that_the_job_names_no_more_is_given_up(house: House) -> None:
    house.broken = {80}
    house.run()
    house.notifier.notice()
    notify(house, webhook=None)
    house.notifier.deliver()
    given_up = house.kitchen.catalog.messages(status=MessageStatus.GIVEN_UP)
    assert [message.error for message in given_up] == ["the job names no webhook any more"]
    assert len(house.mail.mails) == 1


def test_without_a_mail_server_it_is_said_what_is_missing(house: House) -> None:
    house.notifier = house.another(MailSettings())
    house.broken = {80}
    house.run()
    house.tell()
    (waiting,) = house.kitchen.catalog.messages(status=MessageStatus.WAITING)
    assert waiting.error == "larder.yaml names no mail server: mail: {server: …}"
