"""The catalog's tables of what was asked: a chain of rows, and how far it has got."""

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, String, Table, Text

from jobs.models import Moment, metadata

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # 1, 2, 3, ...: no gaps
    Column("at", Moment, nullable=False),
    Column("operation", String(40), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("caller", String(200), nullable=False),
    Column("key_id", Integer),
    Column("role", String(20)),
    Column("address", Text),
    Column("method", Text),
    Column("target", Text),
    Column("job", String(200)),
    Column("function", String(200)),
    Column("arguments_digest", String(64)),
    Column("arguments", Text),
    Column("answer", Text),
    Column("session_key", Text),
    Column("version", Text),
    Column("cache", String(10), nullable=False),
    Column("status", Integer),
    Column("duration_us", BigInteger),
    Column("request_id", String(128)),
    Column("detail", Text),
    Column("hash", String(64), nullable=False),
    Index("audit_by_time", "at"),
)

audit_chain = Table(
    "audit_chain",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # 1: there is one row
    Column("genesis", String(64), nullable=False),
    Column("dropped", Integer, nullable=False),  # the last row that is not kept any more
    Column("anchor", String(64), nullable=False),  # its hash, or the genesis
    Column("last", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)

audit_begun = Table(
    "audit_begun",
    metadata,
    Column("writer", String(100), primary_key=True),  # of a spool
    Column("call", Integer, primary_key=True, autoincrement=False),
    Column("line", JSON, nullable=False),
)

audit_spools = Table(
    "audit_spools",
    metadata,
    Column("name", String(120), primary_key=True),
    Column("offset", BigInteger, nullable=False),  # so much of it is in the chain
)
