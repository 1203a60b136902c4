"""What an operator decides about access."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jobs.role import Role


@dataclass(frozen=True)
class AccessConfig:
    """Who may ask.

    Attributes:
        is_open: Whether everybody may who reaches the server, as long as no key was ever made.
        key_in_query: Whether `?key=` counts.
        anonymous: The role of who shows no key, for what asks for none.
        call: Patterns of the functions that may be called, by anybody; None is no such list.
        miss: What a viewer is answered where nothing is prepared: 404 or 504.
    """

    is_open: bool = True
    key_in_query: bool = False
    anonymous: Role = Role.VIEWER
    call: tuple[str, ...] | None = None
    miss: Literal[404, 504] = 404
