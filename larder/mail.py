"""E-mail: a message about a job, in words, by the server that larder.yaml names."""

import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Final

from jobs.records import OutboxMessage
from jobs.shown import shown
from larder.errors import NotDelivered
from larder.settings_file import MailSettings

TIMEOUT_S: Final = 30.0
PORTS: Final = {"starttls": 587, "on": 465, "off": 25}


def send(settings: MailSettings, to: Sequence[str], message: OutboxMessage) -> str:
    """Hands the message over to the mail server; returns what is told of that in the log.

    Raises:
        NotDelivered: The server did not take it for somebody, with the reason.
    """
    if settings.server is None:
        raise NotDelivered("larder.yaml names no mail server: mail: {server: …}")
    mail = _mail(settings, to, message)
    try:
        with _dialogue(settings, settings.server) as dialogue:
            if settings.user is not None:
                dialogue.login(settings.user, settings.password or "")
            refused = dialogue.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        raise NotDelivered(f"{settings.server} refused {', '.join(error.recipients)}") from error
    except smtplib.SMTPResponseException as error:
        raise NotDelivered(f"{settings.server} answered {error.smtp_code}") from error
    except smtplib.SMTPNotSupportedError as error:
        raise NotDelivered(f"{settings.server}: {_lacking(error)}") from error
    except ssl.SSLCertVerificationError as error:
        raise NotDelivered(f"{settings.server}: {_untrusted(settings, error)}") from error
    except ssl.SSLError as error:
        raise NotDelivered(
            f"{settings.server}: no encryption is to be had (mail.tls: {settings.tls}, "
            f"port {_port(settings)}): {error.reason or error}"
        ) from error
    except (OSError, smtplib.SMTPException) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise NotDelivered(f"{settings.server}: {reason or type(error).__name__}") from error
    if refused:  # the others have it: sent again, they would have it twice
        return f"server={settings.server} refused={','.join(refused)}"
    return f"server={settings.server} recipients={len(to)}"


def _dialogue(settings: MailSettings, server: str) -> smtplib.SMTP:
    port = _port(settings)
    if settings.tls == "on":
        return smtplib.SMTP_SSL(server, port, timeout=TIMEOUT_S, context=_trust(settings))
    dialogue = smtplib.SMTP(server, port, timeout=TIMEOUT_S)
    if settings.tls == "starttls":
        try:
            dialogue.starttls(context=_trust(settings))
        except BaseException:
            dialogue.close()
            raise
    return dialogue


def _port(settings: MailSettings) -> int:
    return settings.port or PORTS[settings.tls]


def _trust(settings: MailSettings) -> ssl.SSLContext:
    """What the server's certificate has to be signed by; its name is checked too."""
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:  # ssl.SSLError is one too
        reason = error.strerror if not isinstance(error, ssl.SSLError) else "no certificate in it"
        raise NotDelivered(f"mail.ca_file, {settings.ca_file}: {reason}") from error


def _lacking(error: smtplib.SMTPNotSupportedError) -> str:
    said = str(error)
    if "STARTTLS" in said:
        return "it offers no STARTTLS (mail.tls: on encrypts from the start, off not at all)"
    return "it takes no login (leave mail.user out)" if "AUTH" in said else said


def _untrusted(settings: MailSettings, error: ssl.SSLCertVerificationError) -> str:
    hint = "mail.ca_file names who signs it" if settings.ca_file is None else settings.ca_file
    return f"its certificate is not trusted: {error.verify_message} ({hint})"


def _mail(settings: MailSettings, to: Sequence[str], message: OutboxMessage) -> EmailMessage:
    said = message.message
    sender = settings.sender or f"larder@{socket.getfqdn()}"
    mail = EmailMessage()
    mail["From"], mail["To"] = sender, ", ".join(to)
    subject = str(said["summary"]).splitlines()[0]
    mail["Subject"] = f"[{said['project']}] {subject[:200]}"
    mail["Date"] = format_datetime(message.created_at)
    mail["Message-ID"] = f"<larder.{message.id}.{message.created_at:%Y%m%d%H%M%S}@{_host(sender)}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content("\n".join(_lines(said)) + "\n")
    return mail


def _host(address: str) -> str:
    return address.rpartition("@")[2].strip("> ") or "localhost"


def _lines(said: Mapping[str, Any]) -> Iterator[str]:
    yield str(said["summary"])
    yield ""
    run = said.get("run")
    if run:
        told = ("total", "computed", "fresh", "skipped", "failed")
        counts = ", ".join(f"{run[name] or 0:,} {name}" for name in told)
        yield f"run {run['id']}, {run['cause']}: {counts}"
    for failure in said.get("failures", ()):
        yield f"  failed: {_named(failure['arguments'])}: {failure['error']}"
    for change in said.get("changes", ()):
        yield f"  changed: {_named(change['arguments'])}"
        for part in change["parts"]:
            more = f" ({part['change']:+.6g})" if part["change"] is not None else ""
            name = f"{part['path']}: " if part["path"] else ""
            yield f"    {name}{shown(part['before'])} -> {shown(part['after'])}{more}"
    left = said.get("changed", 0) - len(said.get("changes", ()))
    if left > 0:
        yield f"  and {left:,} more"
    yield ""
    yield str(said["link"])


def _named(arguments: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={shown(value)}" for name, value in arguments.items())
