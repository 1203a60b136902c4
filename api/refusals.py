"""Errors of the gate; `api.errors` has the tree.

They name no key, and say the same of a key that never was, has expired or was revoked.
"""

from __future__ import annotations

from api.api_error import ApiError


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


class Forbidden(Refused):
    """The key is not for this; the message says what it lacks."""
