"""A served project whose runs go on until the test lets them, and ways to ask for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from patience import Event, events
from serving import Server, wait_until

from jobs.repository import Catalog

JOBS = """
jobs:
  waits: {function: asked::waits, args: {x: {type: integer}}, grid: {x: [1, 2, 3]}}
  also: {function: asked::waits, args: {x: {type: integer}}, grid: {x: [11]}, priority: high}
  fails:
    function: asked::fails
    args: {x: {type: integer}}
    grid: {x: [1, 2, 3, 4, 5]}
    timeout: 2 seconds
  rows:
    function: asked::rows
    rows: {from: {csv: data/rows.csv}, key: id, pass_as: newdata, batch: 2}
"""
MODELS = """
gates <- readLines("data/gates.txt")
waits <- function(x) {
  cat("begun", x, "\\n")
  aside <- file.path(gates, paste0("aside", x))
  writeLines(as.character(Sys.getpid()), aside)
  file.rename(aside, file.path(gates, paste0("pid", x)))
  while (!file.exists(file.path(gates, paste0("open", x)))) Sys.sleep(0.02)
  x
}
fails <- function(x) {
  cat("patient", x, "\\n")
  cat(rawToChar(as.raw(c(0xe2, 0x82, 0xac, 0xff, 0x0a))))
  warning("odd weight of ", x)
  switch(x, x, stop("no luck with ", x), tools::pskill(Sys.getpid(), 9), Sys.sleep(60), x)
}
rows <- function(newdata) {
  print(newdata$id)
  warning("odd rows")
  if (4 %in% newdata$id) stop("no luck with row 4")
  newdata$id
}
"""


class Asked:
    """The project, its server, and the gates of its cells."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "asked"
        self.gates = folder / "gates"
        for made in (self.gates, *(self.project / name for name in ("jobs", "models", "data"))):
            made.mkdir(parents=True)
        settings = "name: asked\nengine: {walls: off}\nschedule: {enabled: false}\n"
        (self.project / "larder.yaml").write_text(settings)
        (self.project / "jobs" / "jobs.yaml").write_text(JOBS)
        (self.project / "models" / "models.R").write_text(MODELS)
        (self.project / "data" / "gates.txt").write_text(f"{self.gates}\n")
        (self.project / "data" / "rows.csv").write_text("id\n1\n2\n3\n4\n5\n")
        self.server = Server(self.project, workers=1)

    @contextmanager
    def served(self) -> Iterator[httpx.Client]:
        with self.server, self.server.client() as client:
            yield client

    def close_gates(self) -> None:
        for path in self.gates.iterdir():
            path.unlink()

    def open(self, *cells: int) -> None:
        for cell in cells:
            (self.gates / f"open{cell}").touch()

    def wait_for_begin(self, cell: int) -> int:
        """Gives R's process once a cell is computed."""
        told = self.gates / f"pid{cell}"
        wait_until(told.exists)
        return int(told.read_text())

    def catalog(self) -> Catalog:
        return Catalog.in_file(self.project / ".larder" / "catalog.db")


def ask(client: httpx.Client, job: str, **wanted: Any) -> int:
    """The number of a run that was asked for."""
    answer = client.post(f"/v1/jobs/{job}/runs", json=wanted)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/runs/{answer.json()['id']}"
    return int(answer.json()["id"])


def look(client: httpx.Client, run: int) -> dict[str, Any]:
    answer = client.get(f"/v1/runs/{run}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def wait_for(client: httpx.Client, run: int, *statuses: str) -> dict[str, Any]:
    wait_until(lambda: look(client, run)["status"] in statuses)
    return look(client, run)


def follow(client: httpx.Client, run: int, last_id: int | None = None) -> Iterator[Event]:
    headers = {} if last_id is None else {"Last-Event-ID": str(last_id)}
    with client.stream("GET", f"/v1/runs/{run}/events", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield from events(answer.iter_lines())
