"""Column types as migrations spell them. Frozen: a migration of yesterday must make the same table tomorrow.

Knows nothing of the tables in code; a test compares the two.
"""

import sqlalchemy as sa

SCHEMA = "tenant_schema"
"""Stands for the tenant's (or the registry's) schema until the text is executed."""

MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def text_key(length: int) -> sa.String:
    """Text compared byte by byte."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")
