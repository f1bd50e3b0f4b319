"""Rights: delegations and teams, what was taken back, proposals, whose rights changed when; where audit chains end."""

import sqlalchemy as sa
from alembic import op

from migrations.columns import KEY, MOMENT, SCHEMA, text_key

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


def create_grants_ended() -> None:
    op.create_table(
        "grants_ended",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("subject", text_key(255), nullable=False),
        sa.Column("role", text_key(64), nullable=False),
        sa.Column("path", text_key(512), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("effect", sa.String(length=5), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.Column("granted_at", MOMENT, nullable=False),
        sa.Column("through", sa.BigInteger(), nullable=True),
        sa.Column("team", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.Column("ended_at", MOMENT, nullable=False),
        sa.Column("ended_because", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema=SCHEMA,
    )
    op.create_index("grants_ended_by_subject", "grants_ended", ["subject", "id"], unique=False, schema=SCHEMA)


def create_proposals() -> None:
    op.create_table(
        "proposals",
        sa.Column("id", KEY, nullable=False),
        sa.Column("subject", text_key(255), nullable=False),
        sa.Column("role", text_key(64), nullable=False),
        sa.Column("path", text_key(512), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", text_key(255), nullable=False),
        sa.Column("proposed_at", MOMENT, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("decided_by", text_key(255), nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("decided_because", sa.Text(), nullable=True),
        sa.Column("grant_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state IN ('PENDING', 'APPROVED', 'REJECTED')", name="proposals_state_known"),
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> proposed_by", name="proposals_four_eyes"),
        sa.PrimaryKeyConstraint("id"),
        schema=SCHEMA,
    )
    op.create_index("proposals_by_state", "proposals", ["state", "id"], unique=False, schema=SCHEMA)


def create_stamps() -> None:
    op.create_table(
        "stamps",
        sa.Column("subject", text_key(255), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("sessions_from", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject"),
        schema=SCHEMA,
    )


def create_teams() -> None:
    op.create_table(
        "teams",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("formed_by", sa.Text(), nullable=False),
        sa.Column("formed_at", MOMENT, nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema=SCHEMA,
    )


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


def widen() -> None:
    op.add_column("grants", sa.Column("through", sa.BigInteger(), nullable=True), schema=SCHEMA)
    op.add_column("grants", sa.Column("team", sa.BigInteger(), nullable=True), schema=SCHEMA)
    op.create_index("grants_by_team", "grants", ["team"], unique=False, schema=SCHEMA)
    op.create_index("grants_by_through", "grants", ["through"], unique=False, schema=SCHEMA)
    op.add_column("policy_version", sa.Column("tree", sa.BigInteger(), server_default="0", nullable=False), schema=SCHEMA)


def upgrade() -> None:
    create_audit_heads()
    create_grants_ended()
    create_proposals()
    create_stamps()
    create_teams()
    create_service_keys()
    widen()
    op.execute(f"UPDATE {SCHEMA}.grants SET path = path || '*' WHERE path LIKE '%~%/'")  # noqa: S608 -- a constant
