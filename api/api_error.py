"""The root of HTTP's own errors; `api.errors` has the tree."""

from __future__ import annotations


class ApiError(Exception):
    """A request that cannot be answered as it is."""


class NotFound(ApiError):
    """There is no such resource; the message says which."""
