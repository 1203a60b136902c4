"""What an operator decides about the audit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AuditConfig:
    """What is on record.

    Attributes:
        hits: Whether prepared answers are, too, that were given at once.
        text: Whether arguments are there as text, beside their digest.
        required: Whether a call is refused that cannot be put on record.
    """

    hits: bool = True
    text: bool = False
    required: bool = False
