"""The first tables: versions, schedules, runs, outcomes, leases."""

import sqlalchemy as sa
from alembic import op

from jobs.models import Moment

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

RUNNING = sa.text("status = 'running'")


def upgrade() -> None:
    op.create_table(
        "job_versions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("job", sa.String(200), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("definition", sa.JSON, nullable=False),
        sa.Column("since", Moment, nullable=False),
    )
    op.create_index("job_versions_by_job", "job_versions", ["job", "id"])
    op.create_table(
        "schedules",
        sa.Column("id", sa.String(220), primary_key=True),
        sa.Column("job", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("timezone", sa.String(60), nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False, server_default=sa.text("true")),
        sa.Column("next_fire", Moment),
        sa.Column("last_fire", Moment),
        sa.Column("last_scheduled", Moment),
        sa.Column("last_skipped", Moment),
        sa.Column("skip_reason", sa.Text),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("job", sa.String(200), nullable=False),
        sa.Column("cause", sa.String(20), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("scheduled_for", Moment),
        sa.Column("started_at", Moment, nullable=False),
        sa.Column("finished_at", Moment),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("cells_total", sa.Integer),
        sa.Column("computed", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("fresh", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("failed", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("attempt", sa.Integer, nullable=False, server_default=sa.text("1")),
        sa.Column("error", sa.Text),
        sa.Column("owner", sa.String(300), nullable=False),
        sa.Column("heartbeat_at", Moment, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("runs_by_job", "runs", ["job", "id"])
    op.create_index("runs_by_status", "runs", ["status"])
    op.create_index(
        "one_running",
        "runs",
        ["job"],
        unique=True,
        sqlite_where=RUNNING,
        postgresql_where=RUNNING,
    )
    op.create_table(
        "cells",
        sa.Column("job", sa.String(200), primary_key=True),
        sa.Column("cache_key", sa.String(64), primary_key=True),
        sa.Column("arguments", sa.JSON, nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("session_key", sa.String(80)),
        sa.Column("computed_at", Moment),
        sa.Column("fresh_until", Moment),
        sa.Column("duration_s", sa.Float),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("run_id", sa.Integer, nullable=False),
    )
    op.create_index("cells_by_run", "cells", ["run_id"])
    op.create_table(
        "batches",
        sa.Column("job", sa.String(200), primary_key=True),
        sa.Column("start", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("computed_at", Moment),
        sa.Column("duration_s", sa.Float),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("run_id", sa.Integer, nullable=False),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(60), primary_key=True),
        sa.Column("holder", sa.String(300), nullable=False),
        sa.Column("expires_at", Moment, nullable=False),
    )


def downgrade() -> None:
    for table in ("leases", "batches", "cells", "runs", "schedules", "job_versions"):
        op.drop_table(table)
