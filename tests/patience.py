"""Long calls for tests: a server whose calls go on until the test opens their gate."""

import json
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from serving import ROOT, Server, wait_until

PROJECT = ROOT / "tests" / "projects" / "patient"
LATER = {"Prefer": "respond-async"}
ROWS = 3


class Gate:
    """The file for which a call waits, and what the call tells beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def has_begun(self) -> bool:
        return self._told("pid").exists()

    def wait_for_begin(self) -> int:
        """Gives R's process once the call runs."""
        wait_until(lambda: self.has_begun)
        return int(self._told("pid").read_text())

    def child(self) -> int:
        """Gives the process that the call started behind itself."""
        return int(self._told("child").read_text())

    def open(self) -> None:
        self.path.touch()

    def _told(self, what: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{what}")


@dataclass(frozen=True)
class Event:
    """One of a stream of Server-Sent Events."""

    id: int
    name: str
    data: dict[str, Any]


class Patience:
    """A served project, and gates for its calls."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "patient"
        shutil.copytree(PROJECT, self.project, ignore=shutil.ignore_patterns(".larder"))
        self._made: list[Gate] = []
        self._gates = folder / "gates"
        self._gates.mkdir()
        (self.project / "data").mkdir()
        self.row_gates = [self.gate(f"row{number}") for number in range(ROWS)]
        rows = "".join(f"{number},{gate}\n" for number, gate in enumerate(self.row_gates))
        (self.project / "data" / "rows.csv").write_text(f"id,gate\n{rows}")
        self.server = Server(self.project)

    def gate(self, name: str) -> Gate:
        gate = Gate(self._gates / name)
        self._made.append(gate)
        return gate

    def open_all(self) -> None:
        """Lets every call end but those of rows, which have their gates for the whole server."""
        for gate in self._made:
            if gate not in self.row_gates:
                gate.open()

    @contextmanager
    def served(self) -> Iterator[httpx.Client]:
        with self.server, self.server.client() as client:
            yield client

    def hang_up(self, method: str, path: str, gate: Gate) -> int:
        """Asks, and goes away when R works on it; gives R's process."""
        body = urlencode({"gate": f"'{gate}'"}).encode() if method == "POST" else b""
        host = self.server.url.removeprefix("http://")
        name, _, port = host.partition(":")
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        )
        with socket.create_connection((name, int(port))) as connection:
            connection.sendall(head.encode() + body)
            return gate.wait_for_begin()


def url(function: str, output: str = "") -> str:
    return f"/ocpu/library/patient/R/{function}{output}"


def begin(client: httpx.Client, function: str, gate: Gate, output: str = "", **more: str) -> str:
    """Has a call made behind the answer; gives its key."""
    form = {"gate": f"'{gate}'", **more}
    answer = client.post(url(function, output), data=form, headers=LATER)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["key"])


def status(client: httpx.Client, key: str) -> dict[str, Any]:
    answer = client.get(f"/v1/calls/{key}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def wait_for(client: httpx.Client, key: str, wanted: str) -> dict[str, Any]:
    wait_until(lambda: status(client, key)["status"] == wanted)
    return status(client, key)


def has_ended(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state in "ZX"


def events(lines: Iterator[str]) -> Iterator[Event]:
    """The events that these lines are; comments are left out."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "event" in fields:
            yield Event(int(fields["id"]), fields["event"], json.loads(fields["data"]))
            fields = {}


def printed(seen: list[Event]) -> str:
    return "".join(event.data["text"] for event in seen if event.name == "console")
