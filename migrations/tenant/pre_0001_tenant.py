"""The first tables of a tenant: catalogue, cases, their events, stops and fees, quarantine, settings."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from migrations.columns import KEY, MOMENT, SCHEMA, text_key

revision = "pre_0001"
down_revision = None
branch_labels = None
depends_on = None


def create_departments() -> None:
    op.create_table(
        "departments",
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", text_key(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
        schema=SCHEMA,
    )


def create_quarantine() -> None:
    op.create_table(
        "quarantine",
        sa.Column("id", KEY, nullable=False),
        sa.Column("source", text_key(64), nullable=False),
        sa.Column("event_id", text_key(128), nullable=True),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.Column("settled_as", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "digest"),
        schema=SCHEMA,
    )
    op.create_index("quarantine_by_event", "quarantine", ["source", "event_id"], unique=False, schema=SCHEMA)
    op.create_index("quarantine_open", "quarantine", ["settled_at", "id"], unique=False, schema=SCHEMA)


def create_settings() -> None:
    op.create_table(
        "settings",
        sa.Column("name", text_key(64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        schema=SCHEMA,
    )


def create_officers() -> None:
    op.create_table(
        "officers",
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", text_key(64), nullable=False),
        sa.Column("department_id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=True),
        sa.Column("certificate", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["tenant_schema.departments.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
        schema=SCHEMA,
    )


def create_power_items() -> None:
    op.create_table(
        "power_items",
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", text_key(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("department_id", KEY, nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=True),
        sa.Column("statutory_days", sa.Integer(), nullable=True),
        sa.Column("promised_days", sa.Integer(), nullable=True),
        sa.Column("limit_unit", sa.Text(), nullable=False),
        sa.Column("effective_from", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["tenant_schema.departments.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code", "version"),
        schema=SCHEMA,
    )


def case_story() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", KEY, nullable=False),
        sa.Column("no", text_key(128), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("item_id", KEY, nullable=True),
        sa.Column("department_id", KEY, nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("applicant_name", sa.Text(), nullable=True),
        sa.Column("applicant_kind", sa.Text(), nullable=True),
        sa.Column("applicant_idno", sa.Text(), nullable=True),
        sa.Column("applicant_phone", sa.Text(), nullable=True),
        sa.Column("applicant_address", sa.Text(), nullable=True),
        sa.Column("officer", text_key(64), nullable=True),
        sa.Column("step", text_key(128), nullable=True),
        sa.Column("last_step_at", MOMENT, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("applied_at", MOMENT, nullable=True),
        sa.Column("accepted_at", MOMENT, nullable=True),
        sa.Column("refused_at", MOMENT, nullable=True),
        sa.Column("withdrawn_at", MOMENT, nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("delivered_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
    ]


def case_clock() -> list[sa.Column[Any]]:
    return [
        sa.Column("stated_due_at", MOMENT, nullable=True),
        sa.Column("planned_at", MOMENT, nullable=True),
        sa.Column("warn_at", MOMENT, nullable=True),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("red_at", MOMENT, nullable=True),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.Column("stopped_at", MOMENT, nullable=True),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("charged", sa.BigInteger(), nullable=False),
        sa.Column("penalty", sa.BigInteger(), nullable=False),
        sa.Column("paid", sa.BigInteger(), nullable=False),
        sa.Column("appeals", sa.Integer(), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("stops", sa.Integer(), nullable=False),
        sa.Column("first_event_at", MOMENT, nullable=False),
        sa.Column("last_event_at", MOMENT, nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=True),
        sa.Column("last_event_id", text_key(128), nullable=False),
        sa.Column("last_source", text_key(64), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
    ]


def create_cases() -> None:
    op.create_table(
        "cases",
        *case_story(),
        *case_clock(),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["tenant_schema.departments.id"],
        ),
        sa.ForeignKeyConstraint(
            ["item_id"],
            ["tenant_schema.power_items.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("no"),
        schema=SCHEMA,
    )
    op.create_index("cases_by_accepted", "cases", ["accepted_at", "id"], unique=False, schema=SCHEMA)
    op.create_index("cases_by_applied", "cases", ["applied_at", "id"], unique=False, schema=SCHEMA)
    op.create_index("cases_by_closed", "cases", ["closed_at", "id"], unique=False, schema=SCHEMA)
    op.create_index("cases_by_department_due", "cases", ["department_id", "due_at", "id"], unique=False, schema=SCHEMA)
    op.create_index("cases_by_due", "cases", ["due_at", "id"], unique=False, schema=SCHEMA)
    op.create_index("cases_by_state_due", "cases", ["state", "due_at", "id"], unique=False, schema=SCHEMA)
    op.create_index("cases_by_updated", "cases", ["updated_at", "id"], unique=False, schema=SCHEMA)


def create_item_fees() -> None:
    op.create_table(
        "item_fees",
        sa.Column("id", KEY, nullable=False),
        sa.Column("item_id", KEY, nullable=False),
        sa.Column("code", text_key(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["item_id"],
            ["tenant_schema.power_items.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("item_id", "code"),
        schema=SCHEMA,
    )


def create_item_steps() -> None:
    op.create_table(
        "item_steps",
        sa.Column("id", KEY, nullable=False),
        sa.Column("item_id", KEY, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("code", text_key(128), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=True),
        sa.Column("limit_days", sa.Integer(), nullable=True),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"],
            ["tenant_schema.power_items.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("item_id", "code"),
        schema=SCHEMA,
    )


def create_case_events() -> None:
    op.create_table(
        "case_events",
        sa.Column("id", KEY, nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("source", text_key(64), nullable=False),
        sa.Column("event_id", text_key(128), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("officer", text_key(64), nullable=True),
        sa.Column("step", text_key(128), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["tenant_schema.cases.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "event_id"),
        schema=SCHEMA,
    )
    op.create_index("case_events_by_case", "case_events", ["case_id", "occurred_at", "id"], unique=False, schema=SCHEMA)


def create_clock_stops() -> None:
    op.create_table(
        "clock_stops",
        sa.Column("id", KEY, nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("procedure", sa.Text(), nullable=False),
        sa.Column("stopped_at", MOMENT, nullable=False),
        sa.Column("resumed_at", MOMENT, nullable=True),
        sa.Column("limit_days", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["tenant_schema.cases.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("case_id", "position"),
        schema=SCHEMA,
    )


def create_fees() -> None:
    op.create_table(
        "fees",
        sa.Column("id", KEY, nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", text_key(64), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=True),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["tenant_schema.cases.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("case_id", "position"),
        schema=SCHEMA,
    )


def upgrade() -> None:
    create_departments()
    create_quarantine()
    create_settings()
    create_officers()
    create_power_items()
    create_cases()
    create_item_fees()
    create_item_steps()
    create_case_events()
    create_clock_stops()
    create_fees()
