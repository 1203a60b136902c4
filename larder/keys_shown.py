"""Access keys as the command line shows them."""

from collections.abc import Sequence
from datetime import datetime

from rich.table import Table
from rich.text import Text

from api.key_document import KeyState, key_document
from jobs.access_key import AccessKey
from jobs.spoken_time import ago
from larder.times import local

_STYLES = {KeyState.VALID: "green", KeyState.EXPIRED: "yellow", KeyState.REVOKED: "red"}


def keys_table(keys: Sequence[AccessKey], now: datetime) -> Table:
    """A line for each key."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("number", "name", "role", "begins", "for", "state", "last used"):
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
            Text("never" if key.last_used_at is None else ago(key.last_used_at, now)),
        )
    return table


def _narrowed(key: AccessKey) -> str:
    """What it is for, of what its role may."""
    parts = [*key.functions, *key.jobs, *key.origins, *([key.rate] if key.rate else [])]
    return ", ".join(parts) or "all"
