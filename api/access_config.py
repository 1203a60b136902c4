"""What an operator decides about access."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from api.claim_rules import ClaimRules
from api.client_address import Proxies
from api.cross_origin import Pages
from api.hosts import Hosts
from jobs.rate import Rate
from jobs.role import Role


@dataclass(frozen=True)
class TokenConfig:
    """Whose tokens open the API (JWT, RFC 7519).

    Attributes:
        issuer: The address that its tokens name.
        audience: Whom the tokens have to be made for.
        algorithms: What they may be signed with.
        rules: Who somebody is by the claims of a token.
        jwks: Where the issuer's keys are; None asks its discovery document.
        leeway_s: By how much clocks may differ.
    """

    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    rules: ClaimRules
    jwks: str | None = None
    leeway_s: float = 30.0


@dataclass(frozen=True)
class OidcConfig:
    """Who signs people in for pages (OpenID Connect, by an authorization code).

    Attributes:
        issuer: The address that its tokens name.
        client_id: What this server is called there.
        client_secret: What proves it; None where the issuer wants none.
        scopes: What is asked for.
        algorithms: What its tokens may be signed with.
        rules: Who somebody is by the claims of a token.
        leeway_s: By how much clocks may differ.
    """

    issuer: str
    client_id: str
    client_secret: str | None
    scopes: tuple[str, ...]
    algorithms: tuple[str, ...]
    rules: ClaimRules
    leeway_s: float = 30.0


@dataclass(frozen=True)
class AccessConfig:
    """Who may ask.

    Attributes:
        is_open: Whether everybody may who reaches the server, as long as no key was ever made.
        is_alone: Whether only this machine can reach the server, as long as nothing passes on.
        key_in_query: Whether `?key=` counts.
        anonymous: The role of who shows no key, for what asks for none.
        hosts: The names that are answered to.
        hosts_while_open: The same as long as nobody is asked for a key.
        proxies: Who may say whom they pass on.
        pages: The web pages of elsewhere that may call.
        jwt: Whose tokens count besides keys.
        oidc: Who signs people in besides keys.
        login_keep_s: How long people stay signed in.
        url: Where browsers find this server; None takes what they say.
        rate: Requests of one address that show no valid key; None is without limit.
        failures: Of those the ones refused because of that; None is without limit.
        concurrent: Calls of one caller that run at a time, unless the key says its own; None is
            without limit.
        queue: Calls of one caller that wait.
        r_seconds: Seconds of R in a day for one caller, unless the key says its own; None is
            without limit.
        body_limit_bytes: Of a request by who may send no code and no files.
        call: Patterns of the functions that may be called, by anybody; None is no such list.
        miss: What a viewer is answered where nothing is prepared: 404 or 504.
    """

    is_open: bool = True
    is_alone: bool = False
    key_in_query: bool = False
    anonymous: Role = Role.VIEWER
    hosts: Hosts = field(default_factory=Hosts)
    hosts_while_open: Hosts = field(default_factory=Hosts)
    proxies: Proxies = field(default_factory=Proxies)
    pages: Pages = field(default_factory=Pages)
    jwt: TokenConfig | None = None
    oidc: OidcConfig | None = None
    login_keep_s: float = 12 * 3600.0
    url: str | None = None
    rate: Rate | None = None
    failures: Rate | None = None
    concurrent: int | None = None
    queue: int = 100
    r_seconds: float | None = None
    body_limit_bytes: int = 16 * 2**20
    call: tuple[str, ...] | None = None
    miss: Literal[404, 504] = 404
