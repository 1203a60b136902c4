"""Whoever gets messages in tests: an HTTP server and a mail server, real ones."""

import asyncio
import base64
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

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
    """What a mail server was handed; it takes no mail for the addresses refused."""

    port: int = 0
    refused: set[str] = field(default_factory=set)
    logins: list[tuple[str, str]] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)


@contextmanager
def mail_server() -> Iterator[Mailed]:
    """A server of RFC 5321's least commands, and of AUTH PLAIN, without encryption."""
    mailed = Mailed()
    loop = asyncio.new_event_loop()
    started = threading.Event()
    stopping = asyncio.Event()

    async def dialogue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())
            await writer.drain()

        recipients: list[str] = []
        await say("220 mail.test ready")
        while line := await reader.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            match verb.upper():
                case "EHLO":
                    writer.write(b"250-mail.test\r\n")
                    await say("250 AUTH PLAIN")
                case "AUTH":
                    _, user, password = base64.b64decode(rest.split()[1]).decode().split("\0")
                    mailed.logins.append((user, password))
                    await say("235 welcome" if password == "hunter2" else "535 no")
                case "RCPT":
                    address = rest.partition("<")[2].partition(">")[0]
                    recipients.append(address)
                    await say("550 unknown" if address in mailed.refused else "250 ok")
                case "DATA":
                    await say("354 go on")
                    content = (await reader.readuntil(b"\r\n.\r\n"))[:-5].replace(
                        b"\r\n..", b"\r\n."
                    )
                    mailed.recipients.append(recipients)
                    parsed = message_from_bytes(content, policy=policy.default)
                    mailed.mails.append(parsed)  # type: ignore[arg-type]
                    await say("250 taken")
                case "QUIT":
                    await say("221 bye")
                    break
                case _:
                    await say("250 ok")
        writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(dialogue, "127.0.0.1", 0)
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
