"""Argument values as job files write them: YAML values, `{r: "expr"}`, and later `{env: NAME}`."""

from typing import Any

from cache.keys import Code, Value
from jobs.errors import ValueInvalid


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
        raise ValueInvalid(
            "'env' is not supported yet", "let the R function read the secret from a file"
        )
    value: Value = written
    return value
