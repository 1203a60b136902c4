"""The catalog's tables, as SQLAlchemy sees them.

Times are text in SQLite (the one form of `cache.clock.to_text`, so that order and comparison
are those of time) and `timestamptz` in PostgreSQL. `jobs/migrations` creates what stands here;
a test compares the two.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from cache.clock import from_text, to_text


class Moment(TypeDecorator[datetime]):
    """An aware UTC time; naive ones are refused."""

    impl = String(27)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Returns the column type of this database."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(String(27))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Returns the stored form of a time."""
        if value is None or dialect.name == "postgresql":
            return value
        return to_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Returns the time that was stored."""
        if value is None:
            return None
        return value.astimezone(UTC) if isinstance(value, datetime) else from_text(value)


REVISION = "0011"  # the last migration, whose result these tables are

metadata = MetaData()

job_versions = Table(
    "job_versions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job", String(200), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("definition", JSON, nullable=False),
    Column("since", Moment, nullable=False),
    Index("job_versions_by_job", "job", "id"),
)

live_jobs = Table(
    "live_jobs",
    metadata,
    Column("job", String(200), primary_key=True),
    Column("entry", JSON, nullable=False),
)

schedules = Table(
    "schedules",
    metadata,
    Column("id", String(220), primary_key=True),  # "weight_gain#1"
    Column("job", String(200), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("text", Text, nullable=False),
    Column("timezone", String(60), nullable=False),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("next_fire", Moment),
    Column("last_fire", Moment),  # when it really fired
    Column("last_scheduled", Moment),  # the time that fire was meant for
    Column("last_skipped", Moment),
    Column("skip_reason", Text),
)

followed = Table(
    "followed",
    metadata,
    Column("schedule", String(220), primary_key=True),
    Column("job", String(200), primary_key=True),  # the one that its own runs after
    Column("run_id", Integer, nullable=False),  # the last run of that which was answered
)

RUNNING = text("status = 'running'")

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job", String(200), nullable=False),
    Column("cause", String(20), nullable=False),
    Column("status", String(20), nullable=False),
    Column("scheduled_for", Moment),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Column("version", String(64), nullable=False),
    Column("cells_total", Integer),
    Column("computed", Integer, nullable=False, server_default=text("0")),
    Column("fresh", Integer, nullable=False, server_default=text("0")),
    Column("failed", Integer, nullable=False, server_default=text("0")),
    Column("attempt", Integer, nullable=False, server_default=text("1")),
    Column("error", Text),
    Column("owner", String(300), nullable=False),
    Column("heartbeat_at", Moment, nullable=False),
    Column("skipped", Integer, nullable=False, server_default=text("0")),
    Column("scope", JSON(none_as_null=True)),  # null: everything that is not fresh
    Column("queued_at", Moment),  # null: it was begun at once
    Column("rate", Float),  # cells, or rows, a second
    Column("noticed", Boolean, nullable=False, server_default=text("false")),  # its end was
    Index("runs_by_job", "job", "id"),
    # The database itself keeps two processes from running one job at the same time.
    Index("one_running", "job", unique=True, sqlite_where=RUNNING, postgresql_where=RUNNING),
    Index("runs_by_status", "status"),
    sqlite_autoincrement=True,  # an id is a URL: never given twice, even after old rows are gone
)

cells = Table(
    "cells",
    metadata,
    Column("job", String(200), primary_key=True),
    Column("cache_key", String(64), primary_key=True),
    Column("arguments", JSON, nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("session_key", String(80)),
    Column("computed_at", Moment),
    Column("fresh_until", Moment),
    Column("duration_s", Float),
    Column("attempts", Integer, nullable=False),
    Column("error", Text),
    Column("run_id", Integer, nullable=False),
    Index("cells_by_run", "run_id"),
)

batches = Table(
    "batches",
    metadata,
    Column("job", String(200), primary_key=True),
    Column("start", Integer, primary_key=True, autoincrement=False),
    Column("size", Integer, nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("computed_at", Moment),
    Column("duration_s", Float),
    Column("attempts", Integer, nullable=False),
    Column("error", Text),
    Column("run_id", Integer, nullable=False),
)

failures = Table(
    "failures",
    metadata,
    Column("run_id", Integer, primary_key=True, autoincrement=False),
    Column("place", String(64), primary_key=True),  # of a cell its key, of a batch its first row
    Column("job", String(200), nullable=False),
    Column("arguments", JSON(none_as_null=True)),
    Column("first_row", Integer),
    Column("rows", Integer),
    Column("attempts", Integer, nullable=False),
    Column("failed_at", Moment, nullable=False),
    Column("kind", String(60), nullable=False),
    Column("message", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("warnings", JSON, nullable=False),
    Column("console", Text, nullable=False),
    Column("console_bytes", Integer, nullable=False),
    Index("failures_by_job", "job", "run_id"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("holder", String(300), nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("term", Integer, nullable=False, server_default=text("0")),  # one more for each holder
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job", String(200), nullable=False),
    Column("run_id", Integer),
    Column("channel", String(20), nullable=False),
    Column("message", JSON, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("status", String(20), nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("next_try", Moment),
    Column("ended_at", Moment),
    Column("error", Text),
    Index("outbox_by_status", "status", "next_try"),
    sqlite_autoincrement=True,  # an id names a message to those who get it: never given twice
)

alerts = Table(
    "alerts",
    metadata,
    Column("job", String(200), primary_key=True),  # whose answers went stale, and it was told
    Column("since", Moment, nullable=False),
)
