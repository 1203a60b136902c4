"""Fences: what is asked, when no other writer can come between, before answers are kept.

A process that was stopped for long may wake up with answers that another has computed anew
meanwhile. Asked any earlier, it could be stopped again behind the question.
"""

from collections.abc import Callable

Fence = Callable[[], None]
"""Raises what is raised to whoever wanted to write; nothing is written then."""


def no_fence() -> None:
    """Lets everything pass."""
