"""One setting: its name in YAML, its default, and what people are told about it."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from jobs.duration import parse_duration
from jobs.size import parse_size

Count = Annotated[int, Field(ge=1, le=1024)]
EMPTY_GROUP = BeforeValidator(lambda value: {} if value is None else value)
"""A group without keys is written as nothing: its defaults stand."""


# A default may be of any type, and what stands for it too.
def setting(
    key: str,
    default: Any,
    text: str,
    *,
    shown: str = "",
    unit: str = "",
    private: bool = False,
    secret: bool = False,
) -> Any:
    """A setting; `shown` stands for a default that says nothing by itself.

    A `private` one may hold a password and is left out where settings are printed. A `secret` is
    private, and may only come from the environment.
    """
    told: dict[str, Any] = {"default": shown or default, "unit": unit}
    if secret:
        told["writeOnly"] = True
    shows = not (private or secret)
    return Field(default, alias=key, description=text, json_schema_extra=told, repr=shows)


def time_setting(key: str, default: str, text: str) -> Any:
    """A setting that is a duration in words."""
    return setting(key, parse_duration(default), text, shown=default, unit="time")


def size_setting(key: str, default: str, text: str) -> Any:
    """A setting that is a size in words."""
    return setting(key, parse_size(default), text, shown=default, unit="size")
