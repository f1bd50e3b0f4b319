"""Keys of service accounts."""

import sqlalchemy as sa
from alembic import op

from migrations.columns import MOMENT, SCHEMA, text_key

revision = "pre_0002"
down_revision = "pre_0001"
branch_labels = None
depends_on = None


def create_service_keys() -> None:
    op.create_table(
        "service_keys",
        sa.Column("kid", text_key(64), nullable=False),
        sa.Column("subject", text_key(255), nullable=False),
        sa.Column("jwk", sa.Text(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("not_before >= 0 AND not_before <= expires", name="service_keys_begin_before_they_end"),
        sa.CheckConstraint("subject LIKE 'service:_%'", name="service_keys_are_of_accounts"),
        sa.PrimaryKeyConstraint("kid"),
        schema=SCHEMA,
    )


def upgrade() -> None:
    create_service_keys()
