"""The tables of a tenant's database, and what each column holds. The only description of what a tenant holds.

Tenants are schemas in PostgreSQL and files in SQLite; the schema name below stands in compiled text until a
statement is written for a tenant. No column repeats the tenant's place in the tree. Moments are UTC; money is fen.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)  # fmt: skip

TENANT = "tenant_schema"
"""Stands for the tenant's schema in compiled text."""

tables = MetaData(schema=TENANT)
key = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite gives row ids to INTEGER primary keys only."""


def utc_text(moment: datetime) -> str:
    """How SQLite stores a moment: UTC without the `Z`, `2026-11-22T01:12:16[.000001]`.

    Without a closing letter the spellings with and without a fraction sort as the moments do (a prefix sorts
    first); with it `…16.5Z` would sort before `…16Z`. Reads append the `Z`, which gives what orjson writes.
    """
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat()


class Moment(TypeDecorator[datetime]):
    """A moment in UTC: `timestamptz` in PostgreSQL, sortable text in SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> Any:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else DateTime(timezone=True))


def text_key(length: int) -> String:
    """Text compared byte by byte in every database."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


departments = Table(
    "departments", tables,
    Column("id", key, primary_key=True),
    Column("code", text_key(64), nullable=False, unique=True),
    Column("name", Text, nullable=False),
)  # fmt: skip

officers = Table(
    "officers", tables,
    Column("id", key, primary_key=True),
    Column("code", text_key(64), nullable=False, unique=True),
    Column("department_id", key, ForeignKey(departments.c.id), nullable=False),
    Column("name", Text, nullable=False),
    Column("post", Text),
    Column("certificate", Text),        # 执法证号
)  # fmt: skip

power_items = Table(
    "power_items", tables,
    Column("id", key, primary_key=True),
    Column("code", text_key(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),                # supervision.catalogue.PowerKind
    Column("department_id", key, ForeignKey(departments.c.id), nullable=False),
    Column("legal_basis", Text),
    Column("statutory_days", Integer),                   # 法定时限
    Column("promised_days", Integer),                    # 承诺时限; what the clock runs by when it is set
    Column("limit_unit", Text, nullable=False),          # WORKING_DAY or CALENDAR_DAY
    Column("effective_from", Moment),                    # the version in force when a case was applied for counts
    UniqueConstraint("code", "version"),
)  # fmt: skip

item_steps = Table(
    "item_steps", tables,
    Column("id", key, primary_key=True),
    Column("item_id", key, ForeignKey(power_items.c.id), nullable=False),
    Column("position", Integer, nullable=False),
    Column("code", text_key(128), nullable=False),
    Column("name", Text, nullable=False),
    Column("post", Text),
    Column("limit_days", Integer),
    Column("required", Boolean, nullable=False),
    UniqueConstraint("item_id", "code"),
)  # fmt: skip

item_fees = Table(
    "item_fees", tables,
    Column("id", key, primary_key=True),
    Column("item_id", key, ForeignKey(power_items.c.id), nullable=False),
    Column("code", text_key(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),        # standard, fen
    Column("basis", Text),
    UniqueConstraint("item_id", "code"),
)  # fmt: skip

item_materials = Table(
    "item_materials", tables,
    Column("id", key, primary_key=True),
    Column("item_id", key, ForeignKey(power_items.c.id), nullable=False),
    Column("position", Integer, nullable=False),
    Column("code", text_key(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("form", Text, nullable=False),                # supervision.catalogue.MaterialForm
    Column("copies", Integer, nullable=False),
    Column("required", Boolean, nullable=False),
    Column("note", Text),
    UniqueConstraint("item_id", "code"),
)  # fmt: skip

cases = Table(
    "cases", tables,
    Column("id", key, primary_key=True),
    Column("no", text_key(128), nullable=False, unique=True),
    Column("state", Text, nullable=False),               # supervision.case.State
    Column("kind", Text),                                # of its item: PERMIT, PENALTY …
    Column("item_id", key, ForeignKey(power_items.c.id)),
    Column("department_id", key, ForeignKey(departments.c.id)),
    Column("title", Text),
    Column("channel", Text),
    Column("applicant_name", Text),
    Column("applicant_kind", Text),
    Column("applicant_idno", Text),
    Column("applicant_phone", Text),
    Column("applicant_address", Text),
    Column("officer", text_key(64)),                     # of the latest event that names one
    Column("step", text_key(128)),                       # of the latest step done
    Column("last_step_at", Moment),                      # when that was
    Column("outcome", Text),
    Column("reason", Text),
    Column("applied_at", Moment),
    Column("accepted_at", Moment),
    Column("refused_at", Moment),                        # 不受理, when it ended the clock
    Column("withdrawn_at", Moment),                      # 撤回, when it ended the clock
    Column("decided_at", Moment),
    Column("closed_at", Moment),                         # 办结
    Column("delivered_at", Moment),
    Column("ended_at", Moment),                          # the clock's end: first of decided, refused, withdrawn, closed
    Column("stated_due_at", Moment),                     # the limit as the sender states it
    Column("planned_at", Moment),
    Column("warn_at", Moment),
    Column("due_at", Moment),                            # the limit by our own clock, or as stated where the item has none
    Column("red_at", Moment),
    Column("stopped", Boolean, nullable=False),
    Column("stopped_at", Moment),
    Column("provisional", Boolean, nullable=False),      # the limit counts days of a year whose calendar is not published
    Column("charged", BigInteger, nullable=False),       # fees, fen
    Column("penalty", BigInteger, nullable=False),       # the latest penalty, fen
    Column("paid", BigInteger, nullable=False),
    Column("appeals", Integer, nullable=False),
    Column("rating", Integer),
    Column("events", Integer, nullable=False),
    Column("stops", Integer, nullable=False),
    Column("first_event_at", Moment, nullable=False),
    Column("last_event_at", Moment, nullable=False),     # with the next three: the place of the last event in the fold
    Column("last_seq", BigInteger),
    Column("last_event_id", text_key(128), nullable=False),
    Column("last_source", text_key(64), nullable=False),
    Column("updated_at", Moment, nullable=False),        # when a record last changed it
    Index("cases_by_due", "due_at", "id"),
    Index("cases_by_state_due", "state", "due_at", "id"),
    Index("cases_by_applied", "applied_at", "id"),
    Index("cases_by_accepted", "accepted_at", "id"),
    Index("cases_by_closed", "closed_at", "id"),
    Index("cases_by_updated", "updated_at", "id"),
    Index("cases_by_department_due", "department_id", "due_at", "id"),
)  # fmt: skip

case_events = Table(
    "case_events", tables,
    Column("id", key, primary_key=True),
    Column("case_id", key, ForeignKey(cases.c.id), nullable=False),
    Column("source", text_key(64), nullable=False),
    Column("event_id", text_key(128), nullable=False),
    Column("kind", Text, nullable=False),
    Column("occurred_at", Moment, nullable=False),
    Column("seq", BigInteger),
    Column("officer", text_key(64)),
    Column("step", text_key(128)),
    Column("amount", BigInteger),
    Column("note", Text),
    Column("body", Text, nullable=False),                # the event as sent, in one spelling (sorted keys); personal data
    Column("digest", LargeBinary(16), nullable=False),   # of body: the same id with another digest is a conflict
    Column("received_at", Moment, nullable=False),
    UniqueConstraint("source", "event_id"),
    Index("case_events_by_case", "case_id", "occurred_at", "id"),
)  # fmt: skip

clock_stops = Table(
    "clock_stops", tables,
    Column("id", key, primary_key=True),
    Column("case_id", key, ForeignKey(cases.c.id), nullable=False),
    Column("position", Integer, nullable=False),
    Column("procedure", Text, nullable=False),           # HEARING … or MATERIALS
    Column("stopped_at", Moment, nullable=False),
    Column("resumed_at", Moment),
    Column("limit_days", Integer),
    UniqueConstraint("case_id", "position"),
)  # fmt: skip

fees = Table(
    "fees", tables,
    Column("id", key, primary_key=True),
    Column("case_id", key, ForeignKey(cases.c.id), nullable=False),
    Column("position", Integer, nullable=False),
    Column("kind", Text, nullable=False),                # CHARGED, PAID
    Column("code", text_key(64)),
    Column("amount", BigInteger, nullable=False),
    Column("basis", Text),
    Column("occurred_at", Moment, nullable=False),
    UniqueConstraint("case_id", "position"),
)  # fmt: skip

quarantine = Table(
    "quarantine", tables,
    Column("id", key, primary_key=True),
    Column("source", text_key(64), nullable=False),
    Column("event_id", text_key(128)),
    Column("line", Text, nullable=False),                # as it came, cut at `ingest_quarantine_bytes`; personal data
    Column("digest", LargeBinary(16), nullable=False),   # of the whole line: what comes twice is kept once
    Column("code", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("settled_at", Moment),                        # corrected and taken, or set aside
    Column("settled_as", Text),                          # RESENT, DISMISSED
    UniqueConstraint("source", "digest"),
    Index("quarantine_open", "settled_at", "id"),
    Index("quarantine_by_event", "source", "event_id"),
)  # fmt: skip

settings = Table(
    "settings", tables,
    Column("name", text_key(64), primary_key=True),      # lights, local_holidays
    Column("value", Text, nullable=False),               # JSON
)  # fmt: skip

audit_entries = Table(
    "audit_entries", tables,                             # who saw what; triggers refuse every UPDATE and DELETE
    Column("id", key, primary_key=True, autoincrement=False),  # the entry's number in the chain: from 1, no gaps
    Column("at", Moment, nullable=False),
    Column("request_id", text_key(64), nullable=False),
    Column("actor", text_key(255), nullable=False),
    Column("session", Text, nullable=False),             # the token's id
    Column("action", text_key(64), nullable=False),
    Column("outcome", text_key(16), nullable=False),     # supervision.audit.Outcome
    Column("entity", text_key(64), nullable=False),
    Column("rows", Integer, nullable=False),             # how many of the entity
    Column("cases", Text, nullable=False),               # their ids, where they are cases, a space between
    Column("fields", Text, nullable=False),              # field classes that were open, a space between
    Column("reason", Text, nullable=False),
    Column("told", Text, nullable=False),                # what was changed, and into what
    Column("grant_id", BigInteger),                      # the deciding row of the policy …
    Column("because", Text, nullable=False),             # … as it stood
    Column("mac", LargeBinary(32), nullable=False),      # authz.chain
    Index("audit_entries_by_at", "at", "id"),
    Index("audit_entries_by_actor", "actor", "at", "id"),
)  # fmt: skip

audit_cases = Table(
    "audit_cases", tables,                               # the index of audit_entries by case; says nothing they do not
    Column("case_id", key, primary_key=True, autoincrement=False),
    Column("id", key, primary_key=True, autoincrement=False),  # the entry's number
    Column("at", Moment, nullable=False),
    Column("actor", text_key(255), nullable=False),
    Column("action", text_key(64), nullable=False),
    Column("outcome", text_key(16), nullable=False),
    Column("reason", Text, nullable=False),
    Index("audit_cases_by_entry", "id", "case_id"),
    sqlite_with_rowid=False,
)  # fmt: skip

halls = Table(
    "halls", tables,                                     # 政务大厅, 分中心
    Column("id", key, primary_key=True),
    Column("code", text_key(64), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),                # supervision.halls.HallKind
    Column("address", Text),
    Column("retired_at", Moment),
)  # fmt: skip

hall_windows = Table(
    "hall_windows", tables,
    Column("id", key, primary_key=True),
    Column("hall_id", key, ForeignKey(halls.c.id), nullable=False),
    Column("code", text_key(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("retired_at", Moment),
    UniqueConstraint("hall_id", "code"),
)  # fmt: skip

cameras = Table(
    "cameras", tables,
    Column("id", key, primary_key=True),
    Column("hall_id", key, ForeignKey(halls.c.id), nullable=False),
    Column("window_id", key, ForeignKey(hall_windows.c.id)),
    Column("department_id", key, ForeignKey(departments.c.id)),  # whose windows it sees; null: the hall as a whole
    Column("code", text_key(64), nullable=False, unique=True),   # never changes: the address is sealed for it
    Column("name", Text, nullable=False),
    Column("source", LargeBinary, nullable=False),       # its address, sealed (supervision.camera_seal)
    Column("scheme", text_key(16), nullable=False),      # of the address: all that is told of it
    Column("sees", Text),
    Column("sound", Boolean, nullable=False),
    Column("hours", Text, nullable=False),               # supervision.halls.read_hours; empty: always
    Column("privacy_zones", Text),
    Column("retired_at", Moment),
)  # fmt: skip

viewings = Table(
    "viewings", tables,
    Column("id", key, primary_key=True),
    Column("camera_id", key, ForeignKey(cameras.c.id), nullable=False),
    Column("department_id", key, ForeignKey(departments.c.id)),  # the camera's at the time
    Column("actor", text_key(255), nullable=False),
    Column("from_tenant", text_key(12), nullable=False),  # where the right was granted; empty: everywhere
    Column("from_level", text_key(16), nullable=False),
    Column("purpose", text_key(16), nullable=False),     # supervision.halls.Purpose
    Column("reason", Text, nullable=False),
    Column("gateway", text_key(128), nullable=False),    # which gateway shows it
    Column("began_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),           # when it was last known to go on
    Column("ended_at", Moment),
    Column("ended_as", text_key(16)),                    # supervision.halls.ViewingEnd
    Column("bytes", BigInteger, nullable=False),
    Index("viewings_by_began", "began_at", "id"),
    Index("viewings_open", "ended_at", "id"),
)  # fmt: skip

evidence = Table(
    "evidence", tables,
    Column("id", key, primary_key=True),
    Column("viewing_id", key, ForeignKey(viewings.c.id), nullable=False),
    Column("camera_id", key, ForeignKey(cameras.c.id), nullable=False),
    Column("department_id", key, ForeignKey(departments.c.id)),  # the viewing's
    Column("marked_by", text_key(255), nullable=False),
    Column("note", Text, nullable=False),
    Column("gateway", text_key(128), nullable=False),    # which gateway records it
    Column("marked_at", Moment, nullable=False),
    Column("state", text_key(16), nullable=False),       # supervision.evidence.EvidenceState
    Column("begins_at", Moment),
    Column("ends_at", Moment),
    Column("bytes", BigInteger),
    Column("pictures", Integer),
    Column("lost_pictures", Integer),                    # left out, for packets of them never came
    Column("sha256", text_key(64)),                      # of the file, which is named by it
    Column("sound", text_key(16)),                       # supervision.evidence.EvidenceSound
    Column("short", text_key(32)),                       # supervision.evidence.EvidenceShort
    Column("failure", text_key(64)),                     # the code of what kept it from being kept
    Column("keep_until", Moment, nullable=False),
    Column("deleted_at", Moment),
    Index("evidence_by_marked", "marked_at", "id"),
    Index("evidence_by_viewing", "viewing_id", "id"),
    Index("evidence_due", "state", "keep_until"),
)  # fmt: skip
