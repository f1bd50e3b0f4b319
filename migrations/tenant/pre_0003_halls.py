"""Halls, their windows and cameras, and who watched."""

import sqlalchemy as sa
from alembic import op

from migrations.columns import KEY, MOMENT, SCHEMA, text_key

revision = "pre_0003"
down_revision = "pre_0002"
branch_labels = None
depends_on = None


def create_halls() -> None:
    op.create_table(
        "halls",
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", text_key(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("retired_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
        schema=SCHEMA,
    )


def create_hall_windows() -> None:
    op.create_table(
        "hall_windows",
        sa.Column("id", KEY, nullable=False),
        sa.Column("hall_id", KEY, nullable=False),
        sa.Column("code", text_key(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("retired_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["hall_id"], [f"{SCHEMA}.halls.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hall_id", "code"),
        schema=SCHEMA,
    )


def create_cameras() -> None:
    op.create_table(
        "cameras",
        sa.Column("id", KEY, nullable=False),
        sa.Column("hall_id", KEY, nullable=False),
        sa.Column("window_id", KEY, nullable=True),
        sa.Column("department_id", KEY, nullable=True),
        sa.Column("code", text_key(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("source", sa.LargeBinary(), nullable=False),
        sa.Column("scheme", text_key(16), nullable=False),
        sa.Column("sees", sa.Text(), nullable=True),
        sa.Column("sound", sa.Boolean(), nullable=False),
        sa.Column("hours", sa.Text(), nullable=False),
        sa.Column("privacy_zones", sa.Text(), nullable=True),
        sa.Column("retired_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["department_id"], [f"{SCHEMA}.departments.id"]),
        sa.ForeignKeyConstraint(["hall_id"], [f"{SCHEMA}.halls.id"]),
        sa.ForeignKeyConstraint(["window_id"], [f"{SCHEMA}.hall_windows.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
        schema=SCHEMA,
    )


def create_viewings() -> None:
    op.create_table(
        "viewings",
        sa.Column("id", KEY, nullable=False),
        sa.Column("camera_id", KEY, nullable=False),
        sa.Column("department_id", KEY, nullable=True),
        sa.Column("actor", text_key(255), nullable=False),
        sa.Column("from_tenant", text_key(12), nullable=False),
        sa.Column("from_level", text_key(16), nullable=False),
        sa.Column("purpose", text_key(16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("gateway", text_key(128), nullable=False),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("ended_as", text_key(16), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["camera_id"], [f"{SCHEMA}.cameras.id"]),
        sa.ForeignKeyConstraint(["department_id"], [f"{SCHEMA}.departments.id"]),
        sa.PrimaryKeyConstraint("id"),
        schema=SCHEMA,
    )
    op.create_index("viewings_by_began", "viewings", ["began_at", "id"], unique=False, schema=SCHEMA)
    op.create_index("viewings_open", "viewings", ["ended_at", "id"], unique=False, schema=SCHEMA)


def upgrade() -> None:
    create_halls()
    create_hall_windows()
    create_cameras()
    create_viewings()
