"""The settings of access: who may ask, how they show who they are, and what they may call."""

from typing import Annotated, Literal

from pydantic import AfterValidator

from api.allow_list import pattern_problem
from jobs.entry import Entry, own_error
from jobs.errors import ValueInvalid
from larder.setting import setting


def _pattern(text: str) -> str:
    if (reason := pattern_problem(text)) is not None:
        raise own_error(ValueInvalid(reason, "for example: stats::rnorm, stats::*, scoring::*"))
    return text


FunctionPattern = Annotated[str, AfterValidator(_pattern)]


class AccessSettings(Entry):
    """Who may ask."""

    keys: Literal["auto", "always"] = setting(
        "keys",
        "auto",
        "When requests have to show a key: always, or not on loopback until one is made.",
    )
    key_in_query: bool = setting(
        "key_in_query",
        default=False,
        text="Whether a key may be sent as ?key= too, where nothing else can be sent.",
    )
    miss: Literal[404, 504] = setting(
        "miss", 404, "What a key with the role viewer is answered where nothing is prepared."
    )
