"""The application behind its gate, keys to it, and requests as they come off the wire."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import anyio
from fakes import NoPool
from prepared import example_jobs
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access_config import AccessConfig
from api.app import create_app
from api.entrance import Entrance
from api.gate import Gate
from api.services import Services
from cache.clock import utcnow
from engine.shelf import Shelf
from jobs.access_key import new_secret
from jobs.key_book import COUNTER, KeyBook
from jobs.pantry import Pantry
from jobs.repository import Catalog
from jobs.role import Role

PEER: Final = "127.0.0.1"


@dataclass
class Answer:
    """What came back; `scope` is what the application was given, if it was asked."""

    status: int
    headers: dict[str, str]
    body: str
    scope: Scope | None = None


@dataclass
class House:
    """A pantry and a catalog, with a gate before the application or before nothing."""

    pantry: Pantry
    catalog: Catalog
    folder: Path

    @property
    def book(self) -> KeyBook:
        return KeyBook(self.catalog, self.pantry.generations, utcnow)

    def key(self, role: Role, **narrowed: Any) -> str:
        """Makes a key; returns its text."""
        secret = new_secret()
        self.catalog.add_key(secret, f"{role}{len(self.catalog.access_keys())}", role, **narrowed)
        self.pantry.generations.bump(COUNTER)
        return secret

    def services(self, config: AccessConfig | None = None) -> Services:
        shelf, pool = Shelf(self.folder / "apps"), NoPool()
        access = config or AccessConfig()
        sessions = self.pantry.sessions
        services = Services(self.pantry, pool, sessions, self.folder, shelf, access=access)  # type: ignore[arg-type]
        services._facts = (1e12, {"version": "R version 4", "locale": "C.UTF-8"})
        return services

    def application(self, config: AccessConfig | None = None) -> ASGIApp:
        """The real one, whose R must not be touched."""
        return create_app(self.services(config), self.catalog)

    def gate(self, config: AccessConfig | None = None) -> Gate:
        """A gate with nothing behind it but an answer to whoever gets through."""
        return Entrance.of(self.services(config), self.catalog).gate(_let_in)


@contextmanager
def house(folder: Path) -> Iterator[House]:
    pantry = Pantry(folder / "state", NoPool(), example_jobs())  # type: ignore[arg-type]
    catalog = Catalog.in_file(folder / "state" / "catalog.db")
    catalog.migrate()
    try:
        yield House(pantry, catalog, folder)
    finally:
        catalog.close()
        pantry.close()


async def _let_in(scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"let in"})


def ask(
    app: ASGIApp,
    method: str,
    target: str,
    *headers: tuple[str, str],
    key: str | None = None,
    peer: str = PEER,
    host: str | None = "127.0.0.1:8080",
    version: str = "1.1",
    body: bytes = b"",
) -> Answer:
    """Asks as uvicorn would: `target` is a path with its escapes, and perhaps a query."""
    path, _, query = target.partition("?")
    lines = [*headers, *([("Host", host)] if host is not None else [])]
    if key is not None:
        lines.append(("Authorization", f"Bearer {key}"))
    scope: Scope = {
        "type": "http",
        "http_version": version,
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in lines],
        "client": (peer, 50000),
        "server": (PEER, 8080),
    }
    found: list[Message] = []
    bodies = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if not bodies:
            await anyio.sleep_forever()
        return bodies.pop()

    async def send(message: Message) -> None:
        found.append(message)

    async def asked() -> None:
        await app(scope, receive, send)

    anyio.run(asked)
    start = found[0]
    lines = [(name.decode(), value.decode("latin-1")) for name, value in start["headers"]]
    content = b"".join(message.get("body", b"") for message in found[1:])
    return Answer(start["status"], dict(lines), content.decode(), scope)
