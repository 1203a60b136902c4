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
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engine import errors, wire
from engine.admission import Admission
from engine.asking import Answer
from engine.calls import Calls
from engine.chain import LiveLimits
from engine.failure import failure
from engine.host import Host, Mode, host_for
from engine.install_reply import reply
from engine.install_request import InstallRequest
from engine.installer import Installer
from engine.left_files import remove_tree
from engine.live import Live
from engine.request_id import work_for
from engine.shelf import Shelf
from engine.shelf_watch import ShelfWatch
from engine.templates import Templates
from engine.unix_socket import short_path
from engine.value_calls import ValueCalls

log = logging.getLogger(__name__)

CLIENT_CHECK_S = 0.2
CATCH_UP_S = 20.0


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
    template_bytes: int = 2**31
    models_required: bool = False
    live: dict[str, Any] = field(default_factory=dict)
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
        background = max(1, config.max_running // 2)
        self._admission = Admission(config.max_running, background, on_quiet=self._prepare)
        self._shelf = Shelf(Path(config.state) / "apps")
        self._on_shelf = ShelfWatch(self._shelf)
        self._installer = Installer(self._shelf)
        self._templates = Templates(
            self._parent_config(),
            self._on_shelf,
            config.spares,
            self._is_quiet,
            config.template_bytes,
        )
        self._live = Live(LiveLimits(**config.live), own_user=host.own_user)
        self._templates.retired = self._live.forget
        self._calls = Calls(self._templates, self._admission, self._live, own_user=host.own_user)
        self._values = ValueCalls(self._calls, self._calls.asking)

    async def run(self) -> None:
        """Serves until SIGTERM."""
        remove_tree(self._work)
        self._work.mkdir(mode=0o700, parents=True)
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await self._templates.start(models_required=self._config.models_required)
        self._installer.libraries = self._templates.info["system_libraries"]
        path = Path(self._config.socket)
        path.unlink(missing_ok=True)
        with short_path(path) as address:
            server = await asyncio.start_unix_server(self._serve, address, limit=1 << 20)
        path.chmod(0o600)
        log.info("engine ready project=%s", self._config.project)
        watchers = [asyncio.create_task(one.watch()) for one in (self._templates, self._live)]
        await stop.wait()
        for watcher in watchers:
            watcher.cancel()
        server.close()
        path.unlink(missing_ok=True)
        await self._installer.stop()
        self._live.end_all()
        await self._templates.stop()
        remove_tree(self._work)

    def _parent_config(self) -> dict[str, Any]:
        keys = ("sessions_root", "json_digits", "ocpu_version", "preload", "project", "folder")
        config = {key: getattr(self._config, key) for key in (*keys, "state", "reads")}
        return config | {"work": str(self._work), "host": self._host.to_wire()}

    def _prepare(self) -> None:
        self._templates.prepare()

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
                if work.cancelled():  # between two answers, too: the client must not wait for more
                    break
        writer.close()

    async def _work_on(self, header: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        work_for(header.get("request_id", ""))  # of this task
        try:
            async for answer, blobs in self._answers(header):
                writer.write(wire.pack(answer, blobs))
                await writer.drain()
        except errors.EngineError as error:
            writer.write(wire.pack(failure(error)))
            await writer.drain()

    async def _answers(self, header: dict[str, Any]) -> AsyncIterator[Answer]:
        if "many" in header:
            async for answer in self._calls.many(header):
                yield answer
            yield {"done": True}, []
            return
        match header.get("operation"):
            case "values":
                async for answer in self._values.answers(header):
                    yield answer
                yield {"done": True}, []
            case "info":
                yield self._info(), []
            case "under_way":
                yield {"calls": self._calls.facts()}, []
            case "taken":
                yield {"seconds": self._calls.taken()}, []
            case "install":
                yield await self._install(header["request"]), []
            case "cancel":
                yield {"cancelled": self._calls.cancel(header["key"])}, []
            case "console":
                found = self._calls.console(header["key"], header["start"])
                yield (
                    ({"ends_at": None}, [])
                    if found is None
                    else ({"ends_at": found[1]}, [found[0]])
                )
            case _:
                yield await self._calls.one(header)

    def _info(self) -> dict[str, Any]:
        return {
            **self._templates.info,
            "project": self._config.project,
            "problem": self._templates.problem,
            "templates": self._templates.facts(),
            "installed": self._on_shelf.facts(),
            "running": self._admission.running,
            "waiting": self._admission.waiting,
            "calls": self._calls.count,
            "live": self._live.facts(),
            "served_live": self._live.served,
            "walls": {"mode": self._config.walls, **self._host.to_wire()},
        }

    async def _install(self, request: dict[str, Any]) -> dict[str, Any]:
        """Installs, and answers when new calls find what is new, or models take long to load."""
        installed = await self._installer.install(InstallRequest.from_wire(request))
        await asyncio.wait({asyncio.create_task(self._templates.catch_up())}, timeout=CATCH_UP_S)
        return reply(installed)


async def _closed(reader: asyncio.StreamReader) -> None:
    """Returns when the client goes away; it sends nothing while it waits for an answer."""
    while not reader.at_eof():  # noqa: ASYNC110  # a stream has no event for its end
        await asyncio.sleep(CLIENT_CHECK_S)


def main() -> None:
    """Runs the broker; the only argument is its configuration as JSON."""
    config = BrokerConfig(**json.loads(sys.argv[1]))
    logging.basicConfig(
        level=os.environ.get("LARDER_LOG_LEVEL", "INFO").upper(),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    try:
        Path(config.state).mkdir(mode=0o700, parents=True, exist_ok=True)
        host = host_for(config.walls, Path(config.state))
        asyncio.run(Broker(config, host).run())
    except (errors.TemplateFailed, errors.ParentEnded) as error:
        log.error("engine did not start: %s", error)  # noqa: TRY400  # R's message says it all
        sys.exit(3)


if __name__ == "__main__":
    main()
