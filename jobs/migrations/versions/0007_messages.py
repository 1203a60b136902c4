"""Messages about jobs, and which runs were looked at for them."""

import sqlalchemy as sa
from alembic import op

from jobs.models import Moment

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "runs", sa.Column("noticed", sa.Boolean, nullable=False, server_default=sa.text("false"))
    )
    # Nobody is told now of what ended long ago.
    op.execute("UPDATE runs SET noticed = true")
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("job", sa.String(200), nullable=False),
        sa.Column("run_id", sa.Integer),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("message", sa.JSON, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("next_try", Moment),
        sa.Column("ended_at", Moment),
        sa.Column("error", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("outbox_by_status", "outbox", ["status", "next_try"])
    op.create_table(
        "alerts",
        sa.Column("job", sa.String(200), primary_key=True),
        sa.Column("since", Moment, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("alerts")
    op.drop_table("outbox")
    op.drop_column("runs", "noticed")
