"""A job entry and the defaults of its file to a `Job`."""

import re
from dataclasses import replace
from typing import Any, Literal

from cache.freshness import Freshness
from engine.call import Priority
from engine.errors import LIMITS
from engine.limits import UNLIMITED, Limits
from jobs.argument import ArgumentSpec
from jobs.compile_arguments import compile_arguments
from jobs.compile_grid import compile_grid
from jobs.compile_input import compile_input
from jobs.compile_rows import compile_rows
from jobs.definition import Defaults, JobEntry, JobFile
from jobs.grid import Grid
from jobs.job import Job
from jobs.notify_entry import NotifyEntry
from jobs.notify_spec import NOBODY, NotifySpec
from jobs.outputs import DRAWN
from jobs.problem import KeyPath
from jobs.retries_entry import retries_of
from jobs.rows_source import Rows
from jobs.schedule_entry import ScheduleEntry
from jobs.schedule_spec import ScheduleSpec, parse_schedule
from jobs.surroundings import Surroundings
from jobs.validation import Checked

_JOB_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,99}")
_R_NAME = re.compile(r"(?!\.[0-9])[A-Za-z.][A-Za-z0-9._]*")
_FUNCTION = re.compile(r"([A-Za-z][A-Za-z0-9.]*[A-Za-z0-9])::((?!\.[0-9])[A-Za-z.][A-Za-z0-9._]*)")
_DAY_S = 86400.0
_PRIORITIES = {
    "low": Priority.SCHEDULED_LOW,
    "normal": Priority.SCHEDULED,
    "high": Priority.SCHEDULED_HIGH,
}


def compile_job(
    checked: Checked[JobFile], name: str, entry: JobEntry, around: Surroundings
) -> Job | None:
    """The job, or None where it has no usable function; mistakes are added to `checked`."""
    return _JobCompiler(checked, name, entry, around).job()


class _JobCompiler:
    def __init__(
        self, checked: Checked[JobFile], name: str, entry: JobEntry, around: Surroundings
    ) -> None:
        self.checked = checked
        self.name = name
        self.path: KeyPath = ("jobs", name)
        self.entry = entry
        self.around = around
        model = checked.model
        self.defaults = (model.defaults if model else None) or Defaults()

    def job(self) -> Job | None:
        if not _JOB_NAME.fullmatch(self.name):
            hint = "a letter, then letters, digits, '_' and '-'; at most 100"
            self._problem((), f"'{self.name}' cannot be the name of a job", hint)
        function = self._function()
        path = (*self.path, "args")
        arguments = compile_arguments(self.checked, path, self.entry.args or {})
        grid, rows = self._cells(arguments)
        schedule = self._schedule()
        self._check_has_cells(schedule, grid, rows, arguments)
        freshness = self._freshness()
        if function is None:
            return None
        return Job(
            name=self.name,
            package=function[0],
            function=function[1],
            freshness=freshness,
            description=self.entry.description or "",
            arguments=arguments,
            grid=grid,
            rows=rows,
            schedule=schedule,
            follows=self._follows(),
            on_miss=self._setting("on_miss") or "run",
            outputs=tuple(dict.fromkeys(self._setting("outputs") or ("json",))),
            seed=self._setting("seed"),
            input=compile_input(self.checked, self.path, self.entry, self.around.folder),
            checks=tuple(self.entry.checks or ()),
            timeout_s=self._setting("timeout") or 90.0,
            bounds=self._bounds(),
            network=bool(self._setting("network")),
            retries=retries_of(self._setting("retries")),
            concurrency=self._setting("concurrency"),
            priority=_PRIORITIES[self._setting("priority") or "normal"],
            isolation=self._setting("isolation") or "batch",
            sessions=self._sessions(),
            notify=self._notify(),
            tags=tuple(self._setting("tags") or ()),
            owner=self._setting("owner") or "",
            timezone=self._timezone(),
            source=self.checked.document.source(self.path),
        )

    def _function(self) -> tuple[str, str] | None:
        written = self.entry.function
        if written is None:
            if not self.checked.is_broken((*self.path, "function")):
                hint = f"for example: function: {self.around.project}::my_function"
                self._problem((), "the key 'function' is missing", hint)
            return None
        found = _FUNCTION.fullmatch(written.strip())
        if found is None:
            hint = f"for example: {self.around.project}::gain"
            if _R_NAME.fullmatch(written):
                hint = f"write {self.around.project}::{written}, or the package it is in"
            elif ":::" in written:
                hint = "only functions that a package exports can be called"
            self._problem(("function",), f"'{written}' is not package::function", hint)
            return None
        return found[1], found[2]

    def _cells(self, arguments: tuple[ArgumentSpec, ...]) -> tuple[Grid | None, Rows | None]:
        entry = self.entry
        keys = self.checked.document.keys
        if all((*self.path, key) in keys for key in ("grid", "rows")):
            hint = "a job has either a grid or rows; make two jobs of it"
            self._problem(("rows",), "this job has a grid and rows", hint, on_key=True)
        rows = None
        if entry.rows is not None:
            rows = compile_rows(self.checked, self.path, entry.rows, arguments, self.around)
        alone = entry.rows is None and not any(spec.required for spec in arguments)
        if entry.grid is None and not alone:
            return None, rows
        grid = compile_grid(self.checked, self.path, entry.grid, arguments, self.around)
        return grid, rows

    def _schedule(self) -> tuple[ScheduleSpec, ...]:
        zone = self._timezone()
        specs = [
            rule.spec(zone, self.name)
            if isinstance(rule, ScheduleEntry)
            else parse_schedule(rule, zone)
            for rule in self._rules().values()
        ]
        return tuple(dict.fromkeys(spec for spec in specs if spec.kind != "manual"))

    def _rules(self) -> dict[KeyPath, ScheduleEntry | str]:
        """The rules of its schedule by their places."""
        written = self._setting("schedule")
        if isinstance(written, list):
            return {("schedule", place): rule for place, rule in enumerate(written)}
        return {("schedule",): written} if written else {}

    def _follows(self) -> dict[str, KeyPath]:
        places: dict[str, KeyPath] = {}
        for path, rule in self._rules().items():
            named = rule.after if isinstance(rule, ScheduleEntry) else None
            if isinstance(named, str):
                places.setdefault(named, (*path, "after"))
            for place, name in enumerate(named if isinstance(named, list) else ()):
                places.setdefault(name, (*path, "after", place))
        return places

    def _check_has_cells(
        self,
        schedule: tuple[ScheduleSpec, ...],
        grid: Grid | None,
        rows: Rows | None,
        arguments: tuple[ArgumentSpec, ...],
    ) -> None:
        cells_broken = any(
            self.checked.is_broken((*self.path, key)) for key in ("grid", "rows", "args")
        )
        if grid is not None or rows is not None or cells_broken:
            return
        if self.entry.on_miss == "refuse":
            message = "nothing is prepared here, so 'refuse' refuses every call"
            self._problem(("on_miss",), message, "add a grid, or leave 'on_miss' out")
        if schedule:
            required = ", ".join(spec.name for spec in arguments if spec.required)
            message = f"there is nothing to run: {required} has no default and there is no grid"
            hint = "add a grid, or leave the schedule out: calls are then computed on demand"
            self._problem(("schedule",), message, hint)

    def _sessions(self) -> Literal["keep", "none"]:
        """Whether cells keep their sessions; what is drawn is nowhere else."""
        said: Literal["keep", "none"] = self._setting("sessions") or "keep"
        if said == "keep" or self.entry.rows is not None:
            return "keep"
        where: KeyPath = (*self.path, "outputs")
        if self.entry.outputs is None:
            where = ("defaults", "outputs")
        for place, name in enumerate(self._setting("outputs") or ()):
            if name in DRAWN:
                message = f"{self.name} keeps no sessions, and without one nothing is drawn"
                hint = f"leave {name} out, or say sessions: keep"
                self.checked.problem((*where, place), message, hint)
        return said

    def _freshness(self) -> Freshness:
        fresh_for = self._cache_time("fresh_for", _DAY_S)
        serve_stale_for = self._cache_time("serve_stale_for", 7 * _DAY_S)
        keep = self._cache_time("keep", 90 * _DAY_S)
        own = self.entry.cache
        unknown = any(
            self.checked.is_broken((*path, "cache", "fresh_for"))
            for path in (self.path, ("defaults",))
        )
        if own is not None and own.keep is not None and keep < fresh_for and not unknown:
            hint = "keep answers at least as long as they are fresh"
            self._problem(("cache", "keep"), "'keep' is shorter than 'fresh_for'", hint)
        return Freshness(fresh_for, serve_stale_for, keep)

    def _cache_time(self, key: str, otherwise: float) -> float:
        """One time of `cache`; each may come from the job or from the defaults on its own."""
        for entry in (self.entry.cache, self.defaults.cache):
            seconds = getattr(entry, key, None)
            if seconds is not None:
                return float(seconds)
        return otherwise

    def _bounds(self) -> Limits:
        """The job's own limits; each may come from the job or from the defaults on its own."""
        said: dict[str, Any] = {}
        for entry in (self.defaults.limits, self.entry.limits):
            said |= entry.model_dump(exclude_none=True) if entry is not None else {}
        return replace(UNLIMITED, **{LIMITS[name].field: most for name, most in said.items()})

    def _notify(self) -> NotifySpec:
        written: NotifyEntry | None = self._setting("notify")
        return written.spec() if written is not None else NOBODY

    def _timezone(self) -> str:
        zone: str = self._setting("timezone") or self.around.timezone
        return zone

    def _setting(self, key: str) -> Any:
        """The job's own value, else that of the file's defaults, else None."""
        own = getattr(self.entry, key)
        return own if own is not None else getattr(self.defaults, key)

    def _problem(self, path: KeyPath, message: str, hint: str, *, on_key: bool = False) -> None:
        at_key = on_key or not path
        self.checked.problem((*self.path, *path), message, hint, on_key=at_key)
