"""Random policies and questions near their rows, so that most questions are worth asking; and both written as text.

The tree has codes that are beginnings of others, on purpose.
"""

from dataclasses import replace
from random import Random

from authz.policy import ACTIONS, ROLES, actions
from supervision.grant import Grant
from tests.authz.oracle import Extent, Held, Place, Tenant

PROVINCE, OTHER = Tenant("620000"), Tenant("630000")
CITY, LONGER, SIBLING = Tenant("620100", PROVINCE), Tenant("620100100", PROVINCE), Tenant("620200", PROVINCE)
COUNTY, NEXT = Tenant("620102", CITY), Tenant("620103", CITY)
TOWN = Tenant("620102001", COUNTY)
TENANTS = (PROVINCE, CITY, LONGER, SIBLING, COUNTY, NEXT, TOWN, OTHER)
DEPARTMENTS, CASES, SOURCES, KINDS = ("A", "B", "AB"), (1, 2, 12), ("w", "wabo"), ("applied", "fee_paid")
SUBJECTS = ("u1", "u2", "u11")
PLACES = tuple(
    [Place(tenant) for tenant in TENANTS]
    + [Place(tenant, department) for tenant in TENANTS for department in DEPARTMENTS]
    + [Place(tenant, department, case) for tenant in TENANTS for department in (*DEPARTMENTS, None) for case in CASES]
    + [Place(tenant, source=source, kind=kind) for tenant in TENANTS for source in SOURCES for kind in KINDS]
)
ALLOWED_EXTENTS = tuple(extent for extent in Extent if extent is not Extent.CASE)
DENIED_EXTENTS = tuple(extent for extent in Extent if extent not in (Extent.ITSELF, Extent.SOURCE, Extent.KIND))
WATCHERS = ("supervisor", "inspector", "clerk", "head", "pii_reader")


def held(r: Random) -> Held:
    """A row that allows, mostly of those who watch."""
    begins = r.randint(0, 4)
    role = r.choice(WATCHERS) if r.random() < 0.7 else r.choice(sorted(ROLES))
    extent = r.choice((Extent.SOURCE, Extent.KIND)) if role == "integrator" and r.random() < 0.6 else r.choice(ALLOWED_EXTENTS)
    return shaped(r, Held(r.choice(SUBJECTS), role, r.choice(TENANTS), extent, begins=begins, ends=begins + r.randint(1, 6)))


def shaped(r: Random, row: Held) -> Held:
    """With what its extent is of."""
    if row.extent in (Extent.DEPARTMENT, Extent.LINE):
        return replace(row, of=r.choice(DEPARTMENTS))
    if row.extent is Extent.CASE:
        return replace(row, of=r.choice(CASES))
    if row.extent in (Extent.SOURCE, Extent.KIND):
        return replace(row, of=r.choice(SOURCES), kind=r.choice(KINDS) if row.extent is Extent.KIND else "")
    return row


def denial(r: Random, near: Held) -> Held:
    """A row that denies, near one that allows; most are recusals."""
    where = r.choice([tenant for tenant in TENANTS if near.tenant in tenant.upwards()])
    role = "recused" if r.random() < 0.8 else near.role
    begins = r.randint(0, 3)
    row = Held(near.subject, role, where, r.choice(DENIED_EXTENTS[1:]), begins=begins, ends=begins + r.randint(2, 8), allow=False)
    return shaped(r, row)


def policy(r: Random) -> list[Held]:
    rows = []
    for _ in range(r.randint(1, 10)):
        rows.append(row := held(r))
        if r.random() < 0.35:
            rows.append(denial(r, row))
    return rows


def question(r: Random, rows: list[Held]) -> tuple[str, str, Place, int]:
    """Who, what, where, when: three of four near a row."""
    near = r.choice(rows)
    if r.random() < 0.2 or not actions(near.role):
        return r.choice(SUBJECTS), r.choice(sorted(ACTIONS)), r.choice(PLACES), r.randint(0, 11)
    tenants = [tenant for tenant in TENANTS if near.tenant in tenant.upwards()] if near.extent in BELOW else [near.tenant]
    places = [place for place in PLACES if place.tenant in tenants]
    if near.extent in (Extent.DEPARTMENT, Extent.LINE):
        places = [place for place in places if place.department == near.of]
    elif near.extent in (Extent.SOURCE, Extent.KIND):
        places = [place for place in places if place.source == near.of]
    at = r.randint(near.begins, near.ends - 1) if r.random() < 0.8 else r.choice((near.begins - 1, near.ends))
    return near.subject, r.choice(sorted(actions(near.role))), r.choice(places), max(0, at)


BELOW = (Extent.BELOW, Extent.LINE, Extent.EVERYWHERE)


def tenant_text(tenant: Tenant) -> str:
    return "".join(f"{one.code}/" for one in reversed(list(tenant.upwards())))


def path_text(place: Place) -> str:
    """The place as the policy spells it."""
    inside = f"@{place.department}/" if place.department else ""
    inside += f"#{place.case}/" if place.case else ""
    inside += f"~{place.source}/!{place.kind}/" if place.source else ""
    return tenant_text(place.tenant) + inside


ENDINGS = {
    Extent.BELOW: "*", Extent.OWN: "@/*", Extent.ITSELF: "", Extent.DEPARTMENT: "@{0}/*", Extent.LINE: "*/@{0}/*",
    Extent.CASE: "#{0}/*", Extent.SOURCE: "~{0}/*", Extent.KIND: "~{0}/!{1}/",
}  # fmt: skip


def grant(row: Held, number: int) -> Grant:
    """The row as the policy spells it."""
    path = "*" if row.extent is Extent.EVERYWHERE else tenant_text(row.tenant) + ENDINGS[row.extent].format(row.of, row.kind)
    effect = "allow" if row.allow else "deny"
    return Grant(
        subject=row.subject, role=row.role, path=path, not_before=row.begins, expires=row.ends, effect=effect, id=number
    )  # fmt: skip
