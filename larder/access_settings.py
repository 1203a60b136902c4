"""The settings of access: who may ask, how they show who they are, and what they may call."""

import ipaddress
import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from api.allow_list import pattern_problem
from api.cross_origin import ANY
from jobs.entry import (
    Entry,
    PositiveDuration,
    PositiveSize,
    Size,
    own_error,
    text_as,
    text_schema,
)
from jobs.errors import ValueInvalid
from jobs.page_origin import parse_origin
from jobs.rate import parse_r_seconds, parse_rate
from larder.setting import EMPTY_GROUP, Count, setting, size_setting, time_setting
from larder.token_settings import JwtSettings, OidcSettings

_NAME: Final = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*")


def _origin(text: str) -> str:
    try:
        return text if text == ANY else parse_origin(text)
    except ValueInvalid as error:
        raise own_error(error) from None


def _host(text: str) -> str:
    name = text.strip().lower()
    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        if _NAME.fullmatch(name):
            return name
    else:
        return f"[{address}]" if address.version == 6 else str(address)
    meant = re.sub(r"^\w+://|[:/].*$", "", name)
    hint = f"write {meant}" if _NAME.fullmatch(meant) else "for example: larder.example.com"
    raise own_error(ValueInvalid(f"'{text}' is no name of a host", hint))


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError:
        hint = "for example: 127.0.0.1, 10.0.0.0/8, fd00::/8"
        raise own_error(ValueInvalid(f"'{text}' is no address and no network", hint)) from None


def _rate(text: str) -> str:
    return str(parse_rate(text))


RequestRate = Annotated[str, text_as(_rate), text_schema("100/minute", "10/second")]
RSeconds = Annotated[float, text_as(parse_r_seconds), text_schema("3600/day", "1 hour/day")]
Connections = Annotated[int, Field(ge=16, le=1_000_000)]


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
    hosts: list[Annotated[str, AfterValidator(_host)]] = setting(
        "hosts",
        [],
        "Names that the server answers to, as larder.example.com or *.example.com; none is any,"
        " and on loopback without keys those of loopback alone.",
    )
    proxies: list[Annotated[str, AfterValidator(_network)]] = setting(
        "proxies",
        [],
        "Addresses and networks of proxies, whose X-Forwarded-… and Forwarded headers count.",
    )
    origins: list[Annotated[str, AfterValidator(_origin)]] = setting(
        "origins",
        [],
        "Web pages of elsewhere that may call, as https://app.example.com, or * for all.",
    )
    login_keep_s: PositiveDuration = time_setting(
        "login_keep", "12 hours", "How long people stay signed in."
    )
    jwt: Annotated[JwtSettings, EMPTY_GROUP] = setting(
        "jwt", JwtSettings(), "Whose tokens open the API, besides keys."
    )
    oidc: Annotated[OidcSettings, EMPTY_GROUP] = setting(
        "oidc", OidcSettings(), "Who signs people in for pages, besides keys."
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
    miss: Literal[404, 504] = setting(
        "miss", 404, "What a key with the role viewer is answered where nothing is prepared."
    )
