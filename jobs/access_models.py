"""The catalog's tables of who may ask: keys, sign-ins, and what of R each took."""

from sqlalchemy import JSON, Column, Float, Index, Integer, String, Table

from jobs.models import Moment, metadata

access_keys = Table(
    "access_keys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("role", String(20), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("hint", String(20), nullable=False),
    Column("functions", JSON, nullable=False),
    Column("jobs", JSON, nullable=False),
    Column("origins", JSON, nullable=False),
    Column("rate", String(60)),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
    Column("last_used_at", Moment),
    Column("concurrent", Integer),
    Column("r_seconds", Float),
    Index("access_keys_by_name", "name"),
    sqlite_autoincrement=True,  # the audit names keys by their number
)

logins = Table(
    "logins",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("role", String(20), nullable=False),
    Column("functions", JSON, nullable=False),
    Column("jobs", JSON, nullable=False),
    Column("key_id", Integer),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Index("logins_by_end", "expires_at"),
)

r_taken = Table(
    "r_taken",
    metadata,
    Column("day", String(10), primary_key=True),  # of UTC, as 2026-10-01
    Column("name", String(200), primary_key=True),  # of the key
    Column("seconds", Float, nullable=False),
)
