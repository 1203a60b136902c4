"""Argument values as job files write them: YAML values, `{r: "expr"}` and `{env: NAME}`."""

from typing import Any

from cache.keys import Code, Secret, Value
from jobs.errors import ValueInvalid
from jobs.secret import variable_name


def yaml_value(written: Any) -> Value:
    """The argument value that was written.

    Raises:
        ValueInvalid: If it is a `{r: ...}` or `{env: ...}` that cannot be used.
    """
    if isinstance(written, dict) and set(written) == {"r"}:
        source = written["r"]
        if not isinstance(source, str) or not source.strip():
            raise ValueInvalid("'r' needs an R expression as text", 'for example: {r: "1:10"}')
        return Code(source)
    if isinstance(written, dict) and set(written) == {"env"}:
        name = written["env"]
        if not isinstance(name, str):
            reason = "'env' needs the name of a variable of the environment"
            raise ValueInvalid(reason, "for example: {env: API_TOKEN}")
        return Secret(variable_name(name))
    value: Value = written
    return value
