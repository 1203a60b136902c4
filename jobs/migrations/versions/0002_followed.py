"""What `after` schedules have answered."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "followed",
        sa.Column("schedule", sa.String(220), primary_key=True),
        sa.Column("job", sa.String(200), primary_key=True),
        sa.Column("run_id", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("followed")
