"""Entry: the base of all entries of the language, and the texts with a form of their own."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema
from pydantic_core import PydanticCustomError

from jobs.duration import parse_duration
from jobs.errors import ValueInvalid
from jobs.fault import OWN_ERROR
from jobs.size import parse_size
from jobs.timezone import parse_timezone

T = TypeVar("T")
_LONGEST_TEXT = 1000
_LONGEST_CODE = 100_000


def own_error(error: ValueInvalid) -> PydanticCustomError:
    """The pydantic error that keeps our reason and hint."""
    context = {"reason": error.reason, "hint": error.hint}
    return PydanticCustomError(OWN_ERROR, "{reason}", context)


def text_as(parse: Callable[[str], T], *, longest: int = _LONGEST_TEXT) -> BeforeValidator:
    """A validator that reads a text; whatever is no text, or too long, is a mistake."""

    def validate(value: object) -> object:
        if not isinstance(value, str):
            raise PydanticCustomError("wrong_type", "a text is needed")
        if len(value) > longest:
            reason = f"the text has {len(value)} characters; at most {longest} are allowed"
            raise own_error(ValueInvalid(reason))
        try:
            return parse(value)
        except ValueInvalid as error:
            raise own_error(error) from None

    return BeforeValidator(validate)


def text_schema(*examples: str, **more: Any) -> WithJsonSchema:
    """The JSON Schema of a text that has a form of its own."""
    return WithJsonSchema({"type": "string", "examples": list(examples), **more})


def _positive_duration(text: str) -> float:
    seconds = parse_duration(text)
    if seconds <= 0:
        raise ValueInvalid("the time must be longer than nothing", "for example: 90 seconds")
    return seconds


def _positive_size(text: str) -> int:
    size_bytes = parse_size(text)
    if size_bytes <= 0:
        raise ValueInvalid("the size must be more than nothing", "for example: 512 MB")
    return size_bytes


def _r_code(text: str) -> str:
    if not text.strip():
        raise ValueInvalid("this is no R expression: it is empty", "for example: nrow(value) > 0")
    return text.strip()


Duration = Annotated[
    float, text_as(parse_duration), text_schema("24 hours", "15 minutes", "1 hour 30 minutes")
]
PositiveDuration = Annotated[
    float, text_as(_positive_duration), text_schema("90 seconds", "2 minutes")
]
Size = Annotated[int, text_as(parse_size), text_schema("512 MB", "10 GB")]
PositiveSize = Annotated[int, text_as(_positive_size), text_schema("512 MB", "10 GB")]
RCode = Annotated[
    str, text_as(_r_code, longest=_LONGEST_CODE), text_schema("is.finite(value$gain)")
]
Timezone = Annotated[str, text_as(parse_timezone), text_schema("America/Chicago")]


class Entry(BaseModel):
    """Base of all entries: unknown keys are errors, nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
