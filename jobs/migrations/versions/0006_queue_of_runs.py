"""Runs that wait, how fast they go, what R said of what failed, and the terms of leases."""

import sqlalchemy as sa
from alembic import op

from jobs.models import Moment

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("queued_at", Moment))
    op.add_column("runs", sa.Column("rate", sa.Float))
    op.add_column(
        "leases", sa.Column("term", sa.Integer, nullable=False, server_default=sa.text("0"))
    )
    op.create_table(
        "failures",
        sa.Column("run_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("place", sa.String(64), primary_key=True),
        sa.Column("job", sa.String(200), nullable=False),
        sa.Column("arguments", sa.JSON(none_as_null=True)),
        sa.Column("first_row", sa.Integer),
        sa.Column("rows", sa.Integer),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("failed_at", Moment, nullable=False),
        sa.Column("kind", sa.String(60), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("warnings", sa.JSON, nullable=False),
        sa.Column("console", sa.Text, nullable=False),
        sa.Column("console_bytes", sa.Integer, nullable=False),
    )
    op.create_index("failures_by_job", "failures", ["job", "run_id"])


def downgrade() -> None:
    op.drop_table("failures")
    op.drop_column("leases", "term")
    op.drop_column("runs", "rate")
    op.drop_column("runs", "queued_at")
