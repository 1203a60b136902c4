"""Errors of the gate; `api.errors` has the tree.

They name no key, and say the same of a key that never was, has expired or was revoked.
"""

from __future__ import annotations

from api.api_error import ApiError, NotFound
from api.reply import Headers


class Refused(ApiError):
    """The gate does not let this request through."""


class NotAudited(ApiError):
    """The request cannot be put on record, and this server answers none that is not."""

    def __init__(self) -> None:
        super().__init__("this request cannot be put on record now; try again later")


class KeyMissing(Refused):
    """The request shows no key, and needs one."""

    def __init__(self) -> None:
        super().__init__(
            "this server asks for a key: send it as 'Authorization: Bearer KEY'; its operator makes"
            " one by: larder keys add NAME --role caller"
        )


class KeyWrong(Refused):
    """The key is not, or not any more, one of this server."""

    def __init__(self) -> None:
        super().__init__("the key is not known here, has expired, or was revoked")


class TokenWrong(KeyWrong):
    """The token is not one that this server goes by; the message says why."""

    def __init__(self, reason: str) -> None:
        Refused.__init__(self, f"the token is not valid here: {reason}")


class LoginOver(KeyWrong):
    """The browser's cookie is not, or not any more, that of somebody who is signed in."""

    def __init__(self) -> None:
        Refused.__init__(self, "you are not signed in, or not any more: sign in again at /login")


class SignInFailed(Refused):
    """The sign-in cannot be completed; the message says why."""


class IssuerUnreachable(Refused):
    """The issuer that tokens are checked with does not answer as it should."""

    def __init__(self, issuer: str) -> None:
        super().__init__(f"{issuer} cannot be asked for now; try again")


class CrossSite(Refused):
    """A page of another site asks with the cookie of somebody who is signed in."""

    def __init__(self) -> None:
        super().__init__(
            "the cookie counts for pages of this server alone: another page sends a key or token"
        )


class RateExceeded(Refused):
    """There were more requests than may be in the time; the message says of whom.

    Attributes:
        retry_after_s: Seconds until there may be one more.
        headers: The fields that say how many there may be.
    """

    def __init__(self, policy: str, rate: str, retry_after_s: float, headers: Headers) -> None:
        whose = "with this key" if policy == "key" else "from this address without a valid key"
        super().__init__(f"too many requests {whose}: {rate} may come; try again later")
        self.retry_after_s = retry_after_s
        self.headers = headers


class StreamsTaken(Refused):
    """Whoever asks follows as many streams of events as may be."""

    retry_after_s = 5.0

    def __init__(self, most: int) -> None:
        super().__init__(f"{most} streams of events are open already; close some, or ask later")


class Forbidden(Refused):
    """The key is not for this; the message says what it lacks."""


class KeyInAddress(Refused):
    """A key stands in the address, where this server does not take one."""

    def __init__(self) -> None:
        super().__init__(
            "this server takes no key in the address, which stands in histories and logs: send it"
            " as 'Authorization: Bearer KEY', and exchange this one (larder keys rotate)"
        )


class OriginForeign(Refused):
    """A web page of elsewhere asks for what changes something; `origin` is the page's."""

    def __init__(self, origin: str) -> None:
        super().__init__(
            f"pages of {origin} may not call this server; its operator can allow them in"
            f' larder.yaml: access: {{origins: ["{origin}"]}}'
        )
        self.origin = origin


class HostUnknown(Refused):
    """The request is for another name than those of this server."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"this server does not answer to the name {host}; its operator can allow it in"
            f" larder.yaml: access: {{hosts: [{host}]}}"
        )
        self.host = host


class ProxyUnknown(Refused):
    """A proxy passes requests on to a server that asks nobody for a key."""

    def __init__(self, address: str) -> None:
        super().__init__(
            f"a proxy at {address or 'an unknown address'} passes this request on, so this server"
            " can be reached from elsewhere, and it asks nobody for a key: make one (larder keys"
            " add NAME --role admin), or, where the proxy checks who calls, say so in larder.yaml:"
            f' access: {{proxies: ["{address or "127.0.0.1"}"]}}'
        )


class NotPrepared(NotFound):
    """Nothing is prepared for this, and the key reads only what is."""

    def __init__(self, what: str = "no answer to this") -> None:
        super().__init__(f"{what} is prepared, and a key with the role viewer starts no R")
