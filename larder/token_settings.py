"""The settings of issuers: whose tokens open the API, and who signs people in for pages."""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from api.access_config import OidcConfig, TokenConfig
from api.claim_rules import ClaimRules
from api.site import is_loopback
from jobs.entry import Duration, Entry, own_error, text_as, text_schema
from jobs.errors import ValueInvalid
from jobs.role import Role
from larder.setting import setting, time_setting

RoleName = Literal["viewer", "caller", "analyst", "operator", "admin"]
Algorithm = Literal[
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
]
"""Those with a private and a public key: with the others, whoever can check can also sign."""
USUAL = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"]


def _issuer_address(text: str) -> str:
    example = "for example: https://login.example.com/realms/clinic"
    try:
        parts = urlsplit(text)
        is_address = bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:
        raise ValueInvalid("this is no address of an issuer", example) from None
    if not is_address or parts.scheme not in ("https", "http") or parts.query or parts.fragment:
        raise ValueInvalid("this is no address of an issuer", example)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        reason = "an issuer is asked over https: whoever is in between could be anybody otherwise"
        raise ValueInvalid(reason, example)
    return text


IssuerAddress = Annotated[
    str, text_as(_issuer_address), text_schema("https://login.example.com/realms/clinic")
]
Algorithms = Annotated[list[Algorithm], Field(min_length=1)]
Roles = Annotated[
    dict[str, RoleName],
    Field(examples=[{"larder-analyst": "analyst", "larder-admin": "admin", "*": "viewer"}]),
]


class ClaimSettings(Entry):
    """Who somebody is, by what an issuer says of them."""

    issuer: IssuerAddress | None = setting(
        "issuer", None, "Its address, as its tokens name it.", shown="none"
    )
    role_claim: str = setting(
        "role_claim", "roles", "Claim with the roles of somebody; dots lead into claims."
    )
    name_claim: str = setting(
        "name_claim", "sub", "Claim that names somebody; the issuer must give no name twice."
    )
    roles: Roles = setting(
        "roles", {}, "Which role here a value of that claim gives; * is everybody.", shown="none"
    )
    functions_claim: str | None = setting(
        "functions_claim",
        None,
        "Claim with patterns of the functions that they may call.",
        shown="none: all",
    )
    jobs_claim: str | None = setting(
        "jobs_claim", None, "Claim with patterns of the jobs that they may read.", shown="none: all"
    )
    algorithms: Algorithms = setting(
        "algorithms",
        USUAL,
        "What tokens may be signed with: only pairs of keys.",
        shown=f"[{', '.join(USUAL)}]",
    )
    leeway_s: Duration = time_setting("leeway", "30 seconds", "How far clocks may be apart.")

    @property
    def rules(self) -> ClaimRules:
        """Who somebody is, by their claims."""
        return ClaimRules(
            role_claim=self.role_claim,
            name_claim=self.name_claim,
            roles={value: Role(role) for value, role in self.roles.items()},
            functions_claim=self.functions_claim,
            jobs_claim=self.jobs_claim,
        )

    def _need(self, name: str, value: object, example: str) -> None:
        if not value:
            reason = f"with an issuer, '{name}' has to be set"
            raise own_error(ValueInvalid(reason, f"for example: {name}: {example}"))


class JwtSettings(ClaimSettings):
    """Whose tokens open the API."""

    audience: str | None = setting(
        "audience", None, "Whom tokens have to be made for: this server.", shown="none"
    )
    jwks: IssuerAddress | None = setting(
        "jwks", None, "Where the issuer's keys are.", shown="what the issuer's own document says"
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.issuer is not None:
            self._need("audience", self.audience, "larder")
            self._need("roles", self.roles, "{larder-analyst: analyst}")
        return self

    def config(self) -> TokenConfig | None:
        """Whose tokens count; None counts nobody's."""
        if self.issuer is None or self.audience is None:
            return None
        return TokenConfig(
            issuer=self.issuer,
            audience=self.audience,
            algorithms=tuple(self.algorithms),
            rules=self.rules,
            jwks=self.jwks,
            leeway_s=self.leeway_s,
        )


class OidcSettings(ClaimSettings):
    """Who signs people in for pages."""

    client_id: str | None = setting(
        "client_id", None, "What the issuer calls this server.", shown="none"
    )
    client_secret: str | None = setting(
        "client_secret",
        None,
        "What proves that to the issuer; only as a variable.",
        shown="none",
        secret=True,
    )
    scopes: list[str] = setting(
        "scopes",
        ["openid", "profile"],
        "What the issuer is asked to tell.",
        shown="[openid, profile]",
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.issuer is not None:
            self._need("client_id", self.client_id, "larder")
            self._need("roles", self.roles, "{larder-analyst: analyst}")
            if "openid" not in self.scopes:
                hint = "for example: scopes: [openid, profile]"
                raise own_error(ValueInvalid("'scopes' needs 'openid'", hint))
        return self

    def config(self) -> OidcConfig | None:
        """Who signs people in; None is nobody."""
        if self.issuer is None or self.client_id is None:
            return None
        return OidcConfig(
            issuer=self.issuer,
            client_id=self.client_id,
            client_secret=self.client_secret,
            scopes=tuple(self.scopes),
            algorithms=tuple(self.algorithms),
            rules=self.rules,
            leeway_s=self.leeway_s,
        )
