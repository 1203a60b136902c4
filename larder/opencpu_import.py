"""What larder.yaml has to say to mean the same as OpenCPU's settings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from api.ocpu_config import SECTION_OF
from jobs.errors import ValueInvalid
from jobs.nearest import did_you_mean
from jobs.problem import KeyPath, Problem
from jobs.validation import validate
from jobs.yaml_source import YamlDocument
from larder.ocpu_settings import SECTIONS
from larder.opencpu_settings import COUNTERPARTS, WITHOUT, Convert, flag
from larder.server_conf import ConfValue
from larder.settings import settings_table
from larder.settings_file import SettingsFile

API = "enable.api."


@dataclass(frozen=True)
class Line:
    """One setting of larder.yaml, and what it comes from."""

    path: KeyPath
    value: Any
    source: ConfValue
    remark: str = ""


@dataclass
class Translation:
    """OpenCPU's settings in Larder's words.

    Attributes:
        lines: What larder.yaml has to say.
        same: Settings that say what Larder does anyway.
        without: Settings that have no counterpart, and why.
        problems: Values that mean nothing, at their places.
    """

    lines: list[Line] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    without: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


_RLIMITS_OFF = "enable.rlimits is false, so it did not hold; Larder's own limit always does"
_LIMITS_STAY = "limits cannot be switched off"


def translate(values: Sequence[ConfValue]) -> Translation:
    """The settings of larder.yaml that say what `values` say; each key stands there once."""
    by_key = {value.key: value for value in values}
    made = _Translator(by_key).make()
    made.problems += _check(made.lines)
    order = [row.name for row in settings_table()]
    made.lines.sort(key=lambda line: order.index(".".join(map(str, line.path))))
    return made


class _Translator:
    def __init__(self, values: Mapping[str, ConfValue]) -> None:
        self._values = values
        self._made = Translation()
        self._said: dict[KeyPath, str] = {}

    def make(self) -> Translation:
        for key, value in self._values.items():
            if value.value is None:
                self._made.without[key] = "null says nothing"
            elif not key.startswith(API):
                self._one(value)
        self._sections()
        for key, (name, convert) in COUNTERPARTS.items():
            if key in self._values and key not in self._made.without:
                self._line(self._values[key], name, convert)
        return self._made

    def _one(self, value: ConfValue) -> None:
        """Notes what has no counterpart."""
        off = self._values.get("enable.rlimits")
        if value.key in WITHOUT:
            self._made.without[value.key] = WITHOUT[value.key]
        elif value.key == "enable.rlimits":
            self._rlimits(value)
        elif value.key not in COUNTERPARTS:
            known = [*COUNTERPARTS, *WITHOUT, *(API + name for name in SECTIONS)]
            hint = did_you_mean(value.key, known, otherwise="nothing here depends on it")
            self._made.without[value.key] = f"OpenCPU has no such setting; {hint}"
        elif value.key.startswith("rlimit.") and off is not None and off.value is False:
            self._made.without[value.key] = _RLIMITS_OFF

    def _rlimits(self, value: ConfValue) -> None:
        if self._converted(value, flag) is True:
            self._made.same.append(value.key)
        elif value.value is False:
            self._made.without[value.key] = _LIMITS_STAY

    def _line(self, value: ConfValue, name: str, convert: Convert) -> None:
        path = tuple(name.split("."))
        written = self._converted(value, convert)
        if written is None:
            return
        first = self._said.setdefault(path, value.key)
        if first != value.key:
            self._made.without[value.key] = f"{name} is one setting here, and follows {first}"
            return
        remark = ""
        if path[-1] == "key_length" and not 13 <= written <= 64:
            written, remark = min(max(written, 13), 64), "keys have 13 to 64 digits here"
        line = Line(path, written, value, remark)
        if not remark and (_is_default(line) or (value.key, written) == ("key.length", 13)):
            self._made.same.append(value.key)
        else:
            self._made.lines.append(line)

    def _sections(self) -> None:
        """One list for all that enable.api.* say; a section is off when nothing has it on."""
        said: dict[str, bool] = {}
        off: list[str] = []
        for key, value in self._values.items():
            if not key.startswith(API) or value.value is None:
                continue
            name = key.removeprefix(API)
            section = SECTION_OF.get(name, name)
            if section not in SECTIONS:
                self._made.without[key] = f"there is no /ocpu/{name} here"
                continue
            on = self._converted(value, flag)
            if on is not None:
                said[section] = said.get(section, False) or on
                (self._made.same if on else off).append(key)
        if not all(said.values()):
            on_now = [section for section in SECTIONS if said.get(section, True)]
            source = self._values[off[0]]
            self._made.lines.append(Line(("ocpu", "apis"), on_now, source, ", ".join(off)))
        else:  # of enable.api.apps and enable.api.github, one is on
            for key in off:
                self._made.without[key] = "apps and github are one section here, and on"

    def _converted(self, value: ConfValue, convert: Convert) -> Any:
        try:
            return convert(value.value)
        except ValueInvalid as error:
            told = f"{value.key}: {error.reason}"
            self._made.problems.append(value.problem(told, error.hint))
            return None


def settings_of(lines: Iterable[Line]) -> dict[str, Any]:
    """The lines as larder.yaml has them."""
    settings: dict[str, Any] = {}
    for line in lines:
        group = settings
        for step in line.path[:-1]:
            group = group.setdefault(str(step), {})
        group[str(line.path[-1])] = line.value
    return settings


def _is_default(line: Line) -> bool:
    checked = validate(YamlDocument("", settings_of([line])), SettingsFile)
    return checked.model == SettingsFile() and not checked.problems


def _check(lines: Sequence[Line]) -> list[Problem]:
    """What Larder does not take of the values, said of the values that they come from."""
    problems = []
    for line in lines:
        found = validate(YamlDocument("", settings_of([line])), SettingsFile).problems
        # Hints would be about how larder.yaml says it.
        problems += [line.source.problem(f"{line.source.key}: {one.message}") for one in found]
    return problems
