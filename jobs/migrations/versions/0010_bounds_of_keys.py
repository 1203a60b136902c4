"""What a key may have at a time and in a day, and what it had."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("access_keys", sa.Column("concurrent", sa.Integer))
    op.add_column("access_keys", sa.Column("r_seconds", sa.Float))
    op.create_table(
        "r_taken",
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("seconds", sa.Float, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("r_taken")
    op.drop_column("access_keys", "r_seconds")
    op.drop_column("access_keys", "concurrent")
