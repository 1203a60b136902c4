"""The engine's broker: takes calls from a Unix socket, gives each a child, watches its clock.

Run as `python -m engine.broker CONFIG`, CONFIG being the JSON of `BrokerConfig`. It never loads R.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from engine import errors, ownership, wire
from engine.admission import Admission
from engine.call import Priority
from engine.current_template import CurrentTemplate
from engine.host import Host, Mode, host_for
from engine.install_reply import reply
from engine.install_request import InstallRequest
from engine.installer import Installer
from engine.left_files import remove_tree
from engine.limits import Limits
from engine.reach import beside
from engine.shelf import Shelf
from engine.shelf_watch import ShelfWatch
from engine.template import Child
from engine.unix_socket import short_path

log = logging.getLogger(__name__)

CLIENT_CHECK_S = 0.2
CATCH_UP_S = 20.0
OUR_WORDS = ("failed", "facts", "done", "index")
"""What only the broker says in an answer."""


@dataclass(frozen=True)
class BrokerConfig:
    """What the broker needs to know; paths are absolute."""

    socket: str
    state: str
    sessions_root: str
    project: str | None = None
    folder: str | None = None
    preload: list[str] = field(default_factory=list)
    spares: int = 4
    max_running: int = 4
    walls: Mode = "auto"
    reads: list[str] = field(default_factory=list)
    json_digits: int = 4
    ocpu_version: str = "2.2.12"

    def to_json(self) -> str:
        """Returns the configuration as the broker's only argument."""
        return json.dumps(asdict(self))


class Broker:
    """Serves calls with the children of the current template, within the walls the host gives."""

    def __init__(self, config: BrokerConfig, host: Host) -> None:
        self._config = config
        self._host = host
        self._work = Path(config.state) / "work"
        self._admission = Admission(config.max_running, max(1, config.max_running // 2))
        self._shelf = Shelf(Path(config.state) / "apps")
        self._on_shelf = ShelfWatch(self._shelf)
        self._installer = Installer(self._shelf)
        self._current = CurrentTemplate(
            self._parent_config(),
            Path(config.folder) if config.folder else None,
            self._on_shelf,
            config.spares,
            self._is_quiet,
        )
        self._calls = 0

    async def run(self) -> None:
        """Serves until SIGTERM."""
        remove_tree(self._work)
        self._work.mkdir(mode=0o700, parents=True)
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await self._current.start()
        self._installer.libraries = self._current.now.info["system_libraries"]
        path = Path(self._config.socket)
        path.unlink(missing_ok=True)
        with short_path(path) as address:
            server = await asyncio.start_unix_server(self._serve, address, limit=1 << 20)
        path.chmod(0o600)
        log.info("engine ready project=%s", self._config.project)
        watcher = asyncio.create_task(self._current.watch())
        await stop.wait()
        watcher.cancel()
        server.close()
        path.unlink(missing_ok=True)
        await self._installer.stop()
        await self._current.stop()
        remove_tree(self._work)

    def _parent_config(self) -> dict[str, Any]:
        keys = ("sessions_root", "json_digits", "ocpu_version", "preload", "project", "folder")
        config = {key: getattr(self._config, key) for key in (*keys, "state", "reads")}
        return config | {"work": str(self._work), "host": self._host.to_wire()}

    def _is_quiet(self) -> bool:
        return self._admission.running == 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one client connection, a request at a time."""
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            while (message := await wire.read(reader)) is not None:
                header, _ = message
                work = asyncio.create_task(self._work_on(header, writer))
                gone = asyncio.create_task(_closed(reader))
                await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
                if not work.done():
                    work.cancel()
                gone.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await work
        writer.close()

    async def _work_on(self, header: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        try:
            if header.get("operation") == "info":
                answers: list[tuple[dict[str, Any], list[bytes]]] = [(self._info(), [])]
            elif header.get("operation") == "install":
                answers = [(await self._install(header["request"]), [])]
            elif "many" in header:
                await self._many(header, writer)
                answers = [({"done": True}, [])]
            else:
                answers = [await self._one(header)]
        except errors.EngineError as error:
            answers = [(_failure(error), [])]
        for answer, blobs in answers:
            writer.write(wire.pack(answer, blobs))
        await writer.drain()

    def _info(self) -> dict[str, Any]:
        return {
            **self._current.now.info,
            "project": self._config.project,
            "problem": self._current.problem,
            "installed": self._on_shelf.facts(),
            "running": self._admission.running,
            "waiting": self._admission.waiting,
            "calls": self._calls,
            "walls": {"mode": self._config.walls, **self._host.to_wire()},
        }

    async def _install(self, request: dict[str, Any]) -> dict[str, Any]:
        """Installs, and answers when new calls find what is new, or models take long to load."""
        installed = await self._installer.install(InstallRequest.from_wire(request))
        await asyncio.wait({asyncio.create_task(self._current.catch_up())}, timeout=CATCH_UP_S)
        return reply(installed)

    async def _one(self, header: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
        async with self._admission.slot(Priority(header["priority"])):
            child = await self._take(header)
            try:
                return await self._ask(child, header)
            finally:
                self._release(child)

    async def _many(self, header: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        """Runs cells one after the other in one child, and in a new one after each death.

        A child's walls are closed at its first cell: so each is told of the others.
        """
        cells = header["many"]
        limits = Limits.from_wire(header["limits"])
        if limits.cpu_s is not None:
            limits = replace(limits, cpu_s=limits.cpu_s * len(cells))
        shared = {"limits": limits.to_wire(), "beside": beside(cells)}
        async with self._admission.slot(Priority(header["priority"])):
            child: Child | None = None
            try:
                for index, cell in enumerate(cells):
                    child = child or await self._take(header)
                    blobs: list[bytes] = []
                    try:
                        answer, blobs = await self._ask(child, {**cell, **shared})
                    except errors.EngineError as error:
                        answer = _failure(error)
                        self._release(child)
                        child = None
                    writer.write(wire.pack({**answer, "index": index}, blobs))
                    await writer.drain()
            finally:
                if child is not None:
                    self._release(child)

    async def _take(self, header: dict[str, Any]) -> Child:
        self._calls += 1
        return await self._current.now.take(network=header["limits"]["network"])

    async def _ask(
        self, child: Child, header: dict[str, Any]
    ) -> tuple[dict[str, Any], list[bytes]]:
        """Returns the child's answer; kills it when its time is up.

        Raises:
            EvaluationTimeout: the wall clock limit was reached.
            WorkerDied: the child ended without an answer.
        """
        limits = Limits.from_wire(header["limits"])
        template = child.template
        folder = Path(header["folder"])
        if self._host.own_user:
            ownership.give(folder, child.pid)
        try:
            child.writer.write(wire.pack(header))
            answer = await asyncio.wait_for(wire.read(child.reader), limits.wall_s)
        except TimeoutError:
            template.kill(child)
            raise errors.EvaluationTimeout(limits.wall_s) from None
        if answer is None or "crashed" in answer[0]:
            if answer is not None:
                log.error("child failed pid=%d %s", child.pid, answer[0]["crashed"])
            raise await template.autopsy(child)
        if self._host.own_user:
            await ownership.settle(folder)
        for word in OUR_WORDS:  # R code may have written the answer itself
            answer[0].pop(word, None)
        return answer

    def _release(self, child: Child) -> None:
        """Ends the child behind the answer: nobody waits for its exit."""
        asyncio.create_task(self._bury(child))  # noqa: RUF006  # ends by itself

    async def _bury(self, child: Child) -> None:
        # At once: what it started must not play with its files while they are being read.
        child.template.kill(child)
        await child.template.finish(child)
        child.template.warm_idle()
        await asyncio.to_thread(remove_tree, self._work / str(child.pid))


async def _closed(reader: asyncio.StreamReader) -> None:
    """Returns when the client goes away; it sends nothing while it waits for an answer."""
    while not reader.at_eof():  # noqa: ASYNC110  # a stream has no event for its end
        await asyncio.sleep(CLIENT_CHECK_S)


def _failure(error: errors.EngineError) -> dict[str, Any]:
    facts = {name: value for name, value in vars(error).items() if not name.startswith("_")}
    return {"failed": type(error).__name__, "facts": facts, "message": str(error)}


def main() -> None:
    """Runs the broker; the only argument is its configuration as JSON."""
    config = BrokerConfig(**json.loads(sys.argv[1]))
    logging.basicConfig(
        level=os.environ.get("LARDER_LOG_LEVEL", "INFO").upper(),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    try:
        host = host_for(config.walls, Path(config.state))
        asyncio.run(Broker(config, host).run())
    except errors.TemplateFailed as error:
        log.error("engine did not start: %s", error)  # noqa: TRY400  # R's message says it all
        sys.exit(3)


if __name__ == "__main__":
    main()
