"""A grid entry to a `Grid`, with the mistakes that only its meaning shows."""

from collections.abc import Mapping, Sequence
from datetime import date

from cache.keys import Value, canonical
from jobs.argument import NO_DEFAULT, ArgumentSpec, identity
from jobs.cells_entry import AxisEntry, DatesEntry, GridEntry, RangeEntry
from jobs.compile_arguments import accepted, accepted_values
from jobs.compile_source import compile_axis_source
from jobs.dates import date_values
from jobs.definition import JobFile
from jobs.errors import ArgumentInvalid, ValueInvalid
from jobs.grid import Axis, Grid, combinations, range_faults, range_values
from jobs.nearest import nearest
from jobs.problem import KeyPath
from jobs.shown import as_yaml, shown
from jobs.source_entry import AxisFromEntry
from jobs.surroundings import Surroundings
from jobs.validation import Checked

_R_EPOCH = date(1970, 1, 1).toordinal()


def compile_grid(
    checked: Checked[JobFile],
    job: KeyPath,
    entry: GridEntry | None,
    arguments: Sequence[ArgumentSpec],
    around: Surroundings,
) -> Grid:
    """The grid of the job at `job`; what is wrong with it is added to `checked`."""
    compiler = _GridCompiler(checked, job, {spec.name: spec for spec in arguments}, around)
    return compiler.grid(entry or GridEntry())


class _GridCompiler:
    def __init__(
        self,
        checked: Checked[JobFile],
        job: KeyPath,
        specs: Mapping[str, ArgumentSpec],
        around: Surroundings,
    ) -> None:
        self.checked = checked
        self.job = job
        self.path: KeyPath = (*job, "grid")
        self.specs = specs
        self.around = around

    def grid(self, entry: GridEntry) -> Grid:
        axes = tuple(
            axis
            for name, written in entry.axes().items()
            if (spec := self._spec((*self.path, name), name, "exclude", "include")) is not None
            and (axis := self._axis(spec, written))
        )
        try:
            combinations([len(axis.values) for axis in axes])
        except ValueInvalid as error:
            self.checked.problem(self.path, error.reason, error.hint, on_key=True)
            return Grid()
        excluded = tuple(
            self._excluded(number, partial, axes) for number, partial in enumerate(entry.exclude)
        )
        self._check_covered(axes)
        grid = Grid(axes, excluded)
        # Values from outside may change: which of these are combinations is told at each run.
        outside = any(axis.source is not None for axis in axes)
        included: dict[str, Mapping[str, Value]] = {}
        for number, written in enumerate(entry.include):
            arguments = self._included(number, written)
            if outside or not self._is_cell(grid, arguments):
                included.setdefault(canonical(arguments), arguments)
        whole = Grid(axes, excluded, tuple(included.values()))
        if excluded and not outside and not self._is_faulty() and whole.count() == 0:
            hint = "exclude fewer, or take the grid away"
            self.checked.problem((*self.path, "exclude"), "this leaves no cell", hint, on_key=True)
        return whole

    def _spec(self, path: KeyPath, name: str, *others: str) -> ArgumentSpec | None:
        """The argument called `name`; a problem at `path` if there is none.

        `others` are what else may stand there.
        """
        spec = self.specs.get(name)
        if spec is None and not self.checked.is_broken((*self.job, "args", name)):
            meant = nearest(name, [*self.specs, *others])
            hint = f"declare it under args; declared: {', '.join(self.specs) or 'none'}"
            if meant:
                hint = f"did you mean '{meant}'?"
                self.checked.broken.add((*self.path, meant))
            self.checked.problem(path, f"'{name}' is not among the args", hint, on_key=True)
        return spec

    def _axis(self, spec: ArgumentSpec, written: AxisEntry) -> Axis | None:
        """The axis; None if it has no values, about which there is a problem."""
        if isinstance(written, AxisFromEntry | DatesEntry) and self._is_faulty(spec.name):
            return None  # what is left of it would have other values
        if isinstance(written, AxisFromEntry):
            path = (*self.path, spec.name)
            return compile_axis_source(self.checked, path, spec, written, self.around)
        values = self._axis_values(spec, written)
        return Axis(spec.name, values) if values else None

    def _axis_values(
        self, spec: ArgumentSpec, written: str | RangeEntry | DatesEntry | list[object]
    ) -> tuple[Value, ...]:
        path = (*self.path, spec.name)
        if isinstance(written, str):
            return self._all_values(path, spec)
        if isinstance(written, RangeEntry):
            return self._range(path, spec, written)
        if isinstance(written, DatesEntry):
            return self._dates(path, spec, written)
        if not written:
            self.checked.problem(path, f"{spec.name} has no values in the grid", "list some")
        return accepted_values(self.checked, path, spec, written)

    def _all_values(self, path: KeyPath, spec: ArgumentSpec) -> tuple[Value, ...]:
        if spec.values is not None:
            return spec.values
        if spec.type == "boolean":
            return (False, True)
        if not self.checked.is_broken((*self.job, "args", spec.name)):
            hint = f"give args.{spec.name} its values, or list them here"
            self.checked.problem(path, f"'all' needs to know the values of {spec.name}", hint)
        return ()

    def _range(self, path: KeyPath, spec: ArgumentSpec, written: RangeEntry) -> tuple[Value, ...]:
        if spec.type in ("string", "boolean"):
            hint = f"list them: [{', '.join(as_yaml(value) for value in spec.values or ())}]"
            message = f"a range is of numbers, and {spec.name} is a {spec.type}"
            self.checked.problem(path, message, hint if spec.values else "list the values")
            return ()
        faults = range_faults(written.from_, written.to, written.by)
        for key, fault in faults.items():
            self.checked.problem((*path, key), fault.reason, fault.hint)
        if faults:
            return ()
        try:
            values = range_values(written.from_, written.to, written.by)
        except ValueInvalid as error:
            self.checked.problem(path, error.reason, error.hint)
            return ()
        for end, value in (("from", values[0]), ("to", values[-1])):
            if accepted(self.checked, (*path, end), spec, value) is NO_DEFAULT:
                return ()
        try:
            return tuple(spec.accept(value) for value in values)
        except ArgumentInvalid as error:
            first = error.faults[0]
            self.checked.problem((*path, "by"), first.reason, first.hint)
            return ()

    def _dates(self, path: KeyPath, spec: ArgumentSpec, written: DatesEntry) -> tuple[Value, ...]:
        try:
            dates = date_values(written.from_, written.to, written.by)
        except ValueInvalid as error:
            self.checked.problem((*path, "from"), error.reason, error.hint)
            return ()
        in_days = spec.type in ("number", "integer")  # as as.numeric() of a date in R
        values: list[Value] = []
        for day in dates:
            plain = day.toordinal() - _R_EPOCH if in_days else day.isoformat()
            value = accepted(self.checked, (*path, "from"), spec, plain)
            if value is NO_DEFAULT:
                return ()
            values.append(value)
        return tuple(values)

    def _excluded(
        self, number: int, partial: Mapping[str, object], axes: Sequence[Axis]
    ) -> dict[str, Value]:
        path = (*self.path, "exclude", number)
        excluded: dict[str, Value] = {}
        if not partial:
            self.checked.problem(path, "this excludes everything", "name arguments and values")
        for name, written in partial.items():
            spec = self._spec((*path, name), name)
            if spec is None:
                continue
            axis = next((axis for axis in axes if axis.name == name), None)
            if axis is None:
                if not self.checked.is_broken((*self.path, name)):
                    hint = "only what is in the grid can be excluded from it"
                    message = f"'{name}' is not in the grid"
                    self.checked.problem((*path, name), message, hint, on_key=True)
                continue
            value = accepted(self.checked, (*path, name), spec, written)
            if value is NO_DEFAULT:
                continue
            excluded[name] = value
            is_none = axis.source is None and axis.position(value) is None
            if is_none and not self._is_faulty(name):
                message = f"the grid has no {name} = {as_yaml(written)} to exclude"
                self.checked.problem((*path, name), message, "take the exclusion away")
        return excluded

    def _is_faulty(self, *name: str) -> bool:
        """Whether the axis, or the grid, lacks values because something else is wrong with it."""
        path = (*self.path, *name)
        return any(fault[: len(path)] == path for fault in self.checked.faulty)

    def _included(self, number: int, written: Mapping[str, object]) -> dict[str, Value]:
        path = (*self.path, "include", number)
        included: dict[str, Value] = {}
        for name, value_written in written.items():
            spec = self._spec((*path, name), name)
            if spec is not None:
                value = accepted(self.checked, (*path, name), spec, value_written)
                if value is not NO_DEFAULT:
                    included[name] = value
        for spec in self.specs.values():
            if spec.required and spec.name not in written:
                message = f"{spec.name} is missing in {shown(dict(written))}"
                self.checked.problem(path, message, f"give {spec.expected()}")
        return included

    def _is_cell(self, grid: Grid, arguments: Mapping[str, Value]) -> bool:
        on_axes = {axis.name for axis in grid.axes}
        filled = {spec.name: arguments.get(spec.name, spec.default) for spec in self.specs.values()}
        others_default = all(
            spec.default is not NO_DEFAULT and identity(arguments[name]) == identity(spec.default)
            for name, spec in self.specs.items()
            if name in arguments and name not in on_axes
        )
        given = {name: value for name, value in filled.items() if value is not NO_DEFAULT}
        return others_default and grid.has(given)

    def _check_covered(self, axes: Sequence[Axis]) -> None:
        on_axes = {axis.name for axis in axes}
        for spec in self.specs.values():
            written = spec.name in on_axes or (*self.path, spec.name) in self.checked.document.keys
            broken = any(
                self.checked.is_broken(path)
                for path in ((*self.path, spec.name), (*self.job, "args", spec.name))
            )
            if spec.required and not written and not broken:
                message = f"'{spec.name}' is neither in the grid nor has it a default"
                hint = f"add {spec.name} to the grid, or give args.{spec.name} a default"
                self.checked.problem(self.path, message, hint, on_key=True)
