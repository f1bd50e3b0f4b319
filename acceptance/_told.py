"""Every field of a case and of a tenant's catalogue: the selection that asks for all, and what the answer must be.

Each type is a table of fields; from it come the text of the selection and, out of a file's rows, the value expected.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from acceptance._brute import Row, World, light

MANY = 100
"""More children than any row of a demo has."""


def camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(map(str.capitalize, tail))


Value = Callable[[Row], Any]
Fields = dict[str, Value]


def plain(names: str) -> Fields:
    """Columns as they stand."""
    return {camel(name): lambda row, name=name: row[name] for name in names.split()}  # type: ignore[misc]


def moments(names: str) -> Fields:
    return {camel(name): lambda row, name=name: row[name] and f"{row[name]}Z" for name in names.split()}  # type: ignore[misc]


def truths(names: str) -> Fields:
    return {camel(name): lambda row, name=name: bool(row[name]) for name in names.split()}  # type: ignore[misc]


def stars(text: str | None, head: int, tail: int) -> str | None:
    """A supervisor sees the ends of a number, where it is long enough to have any."""
    if text is None or len(text) < head + tail + 4:
        return text and "*" * len(text)
    return f"{text[:head]}{'*' * (len(text) - head - tail)}{text[len(text) - tail :]}"


APPLICANT: Fields = {
    "name": lambda case: case["applicant_name"],
    "kind": lambda case: case["applicant_kind"],
    "idno": lambda case: stars(case["applicant_idno"], 4, 4),
    "phone": lambda case: stars(case["applicant_phone"], 3, 4),
    "address": lambda case: (
        case["applicant_address"] and (case["applicant_address"][:6] * (len(case["applicant_address"]) > 6) + "***")
    ),
}
EVENT: Fields = {
    **plain("event_id source seq officer step amount note"),
    **moments("occurred_at received_at"),
    "kind": lambda event: event["kind"].upper(),
}
STOP: Fields = plain("position procedure limit_days") | moments("stopped_at resumed_at")
FEE: Fields = plain("position kind code amount basis") | moments("occurred_at")
STEP: Fields = plain("position code name post limit_days") | truths("required")
STANDARD: Fields = plain("code name amount basis")
MATERIAL: Fields = plain("position code name form copies") | truths("required") | plain("note")
DEPARTMENT: Fields = plain("code name")
OFFICER: Fields = {**plain("code name post"), "certificate": lambda officer: stars(officer["certificate"], 4, 3)}
ITEM: Fields = plain("code version name kind legal_basis statutory_days promised_days limit_unit") | moments("effective_from")
CASE: Fields = {
    **plain("no kind title channel state outcome reason officer step charged penalty paid appeals rating"),
    **truths("stopped provisional"),
    **moments(
        "stopped_at applied_at accepted_at refused_at withdrawn_at decided_at closed_at delivered_at ended_at due_at warn_at"
    ),
    **moments("red_at stated_due_at planned_at last_step_at first_event_at last_event_at updated_at"),
    "eventCount": lambda case: case["events"],
    "stopCount": lambda case: case["stops"],
}


def flat(fields: Mapping[str, Value]) -> str:
    return " ".join(fields)


DEPARTMENT_TEXT = f"__typename id {flat(DEPARTMENT)}"
OFFICER_TEXT = f"id {flat(OFFICER)} department {{ {DEPARTMENT_TEXT} }}"
ITEM_TEXT = (
    f"id {flat(ITEM)} department {{ {DEPARTMENT_TEXT} }}"
    f" steps(first: {MANY}) {{ {flat(STEP)} }} fees(first: 20) {{ {flat(STANDARD)} }}"
    f" materials(first: {MANY}) {{ {flat(MATERIAL)} }}"
)
TENANT_TEXT = "id code name level parent { code }"
CASE_TEXT = (
    f"id {flat(CASE)} light tenant {{ {TENANT_TEXT} }} applicant {{ {flat(APPLICANT)} }} department {{ {DEPARTMENT_TEXT} }}"
    f" item {{ {ITEM_TEXT} }} events(first: {MANY}) {{ {flat(EVENT)} }} stops {{ {flat(STOP)} }} fees {{ {flat(FEE)} }}"
)


def told(fields: Mapping[str, Value], row: Row) -> Row:
    return {name: value(row) for name, value in fields.items()}


def department(tenant: str, row: Row | None) -> Row | None:
    return row and {"__typename": "Department", "id": f"Department:{tenant}:{row['id']}"} | told(DEPARTMENT, row)


def officer(tenant: str, row: Row) -> Row:
    return {"id": f"Officer:{tenant}:{row['id']}", "department": department(tenant, row["department"])} | told(OFFICER, row)


def item(tenant: str, row: Row | None) -> Row | None:
    return row and {
        **told(ITEM, row),
        "id": f"PowerItem:{tenant}:{row['id']}",
        "department": department(tenant, row["department"]),
        "steps": [told(STEP, step) for step in row["steps"]],
        "fees": [told(STANDARD, fee) for fee in row["fees"]],
        "materials": [told(MATERIAL, material) for material in row["materials"]],
    }


def tenant(world: World, seen: set[str], code: str) -> Row:
    row = world.tenants[code]
    parent = {"code": row["parent"]} if row["parent"] in seen else None
    return {"id": f"Tenant:{code}", "code": code, "name": row["name"], "level": row["level"], "parent": parent}


def case(world: World, seen: set[str], row: Row, now: datetime) -> Row:
    return {
        **told(CASE, row),
        "id": f"Case:{row['tenant']}:{row['id']}",
        "light": light(row, now),
        "tenant": tenant(world, seen, row["tenant"]),
        "applicant": told(APPLICANT, row),
        "department": department(row["tenant"], row["department"]),
        "item": item(row["tenant"], row["item"]),
        "events": [told(EVENT, event) for event in row["case_events"]],
        "stops": [told(STOP, stop) for stop in row["clock_stops"]],
        "fees": [told(FEE, fee) for fee in row["fees"]],
    }
