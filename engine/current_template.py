"""The template that serves new calls: replaced when the project's R or the shelf changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.errors import TemplateFailed
from engine.shelf_watch import ShelfWatch
from engine.sources import Sources
from engine.template import Template

log = logging.getLogger(__name__)

CHECK_S = 1.0


class CurrentTemplate:
    """One template after the other; a new one starts beside the old, which serves until then.

    Args:
        config: what `engine.parent` needs, but for what changes from one template to the next.
        folder: the project, whose models are watched.
        on_shelf: what was installed.
        spares: idle children to keep.
        quiet: whether nothing runs.
    """

    def __init__(
        self,
        config: dict[str, Any],
        folder: Path | None,
        on_shelf: ShelfWatch,
        spares: int,
        quiet: Callable[[], bool],
    ) -> None:
        self._config = config
        self._sources = Sources(folder)
        self._on_shelf = on_shelf
        self._spares = spares
        self._quiet = quiet
        self._template: Template | None = None
        self._replacing = asyncio.Lock()
        self.problem: str | None = None
        """Why the models as they are now do not load; None while they do."""

    @property
    def now(self) -> Template:
        """The template for the next call."""
        assert self._template is not None  # noqa: S101  # nobody asks before start
        return self._template

    async def start(self) -> None:
        """Starts the first template.

        Raises:
            TemplateFailed: R or the project's models could not be loaded.
        """
        self._template = await self._next()

    async def watch(self) -> None:
        """Keeps it up to date, for ever."""
        while True:
            await asyncio.wait({self.now.ended}, timeout=CHECK_S)
            await self.catch_up()

    async def catch_up(self) -> None:
        """Replaces the template if something changed or its parent died; returns when it serves."""
        async with self._replacing:
            changed = [self._sources.changed(), self._on_shelf.changed()]
            if any(changed) or self.now.ended.done():
                await self._replace()

    async def stop(self) -> None:
        """Ends the template and its children."""
        await self.now.stop()

    async def _next(self) -> Template:
        # Both are read before the models: a change meanwhile is seen again.
        libraries = [str(library) for library in self._on_shelf.libraries()]
        facts = {
            "version": self._sources.digest,
            "shelf": self._on_shelf.digest,
            "releases": self._on_shelf.releases(),
        }
        config = {**self._config, "libraries": libraries}
        template = Template(config, self._spares, self._quiet)
        await template.start()
        template.info |= facts
        return template

    async def _replace(self) -> None:
        old = self.now
        try:
            self._template = await self._next()
        except TemplateFailed as error:
            self.problem = str(error)
            log.error("models not loaded, the last good ones serve on: %s", error)  # noqa: TRY400
            return
        self.problem = None
        log.info("models loaded version=%s", self._sources.digest)
        old.end_idle()
        asyncio.create_task(_retire(old))  # noqa: RUF006  # ends by itself


async def _retire(template: Template) -> None:
    await template.idle()
    await template.stop()
