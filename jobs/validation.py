"""A YAML document against a pydantic model: all problems at their places, and what is left.

What is broken is cut out and the rest validated again, so that later checks still see it.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from jobs.fault import Fault, data_path
from jobs.problem import KeyPath, Problem
from jobs.schema_tree import SchemaTree
from jobs.yaml_source import YamlDocument

M = TypeVar("M", bound=BaseModel)


@dataclass
class Checked(Generic[M]):
    """A validated document; `model` is None where nothing usable is left.

    Attributes:
        document: The YAML document.
        model: The model made of every part that is valid.
        problems: Everything found so far; later checks add theirs.
        broken: Ways to the parts that were cut out.
        faulty: Ways to every part about which there is a problem.
    """

    document: YamlDocument
    model: M | None
    problems: list[Problem] = field(default_factory=list)
    broken: set[KeyPath] = field(default_factory=set)
    faulty: list[KeyPath] = field(default_factory=list)

    def is_broken(self, path: KeyPath) -> bool:
        """Whether the part at `path`, something in it or something around it was cut out."""
        return any(cut[: len(path)] == path or path[: len(cut)] == cut for cut in self.broken)

    def problem(self, path: KeyPath, message: str, hint: str = "", *, on_key: bool = False) -> None:
        """Add a problem at `path`."""
        self.faulty.append(path)
        self.problems.append(self.document.problem(path, message, hint, on_key=on_key))


def validate(
    document: YamlDocument, model: type[M], *, not_yet: Mapping[str, str] | None = None
) -> Checked[M]:
    """The document as `model`, with every problem.

    Args:
        document: What was read.
        model: What it should be.
        not_yet: Patterns of ways ("jobs/*/checks") that a later version will know, and a hint.
    """
    checked: Checked[M] = Checked(document, None, faulty=list(document.faulty))
    value = copy.deepcopy(document.value)
    first_round = True
    while True:
        try:
            checked.model = model.model_validate(value)
        except ValidationError as error:
            details = error.errors(include_url=False)
        else:
            return checked
        if first_round:
            # Later rounds only find what the cutting itself broke.
            tree = SchemaTree.of(model)
            faults = [Fault(document, tree, detail) for detail in details]
            _report(checked, faults, not_yet or {})
        first_round = False
        cuts = {_cut(value, detail) for detail in details}
        checked.broken |= cuts
        removed = [_remove(value, cut) for cut in cuts if cut]
        if () in cuts or not any(removed):
            return checked


def _report(checked: Checked[M], faults: list[Fault], not_yet: Mapping[str, str]) -> None:
    # Where a key of a later version stands, what is missing beside it is no second mistake.
    later = {fault.path[:-1] for fault in faults if fault.not_yet_hint(not_yet) is not None}
    # Nor is a key that stands there misspelt.
    meant = {fault.meant for fault in faults if fault.meant is not None}
    checked.broken |= meant
    for fault in faults:
        checked.faulty.append(fault.path)
        is_missing = fault.detail["type"] == "missing"
        if not is_missing or (fault.path[:-1] not in later and fault.path not in meant):
            checked.problems.append(fault.problem(not_yet))


def _cut(value: Any, detail: ErrorDetails) -> KeyPath:
    """The smallest part to remove: never a list item, whose neighbours would change places."""
    path = data_path(value, detail["loc"])
    if detail["type"] == "missing":
        path = path[:-1]
    while path and isinstance(path[-1], int):
        path = path[:-1]
    return path


def _remove(value: Any, path: KeyPath) -> bool:
    for step in path[:-1]:
        inside = step in value if isinstance(value, dict) else isinstance(step, int)
        if not inside:
            return False
        value = value[step]
    if not isinstance(value, dict) or path[-1] not in value:
        return False
    del value[path[-1]]
    return True
