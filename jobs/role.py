"""Roles: what whoever holds an access key may do, each all that those before it may."""

from enum import StrEnum


class Role(StrEnum):
    """From the least to the most."""

    VIEWER = "viewer"
    """Reads prepared answers; R is never started for it."""
    CALLER = "caller"
    """Calls functions with data: numbers, texts, JSON, sessions of its own."""
    ANALYST = "analyst"
    """Also sends R code, files and scripts."""
    OPERATOR = "operator"
    """Also asks for runs, cancels, and looks after what is stored."""
    ADMIN = "admin"
    """Also manages keys, reads the audit, installs packages."""

    def covers(self, least: "Role") -> bool:
        """Whether it may do what a role may that is `least`."""
        return _RANK[self] >= _RANK[least]


_RANK = {role: rank for rank, role in enumerate(Role)}
