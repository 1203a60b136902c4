"""The settings of access: who may ask, and how they show who they are."""

from typing import Annotated, Literal

from jobs.entry import Entry, PositiveDuration
from larder.setting import EMPTY_GROUP, setting, time_setting
from larder.token_settings import JwtSettings, OidcSettings


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
    login_keep_s: PositiveDuration = time_setting(
        "login_keep", "12 hours", "How long people stay signed in."
    )
    jwt: Annotated[JwtSettings, EMPTY_GROUP] = setting(
        "jwt", JwtSettings(), "Whose tokens open the API, besides keys."
    )
    oidc: Annotated[OidcSettings, EMPTY_GROUP] = setting(
        "oidc", OidcSettings(), "Who signs people in for pages, besides keys."
    )
