"""The first tables of the registry: tenants, grants, the policy's version, published special days."""

import sqlalchemy as sa
from alembic import op

from migrations.columns import KEY, MOMENT, SCHEMA, text_key

revision = "pre_0001"
down_revision = None
branch_labels = None
depends_on = None


def create_grants() -> None:
    op.create_table(
        "grants",
        sa.Column("id", KEY, nullable=False),
        sa.Column("subject", text_key(255), nullable=False),
        sa.Column("role", text_key(64), nullable=False),
        sa.Column("path", text_key(512), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("effect", sa.String(length=5), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.Column("granted_at", MOMENT, nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.CheckConstraint("effect IN ('allow', 'deny')", name="grants_effect_known"),
        sa.CheckConstraint("path = '*' OR path LIKE '%/' OR path LIKE '%/*'", name="grants_path_ends_in_slash"),
        sa.CheckConstraint("role <> 'recused' OR effect = 'deny'", name="grants_recusal_denies"),
        sa.CheckConstraint("not_before >= 0 AND not_before < expires", name="grants_begin_before_they_end"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("subject", "role", "path", "effect", "not_before", "expires", name="grants_once"),
        schema=SCHEMA,
    )


def create_policy_version() -> None:
    op.create_table(
        "policy_version",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name="policy_version_is_one_row"),
        sa.PrimaryKeyConstraint("id"),
        schema=SCHEMA,
    )


def create_special_days() -> None:
    op.create_table(
        "special_days",
        sa.Column("day", text_key(10), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("in_lieu", sa.Boolean(), nullable=False),
        sa.CheckConstraint("kind IN ('holiday', 'adjusted_workday')", name="special_days_kind_known"),
        sa.PrimaryKeyConstraint("day"),
        schema=SCHEMA,
    )
    op.create_index("special_days_by_year", "special_days", ["year"], unique=False, schema=SCHEMA)


def create_tenants() -> None:
    op.create_table(
        "tenants",
        sa.Column("code", text_key(12), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("parent", text_key(12), nullable=True),
        sa.Column("path", text_key(255), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("revision", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("provisioned_at", MOMENT, nullable=True),
        sa.CheckConstraint("path LIKE '%/'", name="tenants_path_ends_in_slash"),
        sa.CheckConstraint(
            "state <> 'ACTIVE' OR (source IS NOT NULL AND revision IS NOT NULL)", name="tenants_active_is_somewhere"
        ),
        sa.CheckConstraint("state IN ('PROVISIONING', 'ACTIVE', 'BROKEN', 'RETIRED')", name="tenants_state_known"),
        sa.ForeignKeyConstraint(["parent"], ["tenant_schema.tenants.code"], name="tenants_parent_fkey"),
        sa.PrimaryKeyConstraint("code"),
        schema=SCHEMA,
    )
    op.create_index("tenants_by_path", "tenants", ["path"], unique=True, schema=SCHEMA)


def upgrade() -> None:
    create_grants()
    create_policy_version()
    create_special_days()
    create_tenants()
    op.execute(f"INSERT INTO {SCHEMA}.policy_version (id, version) VALUES (1, 1)")  # noqa: S608 -- two constants
