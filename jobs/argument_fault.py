"""ArgumentFault: what is wrong with one argument of a call."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ArgumentFault:
    """What is wrong with one argument, and what would be right."""

    argument: str
    reason: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.reason} ({self.hint})" if self.hint else self.reason
