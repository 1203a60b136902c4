"""Access keys as the command line shows them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from rich.table import Table
from rich.text import Text

from api.key_document import KeyState, key_document
from jobs.access_key import AccessKey
from jobs.spoken_time import ago, span
from larder.times import local

_STYLES = {KeyState.VALID: "green", KeyState.EXPIRED: "yellow", KeyState.REVOKED: "red"}


def keys_table(keys: Sequence[AccessKey], taken: Mapping[str, float], now: datetime) -> Table:
    """A line for each key; `taken` are the seconds of R that each name had today."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("number", "name", "role", "begins", "for", "state", "R today", "last used"):
        table.add_column(name)
    for key in keys:
        shown = key_document(key, now)
        state = str(shown.state)
        if shown.state is KeyState.VALID and key.expires_at is not None:
            state = f"until {local(key.expires_at)}"
        table.add_row(
            f"#{key.id}",
            Text(key.name),
            Text(key.role),
            Text(f"{key.hint}…"),
            Text(_narrowed(key)),
            Text(state, style=_STYLES[shown.state]),
            Text(_of_r(key, taken.get(key.name, 0.0))),
            Text("never" if key.last_used_at is None else ago(key.last_used_at, now)),
        )
    return table


def _narrowed(key: AccessKey) -> str:
    """What it is for, of what its role may."""
    parts = [*key.functions, *key.jobs, *key.origins, *([key.rate] if key.rate else [])]
    if key.concurrent is not None:
        parts.append(f"{key.concurrent} at a time")
    return ", ".join(parts) or "all"


def _of_r(key: AccessKey, taken_s: float) -> str:
    """The seconds of R that it took, of those that it has."""
    taken = span(taken_s) if taken_s else "none"
    return taken if key.r_seconds is None else f"{taken} of {span(key.r_seconds)}"
