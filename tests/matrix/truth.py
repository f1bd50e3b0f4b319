"""What there is to know in a place of the matrix, as things that point at each other, and the questions that ask for them."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from supervision.audit import Entry
from tenants.policy_rows import Granted
from tests.matrix.world import (
    ANY,
    DIVISIONS,
    PLACES,
    Stored,
    Thing,
    epoch,
    extent,
    hall_rows,
    rows_of_department,
    spelled,
    told,
    utc,
)

DIMENSIONS = "TENANT LEVEL DEPARTMENT ITEM KIND CHANNEL STATE OUTCOME LIGHT APPLIED_MONTH CLOSED_MONTH LIMIT_DAYS"
KINDS = ("clerk", "sender", "helper", "member", "kin")
"""For what the rows of the policy in a place were made; their subjects begin so."""


class Question(NamedTuple):
    """A field of the query with its arguments, under its key of the answer; and what is true of it."""

    key: str
    field: str
    arguments: str
    thing: Thing


def connection(of: str, place: str, nodes: Iterable[Thing]) -> Thing:
    nodes = list(nodes)
    edges = [Thing(f"{of}Edge", place, cursor=ANY, node=node) for node in nodes]
    page = Thing("PageInfo", place, hasNextPage=ANY, hasPreviousPage=ANY, startCursor=ANY, endCursor=ANY)
    counts = {"totalCount": ANY, "totalCountIsLowerBound": ANY, "incomplete": [], "asOf": ANY}
    return Thing(f"{of}Connection", place, nodes=nodes, edges=edges, pageInfo=page, **counts)


def tenant_thing(place: str) -> Thing:
    """The tenant itself. `other` is a department of a tenant: what hangs on the tenant, and not what it is."""
    code = PLACES[place][0]
    if place == "other":
        return Thing("Tenant", place)
    division = DIVISIONS[code]
    plain = {"id": f"Tenant:{code}", "code": code, "name": division.name, "level": division.level.value}
    availability = Thing("Availability", place, state="AVAILABLE")
    return Thing("Tenant", place, **plain, availability=availability)


def neighbour(code: str) -> Thing:
    """A tenant that is no place of the matrix: it is there, and that is all that is looked at."""
    return Thing("Tenant", "", code=code)


class Truth:
    """All things of all places. `stored`: what was read from the registry and the logs."""

    def __init__(self, stored: Stored) -> None:
        self.tenants = {place: tenant_thing(place) for place in PLACES}
        self.halls: dict[str, Thing] = {}
        self.grants = {place: self._grants(place, stored) for place in PLACES}
        self.proposals = {place: self._proposals(place, stored) for place in PLACES}
        self.entries = {place: self._entries(place, stored.entries[PLACES[place][0]]) for place in PLACES}
        self.rows = {place: self._rows(place, stored.entries[PLACES[place][0]]) for place in PLACES}
        for place in PLACES:
            self._hang(place)

    def _tenant(self, place: str) -> Thing:
        return self.tenants["own" if place == "other" else place]

    def _grants(self, place: str, stored: Stored) -> list[Thing]:
        return [grant_thing(place, kind, stored.grants[f"{kind}-{place}"]) for kind in KINDS]

    def _proposals(self, place: str, stored: Stored) -> list[Thing]:
        mine = [one for one in stored.proposals if one.subject.endswith(f"-{place}")]
        return [proposal_thing(place, stored.grants[one.subject], one) for one in mine]

    def _entries(self, place: str, entries: Iterable[Entry]) -> list[Thing]:
        """What the witness and the administrators left; of the tenant, not of a department."""
        return [] if place == "other" else [entry_thing(place, self._tenant(place), one) for one in seen(entries)]

    def _rows(self, place: str, entries: Iterable[Entry]) -> dict[str, Thing]:
        """One of everything that departments hold."""
        tenant, code = PLACES[place]
        d = "AB".index(code) + 1
        rows = rows_of_department(d, tenant + code, code)
        id_ = lambda name: {"id": f"{name}:{tenant}:{d}"}  # noqa: E731
        department = Thing("Department", place, **told(rows["departments"], "id"), **id_("Department"))
        officer = Thing("Officer", place, **told(rows["officers"], "id"), **id_("Officer"), department=department)
        hung = {
            "steps": [Thing("ItemStep", place, **told(rows["item_steps"], "id"))],
            "fees": [Thing("ItemFee", place, **told(rows["item_fees"], "id"))],
            "materials": [Thing("ItemMaterial", place, **told(rows["item_materials"], "id"))],
        }
        item = Thing("PowerItem", place, **told(rows["power_items"], "id"), **id_("PowerItem"), department=department, **hung)
        about = {"tenant": self._tenant(place), "department": department, "item": item, **id_("Case")}
        case = case_thing(place, rows, about)
        case["lookups"] = [lookup_thing(place, one) for one in seen(entries) if d in one.deed.cases]
        hall = self._hall(place)
        camera = Thing("Camera", place, **told(rows["cameras"], "id", "source"), **id_("Camera"), tenant=self._tenant(place))
        named = {name: hall[name] for name in ("code", "name", "kind", "address")}
        camera |= {"department": department, "hall": Thing("HallPlace", place, **named), "window": hall["windows"][0]}
        hall["cameras"].append(camera)
        viewing = Thing("Viewing", place, **told(rows["viewings"], "id", "gateway", "seen_at"), **id_("Viewing"))
        viewing |= {"tenant": self._tenant(place), "camera": camera, "fromTenant": "620000"}
        clip = Thing("Evidence", place, **told(rows["evidence"], "id", "gateway"), **id_("Evidence"), tenant=self._tenant(place))
        clip |= {"camera": camera, "viewing": viewing["id"], "url": f"/video/evidence/{tenant}-{d}"}
        viewing["evidence"] = [clip]
        made = {"Department": department, "Officer": officer, "PowerItem": item, "Case": case}
        return made | {"Camera": camera, "Viewing": viewing, "Evidence": clip}

    def _hall(self, place: str) -> Thing:
        """Of the tenant as a whole, whichever department is looked at."""
        of, rows = "own" if place == "other" else place, hall_rows(PLACES[place][0])
        if of not in self.halls:
            ids = {name: f"{name}:{PLACES[of][0]}:1" for name in ("Hall", "HallWindow")}
            window = Thing("HallWindow", of, **told(rows["hall_windows"], "id"), id=ids["HallWindow"])
            hall = Thing("Hall", of, **told(rows["halls"], "id"), id=ids["Hall"], tenant=self._tenant(place))
            self.halls[of] = hall
            hall |= {"windows": [window], "cameras": []}
        return self.halls[of]

    def _hang(self, place: str) -> None:
        """What hangs on the tenant."""
        tenant, _ = PLACES[place]
        thing, rows = self.tenants[place], self.rows[place]
        for name, of in (("departments", "Department"), ("officers", "Officer"), ("items", "PowerItem"), ("cases", "Case")):
            thing[name] = connection(of, place, [rows[of]])
        thing["case"], thing["summary"] = rows["Case"], self.summary(place)
        if place != "other":
            parent = DIVISIONS[tenant].parent
            near = {PLACES[other][0]: self.tenants[other] for other in PLACES if other != "other"}
            thing["parent"] = near[parent] if parent else None
            below = [near.get(one, neighbour(one)) for one, division in DIVISIONS.items() if division.parent == tenant]
            thing["children"] = connection("Tenant", place, below)

    def summary(self, place: str) -> Thing:
        tenant, code = PLACES[place]
        case = self.rows[place]["Case"]
        same = {name: case[name] for name in ("kind", "channel", "state", "outcome", "light", "charged", "penalty", "paid")}
        months = {"appliedMonth": case["appliedAt"][:7], "closedMonth": ANY, "limitDays": 8}
        group = Thing(
            "SummaryGroup", place, tenant=self._tenant(place), level=DIVISIONS[tenant].level.value, department=code,
            item=f"I{code}", **same, **months, count=1, overdue=1,
        )  # fmt: skip
        return Thing("Summary", place, groups=[group], isLowerBound=ANY, asOf=ANY, incomplete=[])

    def difference(self, place: str, subject: str, before: str, after: str) -> Thing:
        facts = {"subject": subject, "action": "case.view", "tenant": PLACES[place][0], "before": before, "after": after}
        return Thing("Difference", place, **facts)

    def questions(self, place: str) -> list[Question]:
        """Everything that can be asked of a place."""
        tenant, code = PLACES[place]
        inside, rows, grants = f"within: {tenant}, below: false", self.rows[place], self.grants[place]
        clerk = next(grant for grant in grants if grant["subject"] == f"clerk-{place}")
        of = f'where: {{department: ["{code}"]}}'
        change = f'subject: "newcomer", role: "clerk", tenant: {tenant}, extent: DEPARTMENT, department: "{code}", reason: "x"'
        asked = {
            "cases": (f"{inside}, {of}", connection("Case", place, [rows["Case"]])),
            "case": (f'tenant: {tenant}, no: "{rows["Case"]["no"]}"', rows["Case"]),
            "summary": (f"by: [{DIMENSIONS}], {inside}, {of}", self.summary(place)),
            "grants": (f"{inside}, first: 200", connection("Grant", place, grants)),
            "proposals": (f"{inside}, first: 200", connection("Proposal", place, self.proposals[place])),
            "explain": (
                f'actor: "clerk-{place}", action: "case.view", tenant: {tenant}, department: "{code}"',
                Thing("Explanation", place, allowed=True, because=ANY, row=clerk, toChange=ANY),
            ),
            "tenant": (f"code: {tenant}", self.tenants[place]),
        }
        asked["cameras"] = (f'{inside}, where: {{department: ["{code}"]}}', connection("Camera", place, [rows["Camera"]]))
        asked["viewings"] = (
            f'{inside}, where: {{actor: ["watcher {tenant}{code}"]}}',
            connection("Viewing", place, [rows["Viewing"]]),
        )
        asked["evidence"] = (
            f'{inside}, where: {{markedBy: ["watcher {tenant}{code}"]}}',
            connection("Evidence", place, [rows["Evidence"]]),
        )
        if place != "other":
            asked["halls"] = (inside, connection("Hall", place, [self.halls[place]]))
            asked["tenants"] = (inside, connection("Tenant", place, [self.tenants[place]]))
            who = f'{inside}, where: {{actor: ["witness", "chief", "deputy"]}}, first: 200'
            asked["auditEntries"] = (who, connection("AuditEntry", place, self.entries[place]))
        gives = Thing("PolicyDiff", place, gives=[self.difference(place, "newcomer", "NOTHING", "SOME")], isCut=ANY)
        less = self.difference(place, clerk["subject"], "SOME", "NOTHING")
        takes = Thing("PolicyDiff", place, takes=[less], ends=[one for one in grants if one["role"] == "clerk" and not one["team"]])
        nodes = {name: thing for name, thing in [*rows.items(), ("Tenant", self.tenants[place])] if "id" in thing}
        return [
            *(Question(name, name, arguments, thing) for name, (arguments, thing) in asked.items()),
            Question("gives", "policyDiff", f"change: {{grant: {{{change}}}}}", gives),
            Question("takes", "policyDiff", f"change: {{revoke: {clerk['id']}}}", takes),
            *(Question(f"node_{name}", "node", f'id: "{thing["id"]}"', thing) for name, thing in nodes.items()),
        ]


def viewer(place: str) -> Question:
    """About the asker: it has one place, where they are."""
    right = Thing("Right", place, action=ANY, tenantCount=ANY, top=ANY, partial=ANY)
    about = {"subject": ANY, "language": "en", "rights": [right], "tenants": [Thing("Tenant", "", code=ANY)]}
    return Question("viewer", "viewer", "", Thing("Viewer", place, **about))


def dark(place: str) -> list[Question]:
    """What there is to know of a tenant without a database: that it could not be asked, and why."""
    tenant, code = PLACES[place]
    inside, of = f"within: {tenant}, below: false", f'where: {{department: ["{code}"]}}'

    def lacking(name: str) -> Thing:
        return Thing(name, place, incomplete=[Thing("Incomplete", place, tenant=tenant, code=ANY, message=ANY)])

    why = Thing("Availability", place, state="PROVISIONING", code=ANY, message=ANY)
    pages = {"departments": "Department", "officers": "Officer", "items": "PowerItem", "cases": "Case"}
    hung = {name: lacking(f"{of}Connection") for name, of in pages.items()}
    return [
        Question("tenant", "tenant", f"code: {tenant}", Thing("Tenant", place, availability=why, **hung)),
        Question("cases", "cases", f"{inside}, {of}", lacking("CaseConnection")),
        Question("summary", "summary", f"by: [{DIMENSIONS}], {inside}, {of}", lacking("Summary")),
        Question("auditEntries", "auditEntries", inside, lacking("AuditEntryConnection")),
        *(Question(f"{of.lower()}s", f"{of.lower()}s", inside, lacking(f"{of}Connection")) for of in ("Hall", "Camera", "Viewing")),
        Question("evidence", "evidence", inside, lacking("EvidenceConnection")),
    ]


def seen(entries: Iterable[Entry]) -> list[Entry]:
    return [one for one in entries if one.deed.actor in ("witness", "chief", "deputy")]


def case_thing(place: str, rows: Mapping[str, Mapping[str, Any]], about: Mapping[str, Any]) -> Thing:
    row = dict(rows["cases"])
    applicant = {name.removeprefix("applicant_"): row.pop(name) for name in list(row) if name.startswith("applicant_")}
    counts = {"eventCount": row.pop("events"), "stopCount": row.pop("stops"), "light": "RED"}
    for internal in ("last_seq", "last_event_id", "last_source"):
        del row[internal]
    event = told(rows["case_events"], "id", "body", "digest") | {"eventId": rows["case_events"]["event_id"], "kind": "FEE_CHARGED"}
    hung = {
        "applicant": Thing("Applicant", place, **applicant),
        "events": [Thing("CaseEvent", place, **event)],
        "stops": [Thing("ClockStop", place, **told(rows["clock_stops"], "id"))],
        "fees": [Thing("Fee", place, **told(rows["fees"], "id"))],
    }
    return Thing("Case", place, **told(row, "id"), **counts, **hung, **about)


def grant_thing(place: str, kind: str, one: Granted) -> Thing:
    row = one.grant
    numbers = {"through": row.through and str(row.through), "team": row.team and str(row.team)}
    words = {name: getattr(row, name) for name in ("subject", "role", "path", "reason")}
    span = {"from": epoch(row.not_before), "until": epoch(row.expires)}
    by = {"grantedBy": row.granted_by, "grantedAt": utc(one.granted_at)}
    return Thing("Grant", place, id=str(row.id), **words, **span, **by, **numbers, **extent(place, kind))


def proposal_thing(place: str, made: Granted, one: Any) -> Thing:
    words = {name: getattr(one, name) for name in ("subject", "role", "path", "reason", "state")}
    span = {"from": epoch(one.not_before), "until": epoch(one.expires), "tenant": PLACES[place][0], "grant": str(made.grant.id)}
    who = {"proposedBy": one.proposed_by, "proposedAt": utc(one.proposed_at), "decidedBy": one.decided_by}
    decided = {"decidedAt": utc(one.decided_at), "decidedBecause": one.decided_because}
    decided["team"] = one.team and str(one.team)
    return Thing("Proposal", place, id=str(one.id), **words, **span, **who, **decided)


def entry_thing(place: str, tenant: Thing, one: Entry) -> Thing:
    deed = one.deed
    return Thing(
        "AuditEntry", place, number=one.number, tenant=tenant, at=utc(one.at), requestId=deed.request_id, actor=deed.actor,
        session=deed.session, action=deed.action, outcome=spelled(deed.outcome), entity=deed.entity, count=deed.rows,
        cases=[f"Case:{PLACES[place][0]}:{case}" for case in deed.cases], fields=list(deed.fields), reason=deed.reason,
        told=deed.told, grant=deed.grant_id and str(deed.grant_id), because=deed.because,
    )  # fmt: skip


def lookup_thing(place: str, one: Entry) -> Thing:
    deed = one.deed
    about = {"actor": deed.actor, "action": deed.action, "outcome": spelled(deed.outcome), "reason": deed.reason}
    return Thing("Lookup", place, number=one.number, at=utc(one.at), **about)
