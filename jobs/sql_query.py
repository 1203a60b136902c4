"""A table that a database answers a query with, through SQLAlchemy."""

from collections.abc import Generator, Hashable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pyarrow as pa
from sqlalchemy import URL, Connection, CursorResult, Engine, create_engine, make_url
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from jobs.errors import RowsUnreadable, SecretMissing
from jobs.nearest import did_you_mean
from jobs.plain_table import unfit
from jobs.r_expression import AsksR
from jobs.secret import EnvEntry, hidden, text_of

ROWS_AT_ONCE: Final = 10_000
CONNECT_S: Final = 10
_KINDS: Final = ("postgresql", "mysql", "mariadb", "sqlite", "oracle", "mssql")
_TAKE_TIMEOUT: Final = {"postgresql", "mysql", "mariadb"}
_URL_EXAMPLE: Final = "for example: postgresql+psycopg://user:password@host/database"
_OPTIONS: Final = {
    "stream_results": True,
    "yield_per": ROWS_AT_ONCE,
    "no_parameters": True,  # a % or : in the query is then the query's own
    "postgresql_readonly": True,
}


@dataclass(frozen=True)
class SqlQuery:
    """A query and the database that answers it; nothing that it does there is kept.

    Attributes:
        url: The database, as SQLAlchemy writes it, or the variable that has it.
        query: The query, in the database's own SQL.
        folder: Where a relative path of SQLite begins.
    """

    url: str | EnvEntry = field(repr=False)
    query: str
    folder: Path

    @property
    def name(self) -> str:
        """What people call it."""
        return "the query"

    def parts(self, _r: AsksR | None = None, /) -> Generator[pa.Table]:
        """All of it, as the database answers: where its driver can, it keeps the rest back."""
        with self._answer() as answer:
            names = list(answer.keys())
            yield self._piece(names, [])
            for rows in answer.partitions(ROWS_AT_ONCE):
                yield self._piece(names, rows)

    def columns(self, _r: AsksR | None = None, /) -> list[str]:
        """The names of its columns; no row is fetched."""
        with self._answer() as answer:
            return list(answer.keys())

    def digest(self) -> str:
        """Of all its rows in their order and the columns' names, without keeping any.

        Raises:
            RowsUnreadable: If the database cannot be reached, or refuses.
        """
        digest = blake2b()
        with self._answer() as answer:
            digest.update(repr(tuple(answer.keys())).encode())
            for row in answer:
                digest.update(repr([_plain(value) for value in row]).encode())
        return digest.hexdigest()

    def mark(self) -> Hashable:
        """None: only asking again tells whether rows changed."""
        return None

    @contextmanager
    def _answer(self) -> Iterator[CursorResult[Any]]:
        """The database's answer while it is connected; no error says what is secret in the URL."""
        url = self._url()
        secrets = _secrets(url, whole=isinstance(self.url, EnvEntry))
        try:
            engine = create_engine(_for_reading(url, self.folder), **_engine_options(url))
        except (NoSuchModuleError, ModuleNotFoundError) as error:
            raise self._no_driver(url, error) from None
        except (SQLAlchemyError, TypeError, ValueError) as error:
            raise self._no_connection(error, secrets) from None
        with self._connected(engine, secrets) as connection:
            try:
                answer = connection.exec_driver_sql(self.query)
                if not answer.returns_rows:
                    raise RowsUnreadable(self.name, "answers no rows", "write a SELECT")
                with closing(answer):  # a cursor of the database's own stays open otherwise
                    yield answer
            except (SQLAlchemyError, OSError, ValueError) as error:
                reason = f"failed: {hidden(_said(error), secrets)}"
                raise RowsUnreadable(self.name, reason) from None

    @contextmanager
    def _connected(self, engine: Engine, secrets: Sequence[str]) -> Iterator[Connection]:
        try:
            connection = engine.connect()
        except (SQLAlchemyError, OSError, TypeError, ValueError) as error:
            raise self._no_connection(error, secrets) from None
        with connection:
            yield connection.execution_options(**_OPTIONS)

    def _piece(self, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> pa.Table:
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
        arrays = []
        for name, values in zip(names, columns, strict=True):
            array = _array(values)
            if array is None:
                raise unfit(self.name, name, "lists or documents")
            arrays.append(array)
        return pa.table(arrays, names)

    def _url(self) -> URL:
        try:
            return make_url(text_of(self.url))
        except SecretMissing as error:
            reason = f"has no database: {error}"
            hint = "set it where Larder is started"
            raise RowsUnreadable(self.name, reason, hint, about="surroundings") from None
        except (SQLAlchemyError, ValueError):
            what = f"{self.url.env} is" if isinstance(self.url, EnvEntry) else "'url' is"
            reason = f"has no database: {what} no address of one"
            raise RowsUnreadable(self.name, reason, _URL_EXAMPLE) from None

    def _no_driver(self, url: URL, error: Exception) -> RowsUnreadable:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        kind = url.drivername if isinstance(self.url, str) else f"what {self.url.env} names"
        reason = f"has no database: there is no driver for {kind}"
        otherwise = f"install the Python package {missing}" if missing else _URL_EXAMPLE
        guess = did_you_mean(kind, _KINDS, otherwise=otherwise)
        hint = otherwise if missing else guess
        return RowsUnreadable(self.name, reason, hint, about="surroundings")

    def _no_connection(self, error: Exception, secrets: Sequence[str]) -> RowsUnreadable:
        reason = f"cannot connect to its database: {hidden(_said(error), secrets)}"
        return RowsUnreadable(self.name, reason, self._missing_file(), about="surroundings")

    def _missing_file(self) -> str:
        """A hint, if it is SQLite and the file that was written is not there."""
        url = self._url()
        if not isinstance(self.url, str) or url.get_backend_name() != "sqlite" or not url.database:
            return ""
        there = (self.folder / url.database).is_file()
        return "" if there else f"there is no file {url.database}; a path begins at the project"


def _plain(value: object) -> object:
    """The value as something whose repr() tells what it is, not where."""
    return bytes(value) if isinstance(value, memoryview) else value


def is_url(text: str) -> bool:
    """Whether SQLAlchemy takes it for the address of a database."""
    try:
        make_url(text)
    except (SQLAlchemyError, ValueError):
        return False
    return True


def _for_reading(url: URL, folder: Path) -> URL:
    """The address; a file of SQLite is opened to be read, so that a wrong path makes no file."""
    path = url.database
    if url.get_backend_name() != "sqlite" or path in (None, "", ":memory:"):
        return url
    if path.startswith("file:"):
        return url
    file = f"file:{quote(str(folder / path))}"
    return url.set(database=file, query={**url.query, "mode": "ro", "uri": "true"})


def _engine_options(url: URL) -> dict[str, Any]:
    options: dict[str, Any] = {"poolclass": NullPool, "hide_parameters": True}
    if url.get_backend_name() in _TAKE_TIMEOUT and "connect_timeout" not in url.query:
        options["connect_args"] = {"connect_timeout": CONNECT_S}
    return options


def _secrets(url: URL, *, whole: bool) -> list[str]:
    """What of the address must not be told: the password; all, if it came from the environment."""
    password = str(url.password or "")
    secrets = [password, quote(password, safe="")]
    if whole:
        queried = [text for texts in url.normalized_query.values() for text in texts]
        parts = [url.username, url.host, url.database, *queried]
        secrets += [
            url.render_as_string(hide_password=False),
            *(part for part in parts if part and len(part) > 2),
        ]
    return secrets


def _said(error: Exception) -> str:
    """What the driver said, on one line and without the query."""
    original = error.orig if isinstance(error, DBAPIError) and error.orig else error
    diagnosis = getattr(original, "diag", None)  # psycopg's text of an error has the query in it
    if diagnosis is not None and diagnosis.message_primary:
        said = (diagnosis.message_primary, diagnosis.message_detail, diagnosis.message_hint)
        return "; ".join(" ".join(part.split()) for part in said if part)
    return " ".join(str(original).split()) or type(original).__name__


def _array(values: Sequence[Any]) -> pa.Array | None:
    """The values in Arrow's type for them; those of several types are doubles or texts.

    None if they are lists or documents of several shapes: Python's text of those helps nobody.
    """
    try:
        array = pa.array(values)
    except (pa.ArrowException, OverflowError):
        known = [value for value in values if value is not None]
    else:
        if not isinstance(array.type, pa.BaseExtensionType):
            return array
        known = []  # such as UUIDs, which are texts to R
    if any(isinstance(value, list | tuple | dict) for value in known):
        return None
    if any(isinstance(value, float | Decimal) for value in known) and all(map(_is_number, known)):
        return pa.array([None if value is None else float(value) for value in values])
    return pa.array([None if value is None else str(value) for value in values], pa.string())


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
