"""The tables of the registry: which tenants there are and where, who was granted what, which special days were published.

One registry serves a whole deployment; no case and no personal data beyond subjects' names stands in it. The schema
name in compiled text is replaced like a tenant's. Days are ISO text, moments UTC, grants' times epoch seconds.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)  # fmt: skip

from tenants.tables import TENANT, Moment, key, text_key

REGISTRY_SCHEMA = "registry"
"""The registry's schema where it lives in PostgreSQL (it may share a database with tenants)."""

registry_tables = MetaData(schema=TENANT)

tenants = Table(
    "tenants", registry_tables,
    Column("code", text_key(12), primary_key=True),
    Column("name", Text, nullable=False),
    Column("level", String(16), nullable=False),         # supervision.tree.Level
    Column("parent", text_key(12), ForeignKey(f"{TENANT}.tenants.code", name="tenants_parent_fkey")),
    Column("path", text_key(255), nullable=False),       # codes from the root down, each ending in `/`
    Column("source", Text),                              # URL of the place that holds it
    Column("state", String(16), nullable=False),         # tenants.registry.State
    Column("revision", String(64)),                      # of its database, as last seen by `provision`
    Column("reason", Text),                              # why it is BROKEN
    Column("provisioned_at", Moment),
    CheckConstraint("path LIKE '%/'", name="tenants_path_ends_in_slash"),
    CheckConstraint("state IN ('PROVISIONING', 'ACTIVE', 'BROKEN', 'RETIRED')", name="tenants_state_known"),
    CheckConstraint("state <> 'ACTIVE' OR (source IS NOT NULL AND revision IS NOT NULL)", name="tenants_active_is_somewhere"),
    Index("tenants_by_path", "path", unique=True),
)  # fmt: skip

grants = Table(
    "grants", registry_tables,
    Column("id", key, primary_key=True),
    Column("subject", text_key(255), nullable=False),
    Column("role", text_key(64), nullable=False),
    Column("path", text_key(512), nullable=False),       # `X/*`: X and everything below; `X/`: exactly X
    Column("not_before", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("effect", String(5), nullable=False),
    Column("reason", Text, nullable=False),
    Column("granted_by", Text, nullable=False),
    Column("granted_at", Moment, nullable=False),
    Column("demo", Boolean, nullable=False),             # made by `mingjing token`, not by an administrator
    Column("through", BigInteger),                       # the row that it hands on, and ends with: a delegation
    Column("team", BigInteger),                          # the special inspection group that it belongs to
    CheckConstraint("effect IN ('allow', 'deny')", name="grants_effect_known"),
    CheckConstraint("role <> 'recused' OR effect = 'deny'", name="grants_recusal_denies"),
    CheckConstraint("path = '*' OR path LIKE '%/' OR path LIKE '%/*'", name="grants_path_ends_in_slash"),
    CheckConstraint("not_before >= 0 AND not_before < expires", name="grants_begin_before_they_end"),
    UniqueConstraint("subject", "role", "path", "effect", "not_before", "expires", name="grants_once"),
    Index("grants_by_through", "through"),
    Index("grants_by_team", "team"),
)  # fmt: skip

grants_ended = Table(
    "grants_ended", registry_tables,                     # what was taken back, or went with its giver's: never changed again
    Column("id", key, primary_key=True, autoincrement=False),
    Column("subject", text_key(255), nullable=False),
    Column("role", text_key(64), nullable=False),
    Column("path", text_key(512), nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("effect", String(5), nullable=False),
    Column("reason", Text, nullable=False),
    Column("granted_by", Text, nullable=False),
    Column("granted_at", Moment, nullable=False),
    Column("through", BigInteger),
    Column("team", BigInteger),
    Column("ended_by", Text, nullable=False),
    Column("ended_at", Moment, nullable=False),
    Column("ended_because", Text, nullable=False),
    Index("grants_ended_by_subject", "subject", "id"),
)  # fmt: skip

teams = Table(
    "teams", registry_tables,                            # special inspection groups (专项检查组)
    Column("id", key, primary_key=True),
    Column("name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("formed_by", Text, nullable=False),
    Column("formed_at", Moment, nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
)  # fmt: skip

proposals = Table(
    "proposals", registry_tables,                        # grants that want a second administrator
    Column("id", key, primary_key=True),
    Column("subject", text_key(255), nullable=False),
    Column("role", text_key(64), nullable=False),
    Column("path", text_key(512), nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("proposed_by", text_key(255), nullable=False),
    Column("proposed_at", Moment, nullable=False),
    Column("state", String(16), nullable=False),
    Column("decided_by", text_key(255)),
    Column("decided_at", Moment),
    Column("decided_because", Text),
    Column("grant_id", BigInteger),                      # what it became
    Column("team", BigInteger),                          # the inspection group whose rows are decided together
    CheckConstraint("state IN ('PENDING', 'APPROVED', 'REJECTED')", name="proposals_state_known"),
    CheckConstraint("decided_by IS NULL OR decided_by <> proposed_by", name="proposals_four_eyes"),
    Index("proposals_by_state", "state", "id"),
    Index("proposals_by_team", "team"),
)  # fmt: skip

stamps = Table(
    "stamps", registry_tables,                           # of everyone whose rights ever changed
    Column("subject", text_key(255), primary_key=True),
    Column("version", BigInteger, nullable=False),       # of the policy, when they last did
    Column("sessions_from", BigInteger, nullable=False), # epoch seconds: tokens issued before are refused
)  # fmt: skip

policy_version = Table(
    "policy_version", registry_tables,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),       # raised by every change of anything here
    Column("tree", BigInteger, nullable=False, server_default="0"),  # the version at which tenants or days last changed
    CheckConstraint("id = 1", name="policy_version_is_one_row"),
)  # fmt: skip

special_days = Table(
    "special_days", registry_tables,
    Column("day", text_key(10), primary_key=True),
    Column("year", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("in_lieu", Boolean, nullable=False),
    CheckConstraint("kind IN ('holiday', 'adjusted_workday')", name="special_days_kind_known"),
    Index("special_days_by_year", "year"),
)  # fmt: skip

service_keys = Table(
    "service_keys", registry_tables,
    Column("kid", text_key(64), primary_key=True),       # the key's own thumbprint, RFC 7638
    Column("subject", text_key(255), nullable=False),    # `service:` and the account's name
    Column("jwk", Text, nullable=False),                 # the public key, RFC 7517
    Column("not_before", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("added_at", Moment, nullable=False),
    Column("reason", Text, nullable=False),
    CheckConstraint("not_before >= 0 AND not_before <= expires", name="service_keys_begin_before_they_end"),
    CheckConstraint("subject LIKE 'service:_%'", name="service_keys_are_of_accounts"),
)  # fmt: skip

audit_heads = Table(
    "audit_heads", registry_tables,                      # where each tenant's audit chain ends (authz.chain)
    Column("tenant", text_key(12), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("mac", LargeBinary(32), nullable=False),
    Column("at", Text, nullable=False),                  # as it was signed
    Column("signature", LargeBinary(32), nullable=False),
    CheckConstraint("number >= 0", name="audit_heads_number_counts"),
)  # fmt: skip
