"""A real registry and real tenants' databases in which every field of the schema has a value, in every place of the matrix.

The truth is told from the rows as they were written, spelled by hand as the API spells values; nothing of `schema` is used.
"""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt

from gateway.signing import demo_signing
from supervision.audit import Entry
from supervision.grant import FOREVER, Grant
from supervision.tree import Division, Level
from tenants.administration import Proposed, proposed
from tenants.policy_rows import Granted
from tenants.provision import prepare_registry, provision
from tenants.registry import Registry
from tests.audit.places import Asking, house
from tests.authz.test_matrix import CELLS
from tests.door.small import configured
from tests.schema.world import fill

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
TREE = (
    Division("620000", "甘肃省", Level.PROVINCE, None),
    Division("620100", "兰州市", Level.CITY, "620000"),
    Division("620102", "城关区", Level.COUNTY, "620100"),
    Division("620102001", "酒泉路街道", Level.TOWNSHIP, "620102"),
    Division("620200", "嘉峪关市", Level.CITY, "620000"),
    Division("620201", "镜铁区", Level.COUNTY, "620200"),
)
DIVISIONS = {division.code: division for division in TREE}
PLACES = {
    "own": ("620100", "A"),
    "other": ("620100", "B"),
    "below": ("620102", "A"),
    "sibling": ("620200", "A"),
    "above": ("620000", "A"),
}
"""Where somebody of 620100 (of its department A) stands to a place: a tenant and a department of it."""
GRANTED = {cell.role: cell.row for cell in CELLS}
"""Every role, and the row at which it is granted, as in `tests/authz/matrix.tsv`."""
ASKERS = (*GRANTED, "supervisor+pii_reader", "nobody")
"""Somebody of every role, one with two, and one without any."""
WATCHERS = (
    Grant(subject="witness", role="supervisor", path="620000/*"),
    Grant(subject="witness", role="pii_reader", path="620000/*"),
    Grant(subject="chief", role="policy_admin", path="620000/*"),
    Grant(subject="deputy", role="policy_admin", path="620000/*"),
)
SETTINGS: Mapping[str, Any] = {
    "four_eyes": tuple(level.value for level in Level), "rows_max": 10_000_000, "query_tokens": 100_000, "query_fields": 100_000,
    "query_roots": 1_000, "query_aliases": 1_000, "answer_within": 60.0, "patience": 30.0,
    "document_cache_bytes": 2_000_000_000,
}  # fmt: skip
"""What one question may ask is tested elsewhere; here one asks for everything at once."""

ANY = object()
"""A value that is not known beforehand: whatever is told is the truth."""


class Door(Asking):
    """The front door, for people whose tokens have an id."""

    def scope(self, subject: str, request: str = "r1") -> dict[str, Any]:
        signing, now = demo_signing(self.house.config), int(self.house.clock())
        claims = {"sub": subject, "iss": signing.issuer, "aud": signing.audience, "iat": now, "nbf": now, "exp": now + 600}
        token = jwt.encode(claims | {"jti": f"token of {subject}"}, signing.material, signing.algorithm)
        scope = super().scope(subject, request)
        return scope | {"headers": [(b"authorization", f"Bearer {token}".encode()), *scope["headers"][1:]]}


@asynccontextmanager
async def door(folder: Path, clock: Callable[[], float] = time.time) -> AsyncIterator[Door]:
    async with house(configured(folder, **SETTINGS), clock) as at:
        yield Door(at.house, at.lines)


class Thing(dict[str, Any]):
    """What there is to know of one object: field → its true value, or other things. `place`: whose it is."""

    def __init__(self, type_name: str, place: str, **fields: Any) -> None:
        super().__init__(fields)
        self.type_name, self.place = type_name, place


def path_of(tenant: str) -> str:
    parent = DIVISIONS[tenant].parent
    return (path_of(parent) if parent else "") + tenant + "/"


def moment(n: int) -> datetime:
    return NOW - timedelta(days=60) + timedelta(hours=n)


def spelled(value: Any) -> Any:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def told(row: Mapping[str, Any], *but: str) -> dict[str, Any]:
    """A row's values as the API spells them; keys to other rows are left out."""
    return {camel(name): spelled(value) for name, value in row.items() if name not in but and not name.endswith("_id")}


def rows_of(tenant: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of a tenant, by table: departments A and B (ids 1 and 2), and one of everything in each."""
    made: dict[str, list[dict[str, Any]]] = {}
    made |= {table: [row] for table, row in hall_rows(tenant).items()}
    for number, code in ((1, "A"), (2, "B")):
        for table, row in rows_of_department(number, f"{tenant}{code}", code).items():
            made.setdefault(table, []).append(row)
    return made


def rows_of_department(d: int, mark: str, code: str) -> dict[str, dict[str, Any]]:
    id_, of_case, of_item = {"id": d}, {"case_id": d, "position": d}, {"item_id": d}
    item = {"code": f"I{code}", "version": 1, "name": f"事项 {mark}", "kind": "PERMIT", "department_id": d}
    event = {"source": "wabo", "event_id": f"E-{mark}", "kind": "fee_charged", "occurred_at": moment(1), "seq": 7}
    return {
        "departments": id_ | {"code": code, "name": f"部门 {mark}"},
        "officers": id_ | {"code": f"O{code}", "department_id": d, "name": f"经办 {mark}", "post": f"岗位 {mark}",
                           "certificate": f"6201-{mark}-0007"},
        "power_items": id_ | item | {"legal_basis": f"法 {mark}", "statutory_days": 20, "promised_days": 10,
                                     "limit_unit": "WORKING_DAY", "effective_from": moment(-9000)},
        "item_steps": id_ | of_item | {"position": d, "code": f"S{code}", "name": f"环节 {mark}", "post": f"岗位 {mark}",
                                       "limit_days": 3, "required": True},
        "item_fees": id_ | of_item | {"code": f"F{code}", "name": f"费 {mark}", "amount": 2000 + d, "basis": f"依据 {mark}"},
        "item_materials": id_ | of_item | {"position": d, "code": f"M{code}", "name": f"材料 {mark}", "form": "COPY", "copies": 2,
                                           "required": True, "note": f"盖章 {mark}"},
        "cases": id_ | case(d, mark, code),
        "cameras": id_ | {"hall_id": 1, "window_id": 1, "department_id": d, "code": f"C{code}", "name": f"摄像机 {mark}",
                          "source": b"s", "scheme": "rtsp", "sees": f"柜台 {mark}", "sound": True, "hours": "08:30-17:30",
                          "privacy_zones": f"屏幕 {mark}", "retired_at": moment(6)},
        "viewings": id_ | {"camera_id": d, "department_id": d, "actor": f"watcher {mark}", "from_tenant": "620000",
                           "from_level": "PROVINCE", "purpose": "PATROL", "reason": f"巡查 {mark}", "gateway": "gw",
                           "began_at": moment(7), "seen_at": moment(8), "ended_at": moment(8), "ended_as": "LEFT",
                           "bytes": 6400 + d},
        "evidence": id_ | {"viewing_id": d, "camera_id": d, "department_id": d, "marked_by": f"watcher {mark}",
                           "note": f"无人值守 {mark}", "gateway": "gw", "marked_at": moment(8), "state": "KEPT",
                           "begins_at": moment(7), "ends_at": moment(9), "bytes": 7500 + d, "pictures": 3000 + d,
                           "lost_pictures": d, "sha256": f"{d:064}", "sound": "OPUS", "short": "SOURCE_LOST",
                           "failure": "EVIDENCE_LOST", "keep_until": moment(99), "deleted_at": moment(100)},
        "case_events": id_ | {"case_id": d} | event | {"officer": f"O{code}", "step": f"S{code}", "amount": 3100 + d,
                              "note": f"备注 {mark}", "body": "{}", "digest": b"0" * 16, "received_at": moment(2)},
        "clock_stops": id_ | of_case | {"procedure": "HEARING", "stopped_at": moment(3), "resumed_at": moment(4), "limit_days": 9},
        "fees": id_ | of_case | {"kind": "CHARGED", "code": f"F{code}", "amount": 3100 + d, "basis": f"依据 {mark}",
                                 "occurred_at": moment(5)},
    }  # fmt: skip


def hall_rows(tenant: str) -> dict[str, dict[str, Any]]:
    """A hall of the tenant as a whole, with a window."""
    named = {"id": 1, "retired_at": moment(6)}
    return {
        "halls": named | {"code": "H1", "name": f"大厅 {tenant}", "kind": "HALL", "address": f"一号 {tenant}"},
        "hall_windows": named | {"hall_id": 1, "code": "W1", "name": f"窗口 {tenant}"},
    }


DATES = (
    "applied_at", "accepted_at", "refused_at", "withdrawn_at", "decided_at", "warn_at", "due_at", "red_at", "stated_due_at",
    "planned_at", "stopped_at", "last_step_at", "closed_at", "ended_at", "delivered_at", "first_event_at", "last_event_at",
    "updated_at",
)  # fmt: skip
"""All there, red before its end: no real case has them all."""


def case(d: int, mark: str, code: str) -> dict[str, Any]:
    names = {"no": f"NO-{mark}", "state": "DELIVERED", "kind": "PERMIT", "item_id": d, "department_id": d, "title": f"标题 {mark}"}
    person = {"name": f"张三丰 {mark}", "kind": "PERSON", "idno": f"620102-{mark}-19900101", "phone": f"1380-{mark}-0001"}
    words = {"channel": f"窗口 {mark}", "officer": f"O{code}", "step": f"S{code}", "outcome": "准予", "reason": f"理由 {mark}"}
    amounts = {"charged": 3100 + d, "penalty": 4200 + d, "paid": 5300 + d, "appeals": d, "rating": 5, "events": 1, "stops": 1}
    last = {"last_seq": 7, "last_event_id": f"E-{mark}", "last_source": "wabo", "stopped": False, "provisional": True}
    address = {"applicant_address": f"甘肃省某市某路1号 {mark}"}
    dates = {name: moment(24 * n) for n, name in enumerate(DATES)}
    return names | {f"applicant_{k}": v for k, v in person.items()} | address | words | amounts | last | dates


def held(asker: str) -> list[Grant]:
    """The rows of an asker, named by their roles."""
    return [Grant(subject=asker, role=role, path=GRANTED[role]) for role in asker.split("+") if role in GRANTED]


async def prepared(folder: Path, *, provisioned: bool = True) -> None:
    """The registry, and the tenants' databases, empty so far. Without them: a world in which no tenant answers."""
    url = f"sqlite:///{folder / 'registry.db'}"
    await prepare_registry(url)
    registry = await Registry.open(url)
    await registry.import_tree(TREE)
    if provisioned:
        await provision(registry, list(DIVISIONS))
    for grant in (*WATCHERS, *(grant for asker in ASKERS for grant in held(asker))):
        await registry.grant(grant)
    await registry.close()


@dataclass(frozen=True)
class Stored:
    """What stands in the registry and in the logs, as it was read there by SQL."""

    grants: Mapping[str, Granted]
    entries: Mapping[str, list[Entry]]
    proposals: list[Proposed]


async def filled(at: Asking) -> None:
    """Rows into the tenants' databases; people who look, and who change the policy, through the front door."""
    for tenant in {tenant for tenant, _ in PLACES.values()}:
        async with at.source(tenant).write(tenant) as session:
            await fill(session, rows_of(tenant))
        await done(at, "witness", f"{{ cases(within: {tenant}, below: false) {{ nodes {{ no applicant {{ idno }} }} }} }}")
    for place in PLACES:
        await administer(at, place)


async def done(at: Asking, who: str, query: str) -> Any:
    answer = await at.ask(who, query, reason="年度检查")
    assert "errors" not in answer, answer
    return answer["data"]


async def administer(at: Asking, place: str) -> None:
    """Rows of the policy in a place, so that each field of a grant and a proposal has a value in one of them."""
    tenant, code = PLACES[place]
    span = 'from: "2020-01-01T00:00:00Z", until: "2090-01-01T00:00:00Z", reason: "x"'
    of = f'tenant: {tenant}, extent: DEPARTMENT, department: "{code}", {span}'
    change = "{ proposals { id } }"
    source = f'tenant: {tenant}, extent: SOURCE, source: "s{code}", eventKind: "applied", {span}'
    for wanted in (f'subject: "clerk-{place}", role: "clerk", {of}', f'subject: "sender-{place}", role: "integrator", {source}'):
        made = await done(at, "chief", f"mutation {{ grant(input: {{{wanted}}}) {change} }}")
        number = made["grant"]["proposals"][0]["id"]
        await done(at, "deputy", f'mutation {{ approve(proposal: {number}, reason: "right") {change} }}')
    handed = f'subject: "helper-{place}", role: "clerk", {of}'
    await done(at, f"clerk-{place}", f"mutation {{ delegate(input: {{{handed}}}) {change} }}")
    team = of.replace(f"tenant: {tenant}", f'name: "组", subjects: ["member-{place}"], tenants: [{tenant}]')
    group = await done(at, "chief", f"mutation {{ formTeam(input: {{{team}}}) {change} }}")
    number = group["formTeam"]["proposals"][0]["id"]
    await done(at, "deputy", f'mutation {{ approve(proposal: {number}, reason: "right") {change} }}')
    recusal = f'subject: "kin-{place}", tenant: {tenant}, caseNo: "NO-{tenant}{code}", {span}'
    await done(at, "chief", f"mutation {{ recuse(input: {{{recusal}}}) {change} }}")


async def stored(at: Asking) -> Stored:
    grants = {one.grant.subject: one for one in await at.house.registry.grants()}
    entries = {tenant: await at.entries(tenant) for tenant, _ in PLACES.values()}
    return Stored(grants, entries, await proposed(at.house.registry))


def extent(place: str, kind: str) -> dict[str, Any]:
    """How a row of the policy is told, by what it was made for."""
    tenant, code = PLACES[place]
    if kind == "kin":
        return {"tenant": tenant, "extent": "CASE", "caseId": str("AB".index(code) + 1), "effect": "DENY"}
    if kind == "sender":
        return {"tenant": tenant, "extent": "SOURCE", "source": f"s{code}", "eventKind": "applied", "effect": "ALLOW"}
    return {"tenant": tenant, "extent": "DEPARTMENT", "department": code, "effect": "ALLOW"}


def epoch(seconds: int) -> str | None:
    return None if seconds in (0, FOREVER) else spelled(datetime.fromtimestamp(seconds, UTC))


def utc(moment_: datetime | str) -> str:
    """A moment as a database spells it, as the API does."""
    text = moment_ if isinstance(moment_, str) else moment_.isoformat()
    return text.partition("+")[0].rstrip("Z").replace(" ", "T") + "Z"
