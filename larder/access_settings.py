"""The settings of access: who may ask, and how they show who they are."""

import ipaddress
import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator

from api.cross_origin import ANY
from jobs.entry import Entry, PositiveDuration, own_error
from jobs.errors import ValueInvalid
from jobs.page_origin import parse_origin
from larder.setting import EMPTY_GROUP, setting, time_setting
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
