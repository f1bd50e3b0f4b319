"""Proposals of a special inspection group belong together."""

import sqlalchemy as sa
from alembic import op

from migrations.columns import SCHEMA

revision = "pre_0003"
down_revision = "pre_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("proposals", sa.Column("team", sa.BigInteger(), nullable=True), schema=SCHEMA)
    op.create_index("proposals_by_team", "proposals", ["team"], unique=False, schema=SCHEMA)
