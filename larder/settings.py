"""Settings: what larder.yaml, the environment and the command line say, checked once.

The command line comes before the environment, that before larder.yaml, that before the defaults.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.site import is_loopback
from jobs.problem import KeyPath, Problem
from jobs.project import SETTINGS_FILE, package_name
from jobs.schema_tree import SchemaTree
from jobs.validation import validate
from jobs.yaml_scalar import plain_scalar
from jobs.yaml_source import YamlDocument, read_yaml, read_yaml_file
from larder.environment import Environment, variable_name
from larder.errors import SettingsInvalid
from larder.layers import Layers
from larder.settings_file import MailSettings, SettingsFile
from larder.unwritten import take_out

_NOT_YET = {
    "results": "leave it out: results are kept on this machine's disk",
    "executor": "leave it out: runs happen on this machine",
    "fast": "leave it out",
    "keys": "keys are made by 'larder keys add'; access.keys says when they are asked for",
}
CATALOG_FILE = "catalog.db"
_TREE = SchemaTree.of(SettingsFile)
_YES = {"1", "true", "yes", "on"}
_NO = {"0", "false", "no", "off"}


class Settings(SettingsFile):
    """All settings of one project, and what follows from them."""

    folder: Path

    @property
    def project_name(self) -> str:
        """The project's name: as set, else the folder's made an R package name."""
        return self.name or package_name(self.folder.name)

    @property
    def state_folder(self) -> Path:
        """Where everything is kept that must survive a restart."""
        return self.folder / ".larder"

    @property
    def catalog_url(self) -> str:
        """The catalog's address for SQLAlchemy."""
        return self.catalog or f"sqlite:///{self.state_folder / CATALOG_FILE}"

    @property
    def mailing(self) -> MailSettings:
        """How messages are mailed; the path of `ca_file` is whole."""
        if self.mail.ca_file is None:
            return self.mail
        return self.mail.model_copy(update={"ca_file": str(self.folder / self.mail.ca_file)})

    @property
    def public_url(self) -> str:
        """The address of the server in what people read."""
        return (self.url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.host)

    @property
    def is_exposed(self) -> bool:
        """Whether other machines can reach the server although nothing need protect it."""
        return self.insecure and not self.is_loopback

    @property
    def session_key_digits(self) -> int:
        """Random digits of a session's key; OpenCPU's 13 can be guessed by who may try often."""
        if self.sessions.key_length == "auto":
            return 13 if self.is_loopback else 26
        return self.sessions.key_length

    @property
    def spares(self) -> int:
        """R children kept ready."""
        return _cores() * 2 if self.engine.spares is None else self.engine.spares

    @property
    def max_running(self) -> int:
        """Calls that run at a time."""
        return self.engine.max_running or _cores() * 2


@dataclass(frozen=True)
class SettingRow:
    """One line of the table of settings."""

    name: str
    variable: str
    default: str
    unit: str
    text: str


def load_settings(
    folder: Path,
    *,
    environment: Environment | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """The settings of the project in `folder`.

    Args:
        folder: The project's folder; it need not have a larder.yaml.
        environment: The variables; by default those of this process, read now.
        overrides: From the command line, typed, by dotted name ("engine.memory"); None is unset.

    Raises:
        SettingsInvalid: With every problem of all three.
    """
    folder = folder.resolve()
    if not folder.is_dir():
        raise SettingsInvalid([Problem(str(folder), 0, 0, "there is no such folder")])
    document, problems = _read(folder)
    problems += take_out(document, _SECRETS, _ADDRESSES)
    texts, unknown = (environment or Environment()).settings(_paths(_TREE))
    layers = Layers(document)
    for path, text in texts.items():
        layers.put(path, _typed(path, text), variable_name(path))
    for name, value in (overrides or {}).items():
        if value is not None:
            layers.put(tuple(name.split(".")), value, f"--{name.replace('_', '-')}")
    checked = validate(layers.document(), SettingsFile, not_yet=_NOT_YET)
    problems += unknown + checked.problems
    if problems or checked.model is None:
        raise SettingsInvalid(sorted(set(problems)))
    return Settings.model_construct(folder=folder, **dict(checked.model))


def settings_table() -> list[SettingRow]:
    """Every setting with its default, unit and sentence, in the order of the file."""
    return [_row(path) for path in _paths(_TREE)]


def settings_schema() -> dict[str, Any]:
    """The JSON Schema of larder.yaml (2020-12); what only variables may say is left out."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    schema = SettingsFile.model_json_schema(by_alias=True)
    for entry in schema["$defs"].values():
        keys = entry["properties"]
        entry["properties"] = {key: keys[key] for key in keys if not keys[key].get("writeOnly")}
    return {**dialect, **schema, "title": "larder.yaml"}


def _read(folder: Path) -> tuple[YamlDocument, list[Problem]]:
    if not (folder / SETTINGS_FILE).is_file():
        return YamlDocument(SETTINGS_FILE, {}), []
    document, problems = read_yaml_file(folder / SETTINGS_FILE, SETTINGS_FILE)
    if document is None or document.value is None:
        return YamlDocument(SETTINGS_FILE, {}), problems
    return document, problems


def _paths(tree: SchemaTree, path: KeyPath = ()) -> Iterator[KeyPath]:
    """The way to every setting, groups left out."""
    for key in tree.keys(path):
        below = (*path, key)
        if tree.keys(below):
            yield from _paths(tree, below)
        else:
            yield below


def _noted(name: str, *, value: Any) -> set[KeyPath]:
    return {path for path in _paths(_TREE) if _TREE.note(name, path) == value}


def _row(path: KeyPath) -> SettingRow:
    default = _TREE.note("default", path)
    shown = str(default).lower() if isinstance(default, bool) else str(default)
    unit, text = _TREE.note("unit", path), _TREE.note("description", path)
    return SettingRow(".".join(map(str, path)), variable_name(path), shown, unit, text)


_SECRETS = _noted("writeOnly", value=True)
_ADDRESSES = _noted("format", value="uri-reference")


def _typed(path: KeyPath, text: str) -> Any:
    """The text of a variable as YAML would read it, but left alone where a text is wanted."""
    types = _TREE.types(path)
    if "boolean" in types and text.lower() in _YES | _NO:
        return text.lower() in _YES
    if types == {"string"}:
        return text
    if types & {"array", "object"}:
        document, _ = read_yaml(text.encode(), "")
        return document.value if document is not None else text
    return plain_scalar(text)


def _cores() -> int:
    return len(os.sched_getaffinity(0))
