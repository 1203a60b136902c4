"""The settings of access: who may ask, and how they show who they are."""

from typing import Annotated, Literal

from pydantic import Field

from jobs.entry import Entry, PositiveDuration, PositiveSize, Size, text_as, text_schema
from jobs.rate import parse_r_seconds, parse_rate
from larder.setting import Count, setting, size_setting, time_setting


def _rate(text: str) -> str:
    return str(parse_rate(text))


RequestRate = Annotated[str, text_as(_rate), text_schema("100/minute", "10/second")]
RSeconds = Annotated[float, text_as(parse_r_seconds), text_schema("3600/day", "1 hour/day")]
Connections = Annotated[int, Field(ge=16, le=1_000_000)]


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
    rate: RequestRate | None = setting(
        "rate",
        None,
        "Requests of one address that show no valid key; a key has its own rate.",
        shown="no limit",
        unit="requests in a time",
    )
    failures: RequestRate | None = setting(
        "failures",
        None,
        "Requests of one address that are refused for want of a valid key; then 429, not 401.",
        shown="60/minute, on loopback no limit",
        unit="requests in a time",
    )
    concurrent: Count | None = setting(
        "concurrent",
        None,
        "Calls of one caller that run at a time, unless their key says its own; others wait.",
        shown="no limit",
        unit="calls",
    )
    queue: Annotated[int, Field(ge=1, le=1000)] = setting(
        "queue", 100, "Calls of one caller that wait; further ones are refused.", unit="calls"
    )
    r_seconds_per_day: RSeconds | None = setting(
        "r_seconds_per_day",
        None,
        "Seconds of R that one caller has in a day of UTC, unless their key says its own.",
        shown="no limit",
        unit="seconds of R in a day",
    )
    body_limit_bytes: PositiveSize = size_setting(
        "body_limit", "16 MB", "Largest request of a caller who may send no code and no files."
    )
    patience_s: PositiveDuration = time_setting(
        "patience",
        "15 seconds",
        "How long a client may take to send what precedes a body, or pause within one.",
    )
    body_rate_bytes: Size = size_setting(
        "body_rate", "1 KB", "What a body has to bring each second, else its request is refused."
    )
    connections: Connections = setting(
        "connections",
        4000,
        "Open connections of one worker; for more, those that are idle longest are closed.",
        unit="connections",
    )
