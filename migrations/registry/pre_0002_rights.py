"""What rights brought: where each tenant's audit chain ends."""

import sqlalchemy as sa
from alembic import op

from migrations.columns import SCHEMA, text_key

revision = "pre_0002"
down_revision = "pre_0001"
branch_labels = None
depends_on = None


def create_audit_heads() -> None:
    op.create_table(
        "audit_heads",
        sa.Column("tenant", text_key(12), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("number >= 0", name="audit_heads_number_counts"),
        sa.PrimaryKeyConstraint("tenant"),
        schema=SCHEMA,
    )


def upgrade() -> None:
    create_audit_heads()
