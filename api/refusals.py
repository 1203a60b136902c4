"""Errors of the gate; `api.errors` has the tree.

They name no key, and say the same of a key that never was, has expired or was revoked.
"""

from __future__ import annotations

from api.api_error import ApiError
from api.reply import Headers


class Refused(ApiError):
    """The gate does not let this request through."""


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
