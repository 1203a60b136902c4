"""Whoever gets messages in tests: an HTTP server and a mail server, real ones."""

import asyncio
import base64
import http.server
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Self

import orjson


@dataclass
class Posted:
    """What an HTTP server was sent; it answers with the statuses given, then with 204."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def messages(self) -> list[dict[str, object]]:
        return [orjson.loads(body) for _, _, body in self.requests]


@contextmanager
def web_server() -> Iterator[Posted]:
    posted = Posted()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.requests.append((self.path, dict(self.headers.items()), body))
            status = posted.statuses.pop(0) if posted.statuses else 204
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{posted.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Says nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        posted.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield posted
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Mailed:
    """What a mail server was handed; it takes no mail for the addresses refused.

    `broken_off` has why callers ended the handshake of STARTTLS.
    """

    port: int = 0
    refused: set[str] = field(default_factory=set)
    logins: list[tuple[str, str]] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)
    broken_off: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Certificate:
    """A certificate that signs itself, and its key."""

    path: Path
    key: Path

    @classmethod
    def made(cls, folder: Path, *names: str) -> Self:
        """A new one, for these names or addresses."""
        made = cls(folder / "certificate.pem", folder / "key.pem")
        kinds = {True: "IP", False: "DNS"}
        alternatives = ",".join(f"{kinds[name[0].isdigit()]}:{name}" for name in names)
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"]
        command += ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", f"/CN={names[0]}"]
        command += ["-addext", f"subjectAltName={alternatives}"]
        command += ["-keyout", str(made.key), "-out", str(made.path)]
        subprocess.run(command, check=True, capture_output=True)
        return made

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path, self.key)
        return context


class _Dialogue:
    """One caller of the mail server; `secure` is how it encrypts, where it has to."""

    def __init__(
        self,
        mailed: Mailed,
        secure: ssl.SSLContext | None,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._mailed, self._secure = mailed, secure
        self._reader, self._writer = reader, writer

    async def hold(self) -> None:
        recipients: list[str] = []
        await self._say("220 mail.test ready")
        while line := await self._reader.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            match verb.upper():
                case "EHLO":
                    self._writer.write(b"250-mail.test\r\n")
                    await self._say("250 STARTTLS" if self._secure else "250 AUTH PLAIN")
                case "STARTTLS" if self._secure:
                    if not await self._encrypt(self._secure):
                        break
                case "AUTH" | "MAIL" if self._secure:
                    await self._say("530 encrypt first")
                case "AUTH":
                    _, user, password = base64.b64decode(rest.split()[1]).decode().split("\0")
                    self._mailed.logins.append((user, password))
                    await self._say("235 welcome" if password == "hunter2" else "535 no")
                case "RCPT":
                    address = rest.partition("<")[2].partition(">")[0]
                    recipients.append(address)
                    is_refused = address in self._mailed.refused
                    await self._say("550 unknown" if is_refused else "250 ok")
                case "DATA":
                    await self._take(recipients)
                case "QUIT":
                    await self._say("221 bye")
                    break
                case _:
                    await self._say("250 ok")
        self._writer.close()

    async def _say(self, line: str) -> None:
        self._writer.write(f"{line}\r\n".encode())
        await self._writer.drain()

    async def _encrypt(self, secure: ssl.SSLContext) -> bool:
        await self._say("220 go on")
        try:
            await self._writer.start_tls(secure)
        except OSError as error:
            self._mailed.broken_off.append(str(error))
            return False
        self._secure = None  # nothing more to ask for
        return True

    async def _take(self, recipients: list[str]) -> None:
        await self._say("354 go on")
        content = await self._reader.readuntil(b"\r\n.\r\n")
        content = content[:-5].replace(b"\r\n..", b"\r\n.")
        self._mailed.recipients.append(recipients)
        parsed = message_from_bytes(content, policy=policy.default)
        self._mailed.mails.append(parsed)  # type: ignore[arg-type]
        await self._say("250 taken")


@contextmanager
def mail_server(
    certificate: Certificate | None = None, *, from_start: bool = False
) -> Iterator[Mailed]:
    """A server of RFC 5321's least commands, STARTTLS, and AUTH PLAIN.

    With a certificate it takes logins and mail only encrypted: from the start, or by STARTTLS.
    """
    mailed = Mailed()
    secure = certificate.context() if certificate else None
    loop = asyncio.new_event_loop()
    started = threading.Event()
    stopping = asyncio.Event()

    async def dialogue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _Dialogue(mailed, None if from_start else secure, reader, writer).hold()

    async def serve() -> None:
        context = secure if from_start else None
        server = await asyncio.start_server(dialogue, "127.0.0.1", 0, ssl=context)
        mailed.port = server.sockets[0].getsockname()[1]
        started.set()
        async with server:
            await stopping.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    started.wait()
    try:
        yield mailed
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join()
        loop.close()
