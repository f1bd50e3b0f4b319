"""The tables of the public store: all that the public can ask for, and nothing else. Frozen by `supervision.manifest.FORM`.

A store is one SQLite file, written whole and read only. Codes and names are those of the tenants' catalogues; a count that is
null is withheld. Of a case there is a row that only its query code opens.
"""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, Table, Text

public_tables = MetaData()

publication = Table(
    "publication", public_tables,
    Column("number", Integer, primary_key=True),
    Column("gateway", Text, nullable=False),
    Column("created", Text, nullable=False),             # RFC 3339
)  # fmt: skip

tenants = Table(
    "tenants", public_tables,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("parent", Text, index=True),
    Column("ref", LargeBinary, nullable=False, unique=True),      # supervision.sealed.reference
)  # fmt: skip

departments = Table(
    "departments", public_tables,
    Column("tenant", Text, ForeignKey(tenants.c.code), primary_key=True),
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("ref", LargeBinary, nullable=False, unique=True),
)  # fmt: skip

items = Table(
    "items", public_tables,
    Column("id", Integer, primary_key=True),
    Column("tenant", Text, ForeignKey(tenants.c.code), nullable=False),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("department", Text),
    Column("legal_basis", Text),
    Column("statutory_days", Integer),
    Column("promised_days", Integer),
    Column("limit_unit", Text, nullable=False),
    Column("ref", LargeBinary, nullable=False, unique=True),
    Index("items_by_code", "tenant", "code", unique=True),
)  # fmt: skip

steps = Table(
    "steps", public_tables,
    Column("item", Integer, ForeignKey(items.c.id), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("limit_days", Integer),
)  # fmt: skip

fees = Table(
    "fees", public_tables,
    Column("item", Integer, ForeignKey(items.c.id), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("amount", Integer, nullable=False),           # fen
    Column("basis", Text),
)  # fmt: skip

materials = Table(
    "materials", public_tables,
    Column("item", Integer, ForeignKey(items.c.id), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("copies", Integer, nullable=False),
    Column("required", Boolean, nullable=False),
    Column("note", Text),
)  # fmt: skip

periods = Table(
    "periods", public_tables,
    Column("period", Text, primary_key=True),            # 2026-05, or 2026
    Column("threshold", Integer, nullable=False),
)  # fmt: skip

statistics = Table(
    "statistics", public_tables,
    Column("period", Text, ForeignKey(periods.c.period), primary_key=True),
    Column("level", Text, primary_key=True),             # empty in the row of the whole
    Column("tenant", Text, primary_key=True),            # empty in the row of a level
    Column("department", Text, primary_key=True),        # empty in the row of a tenant
    Column("applied", Integer),
    Column("closed", Integer),
    Column("green", Integer),
    Column("yellow", Integer),
    Column("red", Integer),
    Index("statistics_by_tenant", "tenant", "period"),
    sqlite_with_rowid=False,
)  # fmt: skip

progress = Table(
    "progress", public_tables,
    Column("hash", LargeBinary, primary_key=True),       # supervision.sealed.hashed
    Column("sealed", LargeBinary, nullable=False),
    sqlite_with_rowid=False,                             # in the order of the hashes, which says nothing
)  # fmt: skip
