"""The audit log with triggers that let nobody change or remove an entry; the materials of power items."""

import sqlalchemy as sa
from alembic import op

from migrations.columns import KEY, MOMENT, SCHEMA, text_key

revision = "pre_0002"
down_revision = "pre_0001"
branch_labels = None
depends_on = None


def create_audit_entries() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("request_id", text_key(64), nullable=False),
        sa.Column("actor", text_key(255), nullable=False),
        sa.Column("session", sa.Text(), nullable=False),
        sa.Column("action", text_key(64), nullable=False),
        sa.Column("outcome", text_key(16), nullable=False),
        sa.Column("entity", text_key(64), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("cases", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.BigInteger(), nullable=True),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema=SCHEMA,
    )
    op.create_index("audit_entries_by_actor", "audit_entries", ["actor", "at", "id"], unique=False, schema=SCHEMA)
    op.create_index("audit_entries_by_at", "audit_entries", ["at", "id"], unique=False, schema=SCHEMA)


def create_audit_cases() -> None:
    op.create_table(
        "audit_cases",
        sa.Column("case_id", KEY, autoincrement=False, nullable=False),
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", text_key(255), nullable=False),
        sa.Column("action", text_key(64), nullable=False),
        sa.Column("outcome", text_key(16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "id"),
        schema=SCHEMA,
        sqlite_with_rowid=False,
    )
    op.create_index("audit_cases_by_entry", "audit_cases", ["id", "case_id"], unique=False, schema=SCHEMA)


FUNCTION = f"""CREATE FUNCTION {SCHEMA}.audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'what is in the audit log stays as it is'; END $$"""


def guard(table: str) -> None:
    """What stands in the table stays as it is."""
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON {SCHEMA}.{table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {SCHEMA}.audit_stays()"
        )
        return
    for what in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {SCHEMA}.{table}_no_{what.lower()} BEFORE {what} ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'what is in the audit log stays as it is'); END"
        )


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


def upgrade() -> None:
    create_item_materials()
    create_audit_entries()
    create_audit_cases()
    if op.get_context().dialect.name == "postgresql":
        op.execute(FUNCTION)
    for table in ("audit_entries", "audit_cases"):
        guard(table)
