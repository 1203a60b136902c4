"""Unwritten: what must not stand in larder.yaml, for many people read it: secrets."""

from typing import Any

from jobs.problem import KeyPath, Problem
from jobs.yaml_source import YamlDocument
from larder.environment import variable_name
from larder.install_settings import has_credentials


def take_out(
    document: YamlDocument, secrets: set[KeyPath], addresses: set[KeyPath]
) -> list[Problem]:
    """Removes secrets from the document, so that nothing else shows them; a problem for each.

    Args:
        document: What the file says; changed.
        secrets: Settings that are secrets.
        addresses: Settings that may hold a password or token among other things.
    """
    problems = []
    for path in sorted(secrets | addresses):
        mapping = _mapping_at(document.value, path[:-1])
        written = mapping.get(path[-1])
        if path in secrets and written is not None:
            message = f"'{path[-1]}' is a secret, and must not stand in a file"
        elif isinstance(written, str) and has_credentials(written):
            message = f"'{path[-1]}' holds a password or token, which must not stand in a file"
        else:
            continue
        hint = f"set it as {variable_name(path)} in the server's environment"
        problems.append(document.problem(path, message, hint))
        del mapping[path[-1]]
    return problems


def _mapping_at(value: Any, path: KeyPath) -> dict[Any, Any]:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}
