"""What the second release adds: the materials of power items."""

import sqlalchemy as sa
from alembic import op

from migrations.columns import KEY, SCHEMA, text_key

revision = "pre_0002"
down_revision = "pre_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_item_materials()


def create_item_materials() -> None:
    op.create_table(
        "item_materials",
        sa.Column("id", KEY, nullable=False),
        sa.Column("item_id", KEY, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("code", text_key(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("copies", sa.Integer(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["item_id"], [f"{SCHEMA}.power_items.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("item_id", "code"),
        schema=SCHEMA,
    )
