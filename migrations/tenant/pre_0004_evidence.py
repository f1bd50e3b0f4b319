"""Evidence: moments that somebody marked while watching, and the clips that were kept of them."""

import sqlalchemy as sa
from alembic import op

from migrations.columns import KEY, MOMENT, SCHEMA, text_key

revision = "pre_0004"
down_revision = "pre_0003"
branch_labels = None
depends_on = None


def clip() -> list[sa.Column[object]]:
    """What is known once it is written."""
    return [
        sa.Column("begins_at", MOMENT, nullable=True),
        sa.Column("ends_at", MOMENT, nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("pictures", sa.Integer(), nullable=True),
        sa.Column("lost_pictures", sa.Integer(), nullable=True),
        sa.Column("sha256", text_key(64), nullable=True),
        sa.Column("sound", text_key(16), nullable=True),
        sa.Column("short", text_key(32), nullable=True),
    ]


def upgrade() -> None:
    op.create_table(
        "evidence",
        sa.Column("id", KEY, nullable=False),
        sa.Column("viewing_id", KEY, nullable=False),
        sa.Column("camera_id", KEY, nullable=False),
        sa.Column("department_id", KEY, nullable=True),
        sa.Column("marked_by", text_key(255), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("gateway", text_key(128), nullable=False),
        sa.Column("marked_at", MOMENT, nullable=False),
        sa.Column("state", text_key(16), nullable=False),
        *clip(),
        sa.Column("failure", text_key(64), nullable=True),
        sa.Column("keep_until", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["camera_id"], [f"{SCHEMA}.cameras.id"]),
        sa.ForeignKeyConstraint(["department_id"], [f"{SCHEMA}.departments.id"]),
        sa.ForeignKeyConstraint(["viewing_id"], [f"{SCHEMA}.viewings.id"]),
        sa.PrimaryKeyConstraint("id"),
        schema=SCHEMA,
    )
    op.create_index("evidence_by_marked", "evidence", ["marked_at", "id"], unique=False, schema=SCHEMA)
    op.create_index("evidence_by_viewing", "evidence", ["viewing_id", "id"], unique=False, schema=SCHEMA)
    op.create_index("evidence_due", "evidence", ["state", "keep_until"], unique=False, schema=SCHEMA)
