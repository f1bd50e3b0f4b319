"""Three people, one query: a province of 101 databases over HTTP, as its provincial, a city's and a county's supervisor.

Every page, count, group and nested field is compared with brute force over the same SQLite files; what is out of reach must be
answered like what does not exist. The lights are reckoned for the moment that each answer names.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Any

from acceptance import _told
from acceptance._brute import BEIJING, DIMENSIONS, MEASURES, Row, World, at, in_order, light, summed
from acceptance._figures import Figures, scratch
from acceptance._hidden import differing
from acceptance._served import Served, served

PEOPLE = {"620000": 101, "620100": 9, "620102": 1}
ORDERS = {
    "DUE_AT": "due_at", "APPLIED_AT": "applied_at", "ACCEPTED_AT": "accepted_at", "CLOSED_AT": "closed_at", "PAID": "paid",
    "LAST_EVENT_AT": "last_event_at", "UPDATED_AT": "updated_at", "NO": "no", "CHARGED": "charged", "PENALTY": "penalty",
}  # fmt: skip
FEW_ORDERS = ("DUE_AT", "CLOSED_AT", "CHARGED")
LOG = {"lookups"}
"""Who looked at a case: it grows with every question that is asked here, and has tests of its own."""
PAGING = "$first: Int, $after: String, $last: Int, $before: String"
PAGE = "first: $first, after: $after, last: $last, before: $before"
TOLD = "asOf incomplete { tenant } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
WALK = (
    f"query Q($order: CaseOrder, {PAGING}) {{ cases(orderBy: $order, {PAGE}) {{ {TOLD} edges {{ cursor node {{ id light }} }} }} }}"
)
WHOLE = f"query Q({PAGING}) {{ cases({PAGE}) {{ {TOLD} edges {{ cursor node {{ {_told.CASE_TEXT} }} }} }} }}"
TENANTS = f"query Q({PAGING}) {{ tenants({PAGE}) {{ {TOLD} edges {{ cursor node {{ id }} }} }} }}"


class Person:
    """A supervisor of a demo, and what must be seen."""

    def __init__(self, asked: Served, world: World, code: str) -> None:
        self.asked, self.world, self.code = asked, world, code
        self.codes = world.below(code)
        self.cases = world.cases(self.codes)

    def data(self, query: str, variables: dict[str, Any] | None = None) -> Any:
        return self.asked.data(self.code, query, variables)

    def pages(self, query: str, variables: dict[str, Any], size: int, backward: bool) -> Iterator[Any]:
        """The connections of a walk to its end, each as it came; what they say of themselves must fit their place."""
        cursor = None
        while True:
            window = {"last": size, "before": cursor} if backward else {"first": size, "after": cursor}
            found = next(iter(self.data(query, variables | window).values()))
            info, edges = found["pageInfo"], found["edges"]
            onward, back = ("hasPreviousPage", "hasNextPage") if backward else ("hasNextPage", "hasPreviousPage")
            ends = [edges[0]["cursor"], edges[-1]["cursor"]] if edges else [None, None]
            if [info["startCursor"], info["endCursor"]] != ends or info[back] != (cursor is not None) or found["incomplete"]:
                sys.exit(f"a page contradicts itself: {query} {variables} {window}: {info} {found['incomplete']}")
            yield found
            if not info[onward]:
                return
            cursor = ends[0] if backward else ends[1]


Checked = Counter[str]
"""What was compared, and how many differ (`wrong`)."""


def compare(checked: Checked, what: str, found: Any, wanted: Any) -> None:
    checked[what] += 1
    if found != wanted:
        checked["wrong"] += 1
        if checked["wrong"] <= 3:
            print(f"differs: {what}\n  found  {str(found)[:800]}\n  wanted {str(wanted)[:800]}", file=sys.stderr)


def walks(checked: Checked, person: Person, size: int, orders: Sequence[str]) -> None:
    """Every order, both directions, forward and backward."""
    for name in orders:
        for direction in ("ASC", "DESC"):
            wanted = in_order(person.cases, ORDERS[name], direction == "DESC")
            for backward in (False, True):
                order = {"order": {"field": name, "direction": direction}}
                found = walked(checked, person, WALK, order, size, backward)
                now = at(found[0].rstrip("Z")) if found else None
                nodes = [{"id": f"Case:{case['tenant']}:{case['id']}", "light": now and light(case, now)} for case in wanted]
                compare(checked, "walks", found[1:], nodes)


def walked(checked: Checked, person: Person, query: str, variables: dict[str, Any], size: int, backward: bool) -> list[Any]:
    """The moment of a walk, and its nodes in the order of the question."""
    pages = list(person.pages(query, variables, size, backward))
    compare(checked, "moments of a walk", len({page["asOf"] for page in pages}), 1)
    compare(checked, "full pages", {len(page["edges"]) for page in pages[:-1]} - {size}, set())
    checked["pages"] += len(pages)
    in_turn = reversed(pages) if backward else pages
    return [pages[0]["asOf"], *(edge["node"] for page in in_turn for edge in page["edges"])]


def tenants(checked: Checked, person: Person, size: int) -> None:
    """The walk over tenants, both ways; who is highest; who hangs below whom."""
    wanted = [{"id": f"Tenant:{code}"} for code in person.codes]
    for backward in (False, True):
        compare(checked, "walks over tenants", walked(checked, person, TENANTS, {}, size, backward)[1:], wanted)
    compare(checked, "viewer", person.data("{ viewer { tenants { code } } }")["viewer"]["tenants"], [{"code": person.code}])
    below = "{ tenants(first: 200) { totalCount nodes { code children(first: 100) { totalCount nodes { code } } } } }"
    found = person.data(below)["tenants"]
    compare(checked, "tenants", found["totalCount"], len(person.codes))
    for node in found["nodes"]:
        children = [code for code, row in person.world.tenants.items() if row["parent"] == node["code"]]
        compare(checked, "children", node["children"], {"totalCount": len(children), "nodes": [{"code": c} for c in children]})


def nested(checked: Checked, person: Person) -> None:
    """Every field of every case, and of whatever hangs on it."""
    seen, found = set(person.codes), walked(checked, person, WHOLE, {}, 100, False)
    wanted = in_order(person.cases, "due_at", False)
    compare(checked, "cases whole", len(found) - 1, len(wanted))
    for node, case in zip(found[1:], wanted, strict=False):
        compare(checked, "cases whole", node, _told.case(person.world, seen, case, at(found[0].rstrip("Z"))))


def fields(checked: Checked, person: Person) -> None:
    """That no field of these types was forgotten."""
    case = next(case for case in person.cases if case["item"])
    officer = person.world.files[case["tenant"]]["officers"][0]
    wanted = {
        "Case": _told.case(person.world, set(), case, at("2026-01-01")),
        "Officer": _told.officer(case["tenant"], officer),
        "PowerItem": _told.item(case["tenant"], case["item"]),
    }
    for name, told in wanted.items():
        found = person.data(f'{{ __type(name: "{name}") {{ fields {{ name }} }} }}')["__type"]["fields"]
        compare(checked, "types", {field["name"] for field in found} - LOG, set(told or ()))


OF_TENANT = f"""query Of($code: TenantCode!) {{ tenant(code: $code) {{ {_told.TENANT_TEXT} availability {{ state }}
  departments(first: 300) {{ totalCount nodes {{ {_told.DEPARTMENT_TEXT} }} }}
  officers(first: 1000) {{ totalCount nodes {{ {_told.OFFICER_TEXT} }} }}
  items(first: 300) {{ totalCount nodes {{ {_told.ITEM_TEXT} }} }}
  cases(first: 1, orderBy: {{field: NO}}) {{ totalCount nodes {{ no }} }} subtree: cases(below: true) {{ totalCount }}
  summary(by: [STATE]) {{ groups {{ state count }} }} }} }}"""


def of_tenants(checked: Checked, person: Person) -> None:
    """What hangs on each tenant."""
    for code in person.codes:
        found, held = person.data(OF_TENANT, {"code": code})["tenant"], person.world.files[code]
        cases, items = in_order(held["cases"], "no", False), sorted(held["power_items"], key=lambda row: (row["code"], row["id"]))
        states = sorted(Counter(case["state"] for case in cases).items())
        wanted = {
            **_told.tenant(person.world, set(person.codes), code),
            "availability": {"state": "AVAILABLE"},
            "departments": connection([_told.department(code, row) for row in sorted(held["departments"], key=by_code)]),
            "officers": connection([_told.officer(code, row) for row in sorted(held["officers"], key=by_code)]),
            "items": connection([_told.item(code, row) for row in items]),
            "cases": {"totalCount": len(cases), "nodes": [{"no": case["no"]} for case in cases[:1]]},
            "subtree": {"totalCount": len(person.world.cases(person.world.below(code)))},
            "summary": {"groups": [{"state": state, "count": count} for state, count in states]},
        }
        compare(checked, "tenants whole", found, wanted)


def by_code(row: Row) -> Any:
    return row["code"]


def connection(nodes: list[Any]) -> Row:
    return {"totalCount": len(nodes), "nodes": nodes}


def summaries(checked: Checked, person: Person, most: int) -> None:
    """By nothing, by every dimension, and by every set of them up to a size."""
    for by in (by for size in range(most + 1) for by in combinations(DIMENSIONS, size)):
        keys = [DIMENSIONS[name][0] for name in by]
        asked = " ".join("tenant { code }" if key == "tenant" else key for key in keys)
        of_each = f"{asked} {' '.join(MEASURES)}"
        text = f"{{ summary(by: [{' '.join(by)}]) {{ asOf isLowerBound incomplete {{ tenant }} groups {{ {of_each} }} }} }}"
        found = person.data(text)["summary"]
        groups = [tuple(of_group(group, key) for key in (*keys, *MEASURES)) for group in found["groups"]]
        compare(checked, "whole summaries", (found["isLowerBound"], found["incomplete"]), (False, []))
        compare(checked, "summaries", groups, summed(person.world, person.cases, by, at(found["asOf"].rstrip("Z"))))
        checked["groups"] += len(groups)


def of_group(group: Row, key: str) -> Any:
    return group[key]["code"] if key == "tenant" else group[key]


def late(later: str, earlier: str) -> Callable[[Row, Any], bool]:
    return lambda case, now: bool(case[later] and case[earlier] and at(case[later]) > at(case[earlier]))


def first_day(case: Row, kind: str) -> Any:
    days = [(at(event["occurred_at"]) + BEIJING).date() for event in case["case_events"] if event["kind"] == kind]
    return min(days, default=None)


def took_longer(case: Row, days: int) -> bool:
    begin, end = first_day(case, "applied"), first_day(case, "decided")
    return bool(begin and end and (end - begin).days > days)


CONDITIONS: dict[str, Callable[[Row, Any], bool]] = {
    "light: [RED]": lambda case, now: light(case, now) == "RED",
    "light: [NORMAL, YELLOW]": lambda case, now: light(case, now) in ("NORMAL", "YELLOW"),
    "state: [ACCEPTED, APPLIED]": lambda case, now: case["state"] in ("ACCEPTED", "APPLIED"),
    "kind: [PENALTY]": lambda case, now: case["kind"] == "PENALTY",
    'channel: ["WINDOW", "POST"]': lambda case, now: case["channel"] in ("WINDOW", "POST"),
    'outcome: ["APPROVED"]': lambda case, now: case["outcome"] == "APPROVED",
    'step: ["REVIEW"]': lambda case, now: case["step"] == "REVIEW",
    'text: "xk-2026"': lambda case, now: "xk-2026" in case["no"].lower() or "xk-2026" in (case["title"] or "").lower(),
    "ended: false": lambda case, now: case["ended_at"] is None,
    "closed: true": lambda case, now: case["closed_at"] is not None,
    "accepted: true": lambda case, now: case["accepted_at"] is not None,
    "decided: false": lambda case, now: case["decided_at"] is None,
    "limited: true": lambda case, now: case["due_at"] is not None,
    "stopped: true": lambda case, now: bool(case["stopped"]),
    "provisional: true": lambda case, now: bool(case["provisional"]),
    "appealed: true": lambda case, now: case["appeals"] > 0,
    "late: CLOSED_AFTER_STATED_LIMIT": late("closed_at", "stated_due_at"),
    "late: CLOSED_AFTER_OWN_LIMIT": late("closed_at", "due_at"),
    "late: CLOSED_AFTER_PLANNED": late("closed_at", "planned_at"),
    "late: LAST_STEP_AFTER_STATED_LIMIT": late("last_step_at", "stated_due_at"),
    "balance: UNDERPAID": lambda case, now: 0 < case["paid"] < case["charged"] + case["penalty"],
    "balance: OVERPAID": lambda case, now: case["paid"] > case["charged"] + case["penalty"],
    "balance: NEVER_PAID": lambda case, now: case["paid"] == 0 < case["charged"] + case["penalty"],
    "interval: [{from: {event: APPLIED}, to: {event: DECIDED}, moreThanDays: 5}]": lambda case, now: took_longer(case, 5),
    "ended: false, light: [RED], kind: [PERMIT]": lambda case, now: (
        case["ended_at"] is None and light(case, now) == "RED" and case["kind"] == "PERMIT"
    ),
}


def conditions(checked: Checked, person: Person) -> None:
    """Every kind of filter: how many, and which come first; of a tenant's department and item also."""
    common = [case for case in person.cases if case["item"]]
    department, item = common[0]["department"]["code"], common[-1]["item"]["code"]
    chosen: dict[str, Callable[[Row, Any], bool]] = {
        f'department: ["{department}"]': lambda case, now: (case["department"] or {}).get("code") == department,
        f'item: ["{item}", "?"]': lambda case, now: (case["item"] or {}).get("code") == item,
        f'officer: ["{common[0]["officer"]}"]': lambda case, now: case["officer"] == common[0]["officer"],
        f'no: ["{common[0]["no"]}", "{common[-1]["no"]}"]': lambda case, now: case["no"] in (common[0]["no"], common[-1]["no"]),
        'appliedAt: {from: "2026-10-01T00:00:00+08:00"}': lambda case, now: (
            bool(case["applied_at"]) and at(case["applied_at"]) >= at("2026-09-30T16:00:00")
        ),
    }
    for where, fits in (CONDITIONS | chosen).items():
        text = f"{{ cases(first: 50, where: {{{where}}}) {{ asOf totalCount totalCountIsLowerBound nodes {{ id }} }} }}"
        found = person.data(text)["cases"]
        now = at(found.pop("asOf").rstrip("Z"))
        cases = in_order([case for case in person.cases if fits(case, now)], "due_at", False)
        nodes = [{"id": f"Case:{case['tenant']}:{case['id']}"} for case in cases[:50]]
        checked["rows that fit a filter"] += len(cases)
        compare(checked, "filters", found, {"totalCount": len(cases), "totalCountIsLowerBound": False, "nodes": nodes})


def singles(checked: Checked, person: Person) -> None:
    """One case by number and by id; what is not there."""
    for case in person.cases[:: max(1, len(person.cases) // 30)]:
        text = "query One($t: TenantCode!, $no: String!, $id: ID!) { case(tenant: $t, no: $no) { id no } node(id: $id) { id } }"
        id_ = f"Case:{case['tenant']}:{case['id']}"
        found = person.data(text, {"t": case["tenant"], "no": case["no"], "id": id_})
        compare(checked, "single cases", found, {"case": {"id": id_, "no": case["no"]}, "node": {"id": id_}})
    nothing = person.data(f'{{ case(tenant: {person.code}, no: "?") {{ no }} node(id: "Case:{person.code}:999999999") {{ id }} }}')
    compare(checked, "single cases", nothing, {"case": None, "node": None})


def check(figures: Figures, person: Person, sizes: Sequence[int], most: int) -> None:
    """All of it as one person. `sizes`: of pages, the first for every order; `most`: dimensions of a summary at once."""
    checked: Checked = Counter()
    began = time.perf_counter()
    walks(checked, person, sizes[0], tuple(ORDERS))
    for size in sizes[1:]:
        walks(checked, person, size, FEW_ORDERS)
        tenants(checked, person, size)
    for part in (nested, fields, of_tenants, conditions, singles):
        part(checked, person)
    summaries(checked, person, most)
    who = f"{person.code} {person.world.tenants[person.code]['name']}"
    figures.say(f"{who}: compared", f"{' · '.join(f'{n:,} {what}' for what, n in checked.items() if what != 'wrong')}")
    figures.say(f"{who}: cases, seconds", f"{len(person.cases):,}, {time.perf_counter() - began:.0f}")
    figures.equal(f"{who}: differences from brute force", checked["wrong"], 0)


def hidden(figures: Figures, person: Person) -> None:
    """Siblings, superiors and strangers, in every field that takes a tenant."""
    others = [code for code in person.world.tenants if code not in person.codes]
    others = [*others[:12], *others[12::8], "620199", "110000"]
    compared, differ = differing(person.asked, person.code, others)
    figures.say(f"{person.code}: answers about {len(others)} others compared", f"{compared:,}")
    figures.equal(f"{person.code}: of them unlike those about none", differ, 0)


def main() -> None:
    figures = Figures()
    with scratch("people") as folder, served(folder / "data") as asked:
        world = World(folder / "data")
        figures.equal("tenants, databases", (len(world.tenants), len(list((folder / "data/tenants").glob("*.db")))), (101, 101))
        figures.equal("tokens", list(asked.tokens), list(PEOPLE))
        for code, seen in PEOPLE.items():
            person = Person(asked, world, code)
            figures.equal(f"{code}: tenants that must be seen", len(person.codes), seen)
            check(figures, person, {101: (1000, 97), 9: (200, 13)}.get(seen, (50, 7, 1)), 2)
            hidden(figures, person)
        figures.say("requests over HTTP", f"{asked.asked:,}")
    figures.end()


if __name__ == "__main__":
    main()
