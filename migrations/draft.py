"""Drafts a revision: `python -m migrations.draft tenant pre 0002 "outbox"` writes the file, for a human to read and better.

It compares the tables in code with a database that the revisions so far have made. The split is by phase: `pre_`
revisions only add what old code does not see, and run before new code; `post_` ones take away or tighten, and
run when no old code is left.
"""

import sqlite3
import sys
from pathlib import Path
from typing import Any, Literal

from alembic.autogenerate import api, produce_migrations, render_python_code
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, create_engine, pool

from migrations.columns import SCHEMA
from tenants.provision import REGISTRY, TENANT_DATABASE, Migrations
from tenants.registry_tables import registry_tables
from tenants.tables import Moment, tables

HEAD = '''"""{told}."""

import sqlalchemy as sa
from alembic import op

from migrations.columns import KEY, MOMENT, SCHEMA, text_key

revision = "{revision}"
down_revision = {down!r}
branch_labels = None
depends_on = None


def upgrade() -> None:
    {body}
'''


def spell(kind: str, thing: Any, _context: api.AutogenContext) -> str | Literal[False]:
    """Our own column types by their frozen names."""
    if kind != "type":
        return False
    if isinstance(thing, Moment):
        return "MOMENT"
    variants = {name: str(variant) for name, variant in getattr(thing, "_variant_mapping", {}).items()}
    if "sqlite" in variants:
        return "KEY"
    return f"text_key({thing.length})" if "postgresql" in variants else False


def draft(migrations: Migrations, metadata: MetaData, revision: str, told: str) -> str:
    """The Python of a revision that leads from the last one to the tables in code."""
    made = sqlite3.connect(":memory:", check_same_thread=False)
    made.execute(f"ATTACH ':memory:' AS {SCHEMA}")
    down = migrations.head("post")
    if down is not None:
        made.executescript(migrations.raw("sqlite", None, down))
    engine = create_engine("sqlite://", creator=lambda: made, poolclass=pool.StaticPool)
    with engine.connect() as connection:
        opts = {"include_schemas": True, "compare_type": True, "render_item": spell, "version_table_schema": SCHEMA}
        context = MigrationContext.configure(connection, opts=opts)
        operations = produce_migrations(context, metadata).upgrade_ops
    assert operations is not None
    body = render_python_code(operations, render_item=spell).strip().replace(f"'{SCHEMA}'", "SCHEMA")
    return HEAD.format(told=told, revision=revision, down=down, body=body)


def main(room: str, phase: str, number: str, name: str) -> None:
    migrations, metadata = {"tenant": (TENANT_DATABASE, tables), "registry": (REGISTRY, registry_tables)}[room]
    revision = f"{phase}_{number}"
    file = Path(__file__).parent / room / f"{revision}_{name.replace(' ', '_')}.py"
    file.write_text(draft(migrations, metadata, revision, name.capitalize()), encoding="utf-8")
    sys.stdout.write(f"{file}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
