"""The templates: a base, one with the project's models, and one for each package in demand.

All but the base are forked from it, and end with it. A new one starts beside the old one, which
serves until then: when a model or the shelf changed, or when a parent died.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from engine.demand import Demand
from engine.errors import ParentEnded, TemplateFailed
from engine.memory import pss_bytes
from engine.needs import Needs
from engine.shelf_watch import ShelfWatch
from engine.sources import Sources
from engine.template import Template

log = logging.getLogger(__name__)

CHECK_S = 1.0
STARTS = 3
"""How often what ended is made anew at once: R may crash each time that it loads the models."""
PACKAGE_SPARES = 1
BASE_ENDS_WITHIN_S = 0.5
"""How long after what was forked from it the end of the base is noticed."""


class Templates:
    """Keeps what calls fork from ready, up to date and within its memory.

    Args:
        config: what `engine.parent` needs, but for what changes from one base to the next.
        on_shelf: what was installed.
        spares: idle children of the base, and of the project's template.
        quiet: whether nothing runs.
        memory_bytes: what the templates of packages may take together, as PSS.
    """

    def __init__(
        self,
        config: dict[str, Any],
        on_shelf: ShelfWatch,
        spares: int,
        quiet: Callable[[], bool],
        memory_bytes: int,
    ) -> None:
        self._config = config
        self._work = Path(config["work"])
        self._needs = Needs(config["project"], Path(config["sessions_root"]))
        self._sources = Sources(Path(config["folder"]) if config["folder"] else None)
        self._on_shelf = on_shelf
        self._spares = spares
        self._quiet = quiet
        self._memory_bytes = memory_bytes
        self._base: Template | None = None
        self._project: Template | None = None
        self._packages: dict[str, Template] = {}
        self._demand = Demand()
        self._replacing = asyncio.Lock()
        self._growing: asyncio.Task[None] | None = None
        self.retired: Callable[[Template], None] = lambda _: None
        """Told of each template that no new call gets."""
        self.problem: str | None = None
        """Why the models as they are now do not load; None while they do."""

    async def start(self, *, models_required: bool = False) -> None:
        """Starts the base, and the project's template from it.

        Raises:
            TemplateFailed: R could not be started, or models that are required not be loaded; if
                they are not, that is a `problem`.
            ParentEnded: R ended meanwhile.
        """
        self._base = await self._new_base()
        try:
            self._project = await self._new_project(self._base)
        except TemplateFailed as error:
            if models_required:
                await self._base.stop()
                raise
            self._tell(error, "calls of its functions are refused until they do")

    def for_call(self, request: dict[str, Any]) -> Template:
        """Returns the template that has what a request needs, and as little else as can be.

        Raises:
            TemplateFailed: it needs the project's models, and they do not load.
        """
        if self._needs.project(request):
            if self._project is None:
                raise TemplateFailed(f"the project's models do not load: {self.problem}")
            return self._project
        package = request.get("package") if not request.get("library") else None
        if package is not None and package not in self.base.info["loaded"]:
            self._demand.note(package)
            template = self._packages.get(package)
            if template is not None and not template.ended.done():
                return template
        return self.base

    @property
    def base(self) -> Template:
        """The template of calls that need nothing in particular."""
        assert self._base is not None  # noqa: S101  # nobody asks before start
        return self._base

    @property
    def info(self) -> dict[str, Any]:
        """What there is to know of R and the project."""
        if self._project is not None and self._project.info:
            return {**self.base.info, **self._project.info}
        version = self._sources.digest if self._config["project"] is None else ""
        return {**self.base.info, "exports": [], "version": version}

    def facts(self) -> list[dict[str, Any]]:
        """Returns each template's name, process and memory (PSS, bytes)."""
        return [
            {"name": one.name, "pid": one.pid, "pss_bytes": pss_bytes(one.pid)}
            for one in self._every()
        ]

    def prepare(self) -> None:
        """Gets spare children ready, as there is little else to do."""
        for one in self._every():
            one.prepare()

    async def watch(self) -> None:
        """Keeps them up to date, for ever."""
        while True:
            await asyncio.wait({one.ended for one in self._every()}, timeout=CHECK_S)
            try:
                await self.catch_up()
            except Exception:  # whatever it is, the next second may do better
                log.exception("templates not brought up to date")
                await asyncio.sleep(CHECK_S)
            self._follow_demand()

    async def catch_up(self) -> None:
        """Replaces what changed or died; returns when what is new serves."""
        async with self._replacing:
            for _ in range(STARTS):  # what is new may have ended as well
                if not await self._replace():
                    return

    async def stop(self) -> None:
        """Ends all of them and their children."""
        if self._growing is not None:
            self._growing.cancel()
        for one in reversed(list(self._every())):
            await one.stop()

    async def _replace(self) -> bool:
        """Replaces what changed or died; whether there was any such thing."""
        for name in [name for name, one in self._packages.items() if one.ended.done()]:
            del self._packages[name]
        shelf_changed, models_changed = self._on_shelf.changed(), self._sources.changed()
        base_ended = self.base.ended.done()
        project_ended = self._project is not None and self._project.ended.done()
        base = shelf_changed or base_ended
        if not (base or models_changed or project_ended):
            return False
        await self._renew(base=base)
        return True

    def _every(self) -> Iterator[Template]:
        yield self.base
        if self._project is not None:
            yield self._project
        yield from self._packages.values()

    async def _new_base(self) -> Template:
        # Read before R starts: a change meanwhile is seen again.
        libraries = [str(library) for library in self._on_shelf.libraries()]
        facts = {"shelf": self._on_shelf.digest, "releases": self._on_shelf.releases()}
        base = Template("base", self._work, self._spares, self._quiet)
        await base.start_base({**self._config, "libraries": libraries})
        base.info |= facts
        return base

    async def _new_project(self, base: Template) -> Template | None:
        """The project's template; one that has ended already where the base did."""
        if self._config["project"] is None:
            return None
        version = self._sources.digest
        wanted = {key: self._config[key] for key in ("project", "folder", "state")}
        for _ in range(STARTS):
            project = Template("project", self._work, self._spares, self._quiet)
            try:
                await project.start_from(base, wanted)
            except ParentEnded:
                await asyncio.wait([base.ended], timeout=BASE_ENDS_WITHIN_S)
                if base.ended.done():  # both are made anew, as after any death
                    return project
                continue
            project.info["version"] = version
            return project
        raise TemplateFailed("R ended while it loaded them, without a word")

    async def _renew(self, *, base: bool) -> None:
        """Makes new ones, and lets them serve once all of them are ready."""
        old_base, old_project = self.base, self._project
        new_base = await self._new_base() if base else old_base
        new_project = old_project
        try:
            new_project = await self._new_project(new_base)
        except TemplateFailed as error:
            self._tell(error, "the last good ones serve on")
            if old_project is not None and old_project.ended.done():
                new_project = None
        else:
            self.problem = None
            if new_project is not None and new_project.info:
                log.info("models loaded version=%s", self._sources.digest)
        self._base, self._project = new_base, new_project
        if new_project is not old_project and old_project is not None:
            self._retire(old_project)
        if new_base is not old_base:
            self._retire(*self._packages.values(), old_base)
            self._packages = {}

    def _tell(self, error: TemplateFailed, consequence: str) -> None:
        self.problem = str(error)
        log.error("models not loaded, %s: %s", consequence, error)

    def _follow_demand(self) -> None:
        """Drops the templates that are not worth their memory; makes the one most asked for."""
        sizes = {name: pss_bytes(one.pid) for name, one in self._packages.items()}
        for name in self._demand.dispensable(sizes, self._memory_bytes):
            log.info("template dropped package=%s", name)
            self._retire(self._packages.pop(name))
        wanted = self._demand.wanted(self._packages)
        if wanted is not None and (self._growing is None or self._growing.done()):
            self._growing = asyncio.create_task(self._grow(wanted))

    async def _grow(self, package: str) -> None:
        base = self.base
        template = Template(package, self._work, PACKAGE_SPARES, self._quiet)
        try:
            await template.start_from(base, {"package": package})
        except (TemplateFailed, ParentEnded) as error:
            log.info("no template package=%s error=%s", package, error)
            if base is self.base and not base.ended.done():
                self._demand.give_up(package)
            return
        if base is not self.base:
            await template.stop()
            return
        log.info("template ready package=%s", package)
        self._packages[package] = template

    def _retire(self, *old: Template) -> None:
        for one in old:
            one.end_idle()
            self.retired(one)
        asyncio.create_task(_end(old))  # noqa: RUF006  # ends by itself


async def _end(old: tuple[Template, ...]) -> None:
    """Ends templates once their last call is done, those first that were forked last."""
    for one in old:
        await one.is_left()
        await one.stop()
