"""Mail over TLS: to real servers, with certificates that are trusted and others."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from postroom import Certificate, Mailed, mail_server

from jobs.records import OutboxMessage
from jobs.status import MessageStatus
from larder.errors import NotDelivered
from larder.mail import send
from larder.settings import load_settings
from larder.settings_file import MailSettings

LOGIN = {"user": "ada", "password": "hunter2"}
MESSAGE = OutboxMessage(
    id=7,
    job="gain",
    run_id=1,
    channel="email",
    message={
        "project": "clinic",
        "summary": "gain: run 1 failed",
        "link": "http://x.test/v1/runs/1",
    },
    status=MessageStatus.WAITING,
    attempts=0,
    next_try=None,
    error=None,
    created_at=datetime(2026, 11, 23, tzinfo=UTC),
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate.made(tmp_path_factory.mktemp("trusted"), "127.0.0.1", "localhost")


@pytest.fixture
def starttls(certificate: Certificate) -> Iterator[Mailed]:
    with mail_server(certificate) as mailed:
        yield mailed


@pytest.fixture
def smtps(certificate: Certificate) -> Iterator[Mailed]:
    with mail_server(certificate, from_start=True) as mailed:
        yield mailed


def sent(mailed: Mailed, **settings: Any) -> str:
    given = {"server": "127.0.0.1", "port": mailed.port, "from": "larder@x.test", **settings}
    return send(MailSettings.model_validate(given), ["a@x.test"], MESSAGE)


def refusal(mailed: Mailed, **settings: Any) -> str:
    with pytest.raises(NotDelivered) as caught:
        sent(mailed, **settings)
    assert (mailed.mails, mailed.logins) == ([], [])
    return caught.value.reason


def test_starttls_encrypts_before_the_login(starttls: Mailed, certificate: Certificate) -> None:
    sent(starttls, ca_file=str(certificate.path), **LOGIN)
    assert starttls.logins == [("ada", "hunter2")]
    assert starttls.mails[0]["Subject"] == "[clinic] gain: run 1 failed"


def test_tls_from_the_start_with_login(smtps: Mailed, certificate: Certificate) -> None:
    sent(smtps, tls="on", ca_file=str(certificate.path), **LOGIN)
    assert smtps.logins == [("ada", "hunter2")]
    assert smtps.recipients == [["a@x.test"]]


def test_certificate_that_nobody_trusts_is_refused(starttls: Mailed, smtps: Mailed) -> None:
    told = (
        "127.0.0.1: its certificate is not trusted: self-signed certificate "
        "(mail.ca_file names who signs it)"
    )
    assert refusal(starttls, **LOGIN) == told
    assert refusal(smtps, tls="on", **LOGIN) == told
    assert "UNKNOWN_CA" in starttls.broken_off[0]


def test_certificate_of_another_name_is_refused(tmp_path: Path) -> None:
    other = Certificate.made(tmp_path, "mail.example.com")
    with mail_server(other) as mailed:
        reason = refusal(mailed, ca_file=str(other.path))
    assert "IP address mismatch, certificate is not valid for '127.0.0.1'" in reason


def test_server_without_starttls_gets_no_mail(certificate: Certificate) -> None:
    with mail_server() as mailed:
        reason = refusal(mailed, **LOGIN)
    hint = "mail.tls: on encrypts from the start, off not at all"
    assert reason == f"127.0.0.1: it offers no STARTTLS ({hint})"


def test_wrong_kind_of_encryption_is_told(starttls: Mailed) -> None:
    reason = refusal(starttls, tls="on")
    told = f"no encryption is to be had (mail.tls: on, port {starttls.port}): WRONG_VERSION_NUMBER"
    assert reason == f"127.0.0.1: {told}"


def test_missing_or_empty_ca_file_is_named(starttls: Mailed, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    assert (
        refusal(starttls, ca_file=str(path)) == f"mail.ca_file, {path}: No such file or directory"
    )
    path.write_text("no certificate\n")
    assert refusal(starttls, ca_file=str(path)) == f"mail.ca_file, {path}: no certificate in it"


def test_path_of_the_ca_file_begins_at_the_project(tmp_path: Path) -> None:
    (tmp_path / "larder.yaml").write_text("mail: {server: mail.x.test, ca_file: ca.pem}\n")
    assert load_settings(tmp_path).mailing.ca_file == str(tmp_path / "ca.pem")
