"""What an operator decides about access."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.role import Role


@dataclass(frozen=True)
class AccessConfig:
    """Who may ask.

    Attributes:
        is_open: Whether everybody may who reaches the server, as long as no key was ever made.
        key_in_query: Whether `?key=` counts.
        anonymous: The role of who shows no key, for what asks for none.
    """

    is_open: bool = True
    key_in_query: bool = False
    anonymous: Role = Role.VIEWER
