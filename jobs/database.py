"""The catalog's database: opening, transactions, migration; no query lives here.

SQLite is used as several processes need it: write-ahead log, ten seconds of patience, and
every writing transaction takes the write lock when it begins. (One that first reads and then
wants to write can be refused at once, whatever the patience, when another wrote in between.)
In PostgreSQL writers wait for each other as long, by a lock that only they take: what is read
before it is written stays as it was.
"""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, create_engine, event, inspect, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import Table

from cache.clock import Clock, utcnow
from jobs.errors import CatalogUnavailable
from jobs.models import REVISION

BUSY_TIMEOUT_S = 10
MIGRATION_LOCK = 7_236_119  # any numbers that nothing else locks in the same PostgreSQL database
WRITE_LOCK = 7_236_120


class Database:
    """Connections to the catalog; safe to share between threads, not across a fork.

    Args:
        url: As SQLAlchemy takes it: `sqlite:////path/catalog.db`, `postgresql+psycopg://...`.
        clock: Gives the time that rows are stamped with.
    """

    def __init__(self, url: str, *, clock: Clock = utcnow) -> None:
        self._url = make_url(url)
        self._clock = clock
        self._sqlite = self._url.get_backend_name() == "sqlite"
        options: dict[str, Any] = {"hide_parameters": True}  # no traceback tells what was stored
        if self._sqlite:
            options["connect_args"] = {"timeout": BUSY_TIMEOUT_S}
        self._engine = create_engine(self._url, **options)
        self._writing = self._engine.execution_options(larder_writes=True)
        if self._sqlite:
            event.listen(self._engine, "connect", _prepare_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)
        else:
            event.listen(self._engine, "begin", _begin_postgresql)

    @classmethod
    def in_file(cls, path: Path, *, clock: Clock = utcnow) -> Self:
        """Returns the catalog kept in one SQLite file."""
        return cls(f"sqlite:///{path}", clock=clock)

    def migrate(self) -> None:
        """Brings the tables up to date; any number of processes may call it at once.

        Raises:
            CatalogTooNew: a later Larder wrote this catalog.
            CatalogUnavailable: the database cannot be used.
        """
        if self.revision() == REVISION:
            return
        # Alembic takes a tenth of a second to import: not at every start of every process.
        from jobs.migrations import upgrade  # noqa: PLC0415

        with self._alone():
            found = self.revision()
            if found != REVISION:
                with self._write() as connection:
                    upgrade(connection, found=found)

    def revision(self) -> str | None:
        """Returns the last migration that was applied, None in an empty database."""
        with self._read() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            found = connection.scalar(text("SELECT version_num FROM alembic_version"))
            return None if found is None else str(found)

    def close(self) -> None:
        """Closes every connection."""
        self._engine.dispose()

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        """A connection that sees one state of the catalog and changes nothing."""
        with _translated(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        """A transaction: all of it is kept at the end, or nothing if the block raises.

        A thread that writes in somebody's name (`_only_if`) is first asked whether it still may.
        """
        check = _fence.get()
        with _translated(), self._writing.begin() as connection:
            if check is not None:
                check(connection)
            yield connection

    @contextmanager
    def _only_if(self, check: Callable[[Connection], None]) -> Iterator[None]:
        """Has `check` called in each transaction that this thread writes, before it writes."""
        token = _fence.set(check)
        try:
            yield
        finally:
            _fence.reset(token)

    def _insert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """Returns an insert that knows ON CONFLICT, which is each dialect's own in SQLAlchemy."""
        return sqlite.insert(table) if self._sqlite else postgresql.insert(table)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keeps every other process from migrating meanwhile."""
        if not self._sqlite:
            with _translated(), self._engine.begin() as connection:  # with it ends the lock
                connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
                yield
            return
        path = Path(self._url.database or "")
        try:
            lock = path.with_name(path.name + ".lock").open("w")
        except OSError as error:
            raise CatalogUnavailable(str(error)) from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with _translated():
                raw = self._engine.raw_connection()
                # Kept in the file. Set here, alone: two processes setting it at once can fail.
                raw.cursor().execute("PRAGMA journal_mode = WAL")
                raw.close()
            yield


_fence: ContextVar[Callable[[Connection], None] | None] = ContextVar("fence", default=None)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise CatalogUnavailable(str(error.__cause__ or error)) from error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver would begin transactions by itself, and never IMMEDIATE.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    # A power cut may undo the last transactions, never damage the file; a kill loses nothing.
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("larder_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options().get("larder_writes", False):
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BUSY_TIMEOUT_S}s'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITE_LOCK})")
