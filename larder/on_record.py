"""Commands on the audit: who gave one that changes something, and how it ended.

Whoever writes such a command puts what it changes into a `with on_record(...)` block.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from getpass import getuser
from typing import Any

from jobs.audit_record import plain
from jobs.audit_spool import AuditSpool
from larder.errors import NotOnRecord
from larder.settings import Settings
from larder.state import make_state_folder


def system_user() -> str:
    """Returns the name of the system's user who gave this command."""
    try:
        return plain(getuser(), 200)
    except (KeyError, OSError):  # as in a container that has no name for its user
        return f"user {os.getuid()}"


@contextmanager
def on_record(
    settings: Settings, operation: str, target: str = "", **facts: Any
) -> Iterator[dict[str, Any]]:
    """Puts what is done in the block on record: that it began, and how it ended.

    Args:
        settings: The project's.
        operation: What is done, as "add key".
        target: What it is done to.
        facts: Other fields of `jobs.audit_record.AuditRecord`; nothing secret.

    Yields:
        Fields that the block may add, such as `detail`.

    Raises:
        NotOnRecord: It cannot be, and `audit.required` is set; nothing was done.
        StateUnusable: The state folder cannot be made or written.
    """
    make_state_folder(settings.state_folder)
    with closing(AuditSpool(settings.state_folder)) as spool:
        about = {"operation": operation, "target": plain(target), "caller": system_user(), **facts}
        with spool.noted(**about) as ended:
            if settings.audit.required and not spool.is_writing:
                raise NotOnRecord
            yield ended
