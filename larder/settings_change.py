"""A changed larder.yaml: the server goes on with what it started with, and says so."""

import logging

from larder.errors import SettingsInvalid
from larder.settings import Settings, load_settings

log = logging.getLogger(__name__)

_OF_THE_COMMAND_LINE = {"host", "port", "workers", "insecure", "folder"}


def tell_of_change(running: Settings) -> None:
    """Logs every mistake in larder.yaml, or which settings count from the next start."""
    try:
        settings = load_settings(running.folder)
    except SettingsInvalid as error:
        problems = error.problems
    else:
        problems = ()
        now = dict(running)
        changed = [name for name, value in dict(settings).items() if value != now[name]]
        changed = [name for name in changed if name not in _OF_THE_COMMAND_LINE]
        if changed:
            log.warning("settings count from the next start changed=%s", ", ".join(changed))
    for problem in problems:
        log.error("mistake in the settings: %s", problem)
