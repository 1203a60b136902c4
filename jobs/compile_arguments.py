"""Argument entries to `ArgumentSpec`s, with the mistakes that only their meaning shows."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from cache.keys import Secret, Value
from jobs.argument import NO_DEFAULT, ArgumentSpec, ArgumentType, NoDefault, identity
from jobs.cells_entry import ArgumentEntry
from jobs.definition import JobFile
from jobs.errors import ArgumentInvalid, ValueInvalid
from jobs.other_words import boolean_meant
from jobs.problem import KeyPath
from jobs.shown import shown, shown_number
from jobs.validation import Checked
from jobs.yaml_scalar import plain_scalar
from jobs.yaml_value import yaml_value

_R_NAME = re.compile(r"(?!\.[0-9]|\.\.\.$|\.\.[0-9]+$)[A-Za-z.][A-Za-z0-9._]*")


def compile_arguments(
    checked: Checked[JobFile], path: KeyPath, entries: Mapping[str, ArgumentEntry | None]
) -> tuple[ArgumentSpec, ...]:
    """The arguments of one job; what is wrong with them is added to `checked`."""
    specs = []
    for name, entry in entries.items():
        if not _R_NAME.fullmatch(name):
            hint = "letters, digits, '.' and '_', as R names its arguments"
            if name == "...":
                hint = "name the arguments that go into it"
            checked.problem((*path, name), f"'{name}' cannot be an argument", hint, on_key=True)
            continue
        compiler = _ArgumentCompiler(checked, (*path, name), name, entry or ArgumentEntry())
        specs.append(compiler.spec())
    return tuple(specs)


class _ArgumentCompiler:
    def __init__(
        self, checked: Checked[JobFile], path: KeyPath, name: str, entry: ArgumentEntry
    ) -> None:
        self.checked = checked
        self.path = path
        self.name = name
        self.entry = entry

    def spec(self) -> ArgumentSpec:
        entry = self.entry
        kind = entry.type or self._told_type()
        self._check_range(kind)
        empty = entry.min is not None and entry.max is not None and entry.min > entry.max
        spec = ArgumentSpec(
            self.name,
            kind,
            min=None if empty else entry.min,
            max=None if empty else entry.max,
            unit=entry.unit or "",
            description=entry.description or "",
        )
        spec = replace(spec, values=self._values(spec))
        # A default that is wrong has its own problem; that it is missing would be a second.
        has_default = "default" in entry.model_fields_set
        if has_default and entry.required:
            message = f"{self.name} has a default, so it is not required"
            self._problem("required", message, "leave 'required' out")
        required = not has_default and entry.required is not False
        return replace(spec, default=self._default(spec), required=required)

    def _told_type(self) -> ArgumentType:
        """The type that values, range and default tell."""
        entry = self.entry
        samples = [*(entry.values or ()), *([entry.default] if entry.default is not None else [])]
        if isinstance(entry.default, dict) and entry.default.keys() == {"env"}:
            return "string"
        if samples and all(isinstance(sample, bool) for sample in samples):
            return "boolean"
        if samples and all(isinstance(sample, str) for sample in samples):
            return "string"
        numbers = all(
            isinstance(sample, int | float) and not isinstance(sample, bool) for sample in samples
        )
        if numbers and (samples or entry.min is not None or entry.max is not None):
            return "number"
        return "any"

    def _check_range(self, kind: ArgumentType) -> None:
        low, high = self.entry.min, self.entry.max
        for key, bound in (("min", low), ("max", high)):
            if bound is not None and kind not in ("number", "integer"):
                hint = "use values, or type: number"
                self._problem(key, f"'{key}' is for numbers, and {self.name} is a {kind}", hint)
        if low is not None and high is not None and low > high:
            message = f"'min' ({shown_number(low)}) is greater than 'max' ({shown_number(high)})"
            self._problem("min", message, "swap them")

    def _values(self, spec: ArgumentSpec) -> tuple[Value, ...] | None:
        written = self.entry.values
        if written is None:
            return None
        if not written:
            self._problem(
                "values", f"{self.name} has no values", "list them, or leave 'values' out"
            )
            return None
        path = (*self.path, "values")
        return accepted_values(self.checked, path, spec, written)

    def _default(self, spec: ArgumentSpec) -> Value | NoDefault:
        if "default" not in self.entry.model_fields_set:
            return NO_DEFAULT
        if self.entry.default is None:
            return None  # R's NULL is a default for an argument of any type
        path = (*self.path, "default")
        default = accepted(self.checked, path, spec, self.entry.default, allow_secret=True)
        if isinstance(default, Secret) and (spec.values is not None or spec.type != "string"):
            hint = "leave 'values' out, and write type: string"
            self.checked.problem(path, f"a secret is a text, and {self.name} is not any", hint)
            return NO_DEFAULT
        return default

    def _problem(self, key: str, message: str, hint: str) -> None:
        if not self.checked.is_broken((*self.path, "type")):
            self.checked.problem((*self.path, key), message, hint)


def accepted(
    checked: Checked[JobFile],
    path: KeyPath,
    spec: ArgumentSpec,
    written: object,
    *,
    allow_secret: bool = False,
) -> Value | NoDefault:
    """The value as the argument takes it; NO_DEFAULT, and a problem, where it takes it not."""
    try:
        value = yaml_value(written)
        if isinstance(value, Secret):
            return _secret(spec, value, allowed=allow_secret)
        return spec.accept(value)
    except ValueInvalid as error:
        checked.problem(path, error.reason, error.hint)
    except ArgumentInvalid as error:
        fault = error.faults[0]
        hint = fault.hint
        if spec.type == "string" and isinstance(written, int | float):
            hint = "put it in quotes"
        elif spec.type == "boolean" and isinstance(written, str) and boolean_meant(written):
            hint = f"write {boolean_meant(written)}"
        elif spec.type in ("number", "integer") and isinstance(written, str) and not hint:
            is_number = isinstance(plain_scalar(written), int | float)
            hint = "take the quotes away" if is_number else ""
        checked.problem(path, fault.reason, hint)
    return NO_DEFAULT


def _secret(spec: ArgumentSpec, value: Secret, *, allowed: bool) -> Secret:
    if allowed:
        return value
    raise ValueInvalid(
        "a secret is the default of an argument, and no value among others",
        f"write it under args: {spec.name}: {{default: {{env: {value.variable}}}}}",
    )


def accepted_values(
    checked: Checked[JobFile], path: KeyPath, spec: ArgumentSpec, written: Sequence[object]
) -> tuple[Value, ...]:
    """The values of a list as the argument takes them; wrong and repeated ones are problems."""
    values: dict[str, Value] = {}
    for number, item in enumerate(written):
        place = (*path, number)
        value = accepted(checked, place, spec, item)
        if value is NO_DEFAULT:
            continue
        if identity(value) in values:
            checked.problem(place, f"{shown(item)} stands in this list twice", "list it once")
        else:
            values[identity(value)] = value
    return tuple(values.values())
