"""A query to a database of the analyst's, by SQLAlchemy: its URL, and a digest of its answer."""

from hashlib import blake2b
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, NullPool, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from jobs.errors import QueryFailed, ValueInvalid


def database_url(written: str) -> str:
    """The URL as it is written, if SQLAlchemy knows what to do with it.

    Raises:
        ValueInvalid: It does not. The message has no part of the URL that could be a password.
    """
    hint = "for example: sqlite:///data/visits.db, postgresql+psycopg://user@host/name"
    try:
        make_url(written).get_dialect()
    except NoSuchModuleError:
        name = written.partition(":")[0]
        raise ValueInvalid(f"SQLAlchemy knows no database '{name}'", hint) from None
    except ArgumentError:
        raise ValueInvalid("this is no URL of a database", hint) from None
    except ImportError as error:
        raise ValueInvalid(f"its driver is not installed: {error}", hint) from None
    return written


def query_digest(url: str, query: str, folder: Path) -> str:
    """The digest of all rows that the query answers, in their order, and of the columns' names.

    Args:
        url: Of the database; the file of an SQLite one is looked for from `folder`.
        query: One statement in its language. Nothing in it stands for a parameter.
        folder: The project's.

    Raises:
        QueryFailed: The database cannot be reached, or refuses.
    """
    digest = blake2b()
    # Each colon escaped: else SQLAlchemy would look for a parameter behind it.
    statement = text(query.replace(":", "\\:"))
    try:
        engine = create_engine(_read_only(make_url(url), folder), poolclass=NullPool)
        with engine.connect().execution_options(stream_results=True) as connection:
            result = connection.execute(statement)
            digest.update(repr(tuple(result.keys())).encode())
            for row in result:
                digest.update(repr([_plain(value) for value in row]).encode())
    except (SQLAlchemyError, ImportError) as error:
        raise QueryFailed(str(getattr(error, "orig", None) or error)) from error
    return digest.hexdigest()


def _read_only(url: URL, folder: Path) -> URL:
    """The URL such that SQLite makes no file where there is none, and locks none."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return url
    path = quote(str(folder / url.database))
    return url.set(database=f"file:{path}").update_query_dict({"mode": "ro", "uri": "true"})


def _plain(value: object) -> object:
    """The value as something whose repr() tells what it is, not where."""
    return bytes(value) if isinstance(value, memoryview) else value
