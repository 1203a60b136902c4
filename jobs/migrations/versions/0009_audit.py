"""Who called what, in a chain."""

import sqlalchemy as sa
from alembic import op

from jobs.models import Moment

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("operation", sa.String(40), nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("caller", sa.String(200), nullable=False),
        sa.Column("key_id", sa.Integer),
        sa.Column("role", sa.String(20)),
        sa.Column("address", sa.Text),
        sa.Column("method", sa.Text),
        sa.Column("target", sa.Text),
        sa.Column("job", sa.String(200)),
        sa.Column("function", sa.String(200)),
        sa.Column("arguments_digest", sa.String(64)),
        sa.Column("arguments", sa.Text),
        sa.Column("answer", sa.Text),
        sa.Column("session_key", sa.Text),
        sa.Column("version", sa.Text),
        sa.Column("cache", sa.String(10), nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("duration_us", sa.BigInteger),
        sa.Column("request_id", sa.String(128)),
        sa.Column("detail", sa.Text),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_index("audit_by_time", "audit", ["at"])
    op.create_table(
        "audit_chain",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("genesis", sa.String(64), nullable=False),
        sa.Column("dropped", sa.Integer, nullable=False),
        sa.Column("anchor", sa.String(64), nullable=False),
        sa.Column("last", sa.Integer, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_table(
        "audit_begun",
        sa.Column("writer", sa.String(100), primary_key=True),
        sa.Column("call", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("line", sa.JSON, nullable=False),
    )
    op.create_table(
        "audit_spools",
        sa.Column("name", sa.String(120), primary_key=True),
        sa.Column("offset", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("audit_spools")
    op.drop_table("audit_begun")
    op.drop_table("audit_chain")
    op.drop_table("audit")
