"""Starts installations, each in a limited process of its own, and puts the result on the shelf.

At most `at_once` run and `queue_limit` wait. Who asks for the same thing at the same time shares
one installation; it goes on as long as one of them waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import logging
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.errors import EngineError, InstallBusy, InstallFailed, InstallTimeout
from engine.install import Order
from engine.install_reply import failed
from engine.install_request import InstallRequest, canonical_name
from engine.installed import Installed
from engine.plain_words import last_lines
from engine.shelf import FILES, LIBRARY, Shelf, is_whole
from engine.workshop import Workshop, tail

log = logging.getLogger(__name__)

END_GRACE_S = 5.0
"""Seconds that an installation has to end all its processes before it is killed itself."""


@dataclass
class Flight:
    """One installation under way, and how many wait for it."""

    request: InstallRequest
    task: asyncio.Task[Installed]
    waiting: int = 0


class Installer:
    """Installs onto one shelf. `libraries` are R's own; None is as R finds them."""

    def __init__(
        self,
        shelf: Shelf,
        *,
        libraries: Sequence[str] = (),
        at_once: int = 2,
        queue_limit: int = 16,
    ) -> None:
        self._shelf = shelf
        self._slots = asyncio.Semaphore(at_once)
        self._limit = at_once + queue_limit
        self._asked = 0
        self._flights: dict[tuple[str, str], Flight] = {}
        self.libraries = list(libraries)

    async def install(self, request: InstallRequest) -> Installed:
        """Returns what is on the shelf once the request is carried out.

        Raises:
            InstallFailed: it could not be installed; what was there before is still there.
            InstallBusy: too many wait already.
        """
        key = (request.source, canonical_name(request.source, request.name))
        flight = self._flights.get(key)
        if flight is not None and flight.request == request:
            return await self._join(flight)
        if self._asked >= self._limit:
            raise InstallBusy(self._asked)
        self._asked += 1
        try:
            while (flight := self._flights.get(key)) is not None:  # one at a time per name
                await asyncio.wait({flight.task})
            return await self._join(self._start(key, request))
        finally:
            self._asked -= 1

    async def stop(self) -> None:
        """Ends all installations."""
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, key: tuple[str, str], request: InstallRequest) -> Flight:
        task = asyncio.create_task(self._carry_out(request))
        flight = self._flights[key] = Flight(request, task)
        task.add_done_callback(lambda _: self._flights.pop(key))
        return flight

    async def _join(self, flight: Flight) -> Installed:
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        except asyncio.CancelledError:
            if flight.task.cancelled():
                raise InstallFailed("the engine was stopped in the middle of it") from None
            if flight.waiting == 1:
                flight.task.cancel()
                await asyncio.wait({flight.task})
            raise
        finally:
            flight.waiting -= 1

    async def _carry_out(self, request: InstallRequest) -> Installed:
        async with self._slots:
            log.info("install started source=%s name=%s", request.source, request.name)
            try:
                installed = await self._in_new_release(request)
            except EngineError as error:
                log.warning(
                    "install failed source=%s name=%s error=%s",
                    *(request.source, request.name, error),
                )
                raise
        log.info(
            "install finished source=%s name=%s package=%s version=%s commit=%s",
            *(installed.source, installed.name),
            *(installed.package, installed.version, installed.commit),
        )
        return installed

    async def _in_new_release(self, request: InstallRequest) -> Installed:
        with self._shelf.new_release() as release:
            try:
                return await self._build(request, release)
            except BaseException:  # the most of it, where it holds up nobody
                await asyncio.to_thread(shutil.rmtree, release, ignore_errors=True)
                raise

    async def _build(self, request: InstallRequest, release: Path) -> Installed:
        current = self._shelf.find(request.source, request.name)
        if current is not None and not await asyncio.to_thread(is_whole, current):
            current = None
        workshop = Workshop(release)
        workshop.prepare()
        answer = await self._run(_order(request, workshop, current, self.libraries), workshop)
        if answer.get("unchanged") and current is not None:
            return self._shelf.checked(replace(current, ref=request.ref))
        installed = _installed(request, release, answer)
        await asyncio.to_thread(workshop.clear)
        return self._shelf.publish(release, installed)

    async def _run(self, order: Order, workshop: Workshop) -> dict[str, Any]:
        """Returns the answer of one installation's process; nothing of it is left then."""
        timeout_s = order.request["timeout_s"]
        with workshop.log.open("ab") as words:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "engine.install"),
                stdin=asyncio.subprocess.PIPE,  # arguments can be seen by all, and hold addresses
                stdout=asyncio.subprocess.PIPE,
                stderr=words,
                env=workshop.environment(),
                start_new_session=True,
            )
        try:
            sent = order.to_json().encode()
            said, _ = await asyncio.wait_for(process.communicate(sent), timeout_s)
        except TimeoutError:
            await _end(process)
            raise InstallTimeout(timeout_s, tail(workshop.log)) from None
        finally:
            await _end(process)
        written = tail(workshop.log)
        try:
            answer: dict[str, Any] = json.loads(said)
        except ValueError:
            text = f"the installation ended by itself. Its last words:\n{last_lines(written)}"
            raise InstallFailed(text, written) from None
        if "failed" in answer:
            raise failed(answer, written)
        return answer


def _order(
    request: InstallRequest, workshop: Workshop, current: Installed | None, libraries: list[str]
) -> Order:
    names = ("commit", "version", "origin", "r_version")
    facts = {} if current is None else {name: getattr(current, name) for name in names}
    return Order(request.to_wire(), str(workshop.release), os.getpid(), facts, libraries)


def _installed(request: InstallRequest, release: Path, answer: dict[str, Any]) -> Installed:
    package = answer.get("package")
    now = dt.datetime.now(dt.UTC)
    return Installed(
        source=request.source,
        name=request.name,
        package=package,
        version=answer["packages"].get(package),
        origin=answer["origin"],
        commit=answer.get("commit"),
        digest=answer.get("digest"),
        ref=request.ref,
        installed_at=now,
        checked_at=now,
        r_version=answer["r_version"],
        folder=release / (FILES if package is None else LIBRARY),
        packages=answer["packages"],
    )


async def _end(process: asyncio.subprocess.Process) -> None:
    """Has the process end all that it started, and sees that it does."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), END_GRACE_S)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
