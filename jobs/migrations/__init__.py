"""The catalog's history: one file in `versions/` per change of `jobs.models`."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from jobs.errors import CatalogTooNew


def configuration() -> Config:
    """Returns Alembic's settings, which need no file of their own."""
    config = Config()
    # Alembic reads "%" in an option as an interpolation of configparser.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def head() -> str:
    """Returns the newest revision there is."""
    return ScriptDirectory.from_config(configuration()).get_current_head() or ""


def upgrade(connection: Connection, *, found: str | None) -> None:
    """Brings the tables up to date inside the caller's transaction.

    Raises:
        CatalogTooNew: the catalog was last used by a later Larder.
    """
    config = configuration()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise CatalogTooNew(found or "unknown") from error
