"""Environment: the LARDER_… variables, read once."""

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from jobs.problem import KeyPath, Problem

PREFIX = "LARDER_"
_NO_SETTINGS = {"LARDER_DEBUG"}  # of the command line alone: tracebacks instead of one line

# Kubernetes puts these into every container when a service is called "larder".
_SERVICE_LINK = re.compile(r"LARDER_(SERVICE_(HOST|PORT.*)|PORT_[0-9]+_.*)")
_SERVICE_ADDRESS = re.compile(r"(tcp|udp|sctp)://.*")


class Environment:
    """The variables as they were when this was made; empty ones count as not set."""

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        source = os.environ if variables is None else variables
        self.variables: Mapping[str, str] = MappingProxyType(
            {
                name: text
                for name, text in sorted(source.items())
                if name.startswith(PREFIX) and text and not _is_foreign(name, text)
            }
        )

    def settings(self, known: Iterable[KeyPath]) -> tuple[dict[KeyPath, str], list[Problem]]:
        """The text of each setting that has a variable, and a problem for every other variable."""
        by_variable = {variable_name(path): path for path in known}
        texts, problems = {}, []
        for name, text in self.variables.items():
            if name in by_variable:
                texts[by_variable[name]] = text
            else:
                close = difflib.get_close_matches(name, by_variable, n=1)
                hint = f"did you mean {close[0]}?" if close else "see `larder serve --help`"
                problems.append(Problem(name, 0, 0, "there is no such setting", hint))
        return texts, problems


def variable_name(path: KeyPath) -> str:
    """The variable of a setting: LARDER_CACHE__JSON_DIGITS for cache.json_digits."""
    return PREFIX + "__".join(str(step) for step in path).upper()


def _is_foreign(name: str, text: str) -> bool:
    return name in _NO_SETTINGS or _is_service_link(name, text)


def _is_service_link(name: str, text: str) -> bool:
    return bool(_SERVICE_LINK.fullmatch(name)) or (
        name == "LARDER_PORT" and bool(_SERVICE_ADDRESS.fullmatch(text))
    )
