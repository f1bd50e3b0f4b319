"""An ordinary GraphQL server over the rows of a world: graphql-core's own executor, a resolver a field, no SQL.

Built from the printed schema alone, so that it shares nothing with the product but the SDL.
"""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from graphql import GraphQLResolveInfo, build_schema, execute_sync, parse

from tests.schema.world import CODES, NOW, TREE, Row, World, light_of

PRINTED = build_schema((Path(__file__).parents[2] / "schema.graphql").read_text())
CAMEL = {"eventCount": "events", "stopCount": "stops"}


def snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


class Ordinary:
    """Answers by resolvers. `visible`: the tenants that the asker may see."""

    def __init__(self, world: World, visible: Iterable[str] = CODES) -> None:
        self.world, self.visible = world, frozenset(visible)

    def answer(self, text: str, variables: dict[str, Any]) -> dict[str, Any] | None:
        result = execute_sync(PRINTED, parse(text), field_resolver=self.resolve, type_resolver=type_of, variable_values=variables)
        if result.errors:
            raise result.errors[0]
        return result.data

    def resolve(self, source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        type_name, name = info.parent_type.name, info.field_name
        own = getattr(self, f"{type_name.lower()}_{snake(name)}", None) or getattr(self, f"any_{name}", None)
        return own(source, **arguments) if own is not None else source[CAMEL.get(name, snake(name))]

    def query_tenant(self, _: Any, code: Any) -> Row | None:
        return self.tenant(str(code))

    def query_tenants(self, _: Any, within: Any = None, below: bool = True, level: str | None = None, **page: Any) -> Row:
        codes = [c for c in self.meant(within, below) if level in (None, TREE.divisions[c].level.value)]
        return connection([self.tenant(code) for code in codes if code in self.visible], page)

    def query_cases(self, _: Any, within: Any = None, below: bool = True, **asked: Any) -> Row:
        return self.cases(self.meant(within, below), asked)

    def query_case(self, _: Any, tenant: Any, no: str) -> Row | None:
        return next((row for row in self.world.cases([str(tenant)]) if row["no"] == no), None)

    def query_node(self, _: Any, id: str) -> Row | None:  # noqa: A002
        type_name, code, *row = id.split(":")
        if type_name == "Tenant":
            return self.tenant(code)
        table = {"Case": "cases", "Department": "departments", "Officer": "officers", "PowerItem": "power_items"}[type_name]
        return next(({**one, "type": type_name} for one in self.world.children(code, table, "id", int(row[0]))), None)

    def tenant(self, code: str) -> Row | None:
        division = TREE.divisions[code]
        return {"code": code, "name": division.name, "level": division.level.value, "type": "Tenant", "tenant": code}

    def meant(self, within: Any, below: bool) -> Iterable[str]:
        return CODES if within is None else TREE.subtree(str(within)) if below else (str(within),)

    def cases(self, codes: Iterable[str], asked: Row) -> Row:
        where, order = asked.get("where") or {}, asked.get("orderBy") or {}
        found = [row for row in self.world.cases(c for c in codes if c in self.visible) if fits(row, where)]
        key = snake(order.get("field", "DUE_AT").lower())
        descending = order.get("direction") == "DESC"
        found.sort(key=lambda row: (row[key] is not None, row[key] or 0, row["tenant"], row["id"]), reverse=descending)
        return connection([row for row in found if row[key] is not None] + [row for row in found if row[key] is None], asked)

    def any_id(self, row: Row) -> str:
        return f"{row['type']}:{row['tenant']}" + (f":{row['id']}" if row["type"] != "Tenant" else "")

    def tenant_parent(self, row: Row) -> Row | None:
        parent = TREE.divisions[row["code"]].parent
        return self.tenant(parent) if parent in self.visible else None

    def tenant_children(self, row: Row, level: str | None = None, **page: Any) -> Row:
        codes = [c for c in TREE.children(row["code"]) if level in (None, TREE.divisions[c].level.value) and c in self.visible]
        return connection([self.tenant(code) for code in codes], page)

    def tenant_cases(self, row: Row, below: bool = False, **asked: Any) -> Row:
        return self.cases(self.meant(row["code"], below), asked)

    def tenant_case(self, row: Row, no: str) -> Row | None:
        return self.query_case(None, row["code"], no)

    def tenant_departments(self, row: Row, **page: Any) -> Row:
        return self.listed(row, "departments", "Department", page)

    def tenant_officers(self, row: Row, **page: Any) -> Row:
        return self.listed(row, "officers", "Officer", page)

    def tenant_items(self, row: Row, **page: Any) -> Row:
        return self.listed(row, "power_items", "PowerItem", page)

    def tenant_availability(self, row: Row) -> Row:
        return {"state": "AVAILABLE", "code": None, "message": None}

    def listed(self, row: Row, table: str, type_name: str, page: Row) -> Row:
        rows = [{"tenant": row["code"], "type": type_name, **one} for one in self.world.rows[row["code"]][table]]
        return connection(sorted(rows, key=lambda one: str(one["code"])), page)

    def case_tenant(self, row: Row) -> Row | None:
        return self.tenant(row["tenant"])

    def case_id(self, row: Row) -> str:
        return f"Case:{row['tenant']}:{row['id']}"

    def case_light(self, row: Row) -> str | None:
        return light_of(row)

    def case_applicant(self, row: Row) -> Row:
        return {name.removeprefix("applicant_"): value for name, value in row.items() if name.startswith("applicant_")}

    def any_department(self, row: Row) -> Row | None:
        return self.one(row, "departments", "Department", row["department_id"])

    def case_item(self, row: Row) -> Row | None:
        return self.one(row, "power_items", "PowerItem", row["item_id"])

    def one(self, row: Row, table: str, type_name: str, key: Any) -> Row | None:
        return next(({**found, "type": type_name} for found in self.world.children(row["tenant"], table, "id", key)), None)

    def case_events(self, row: Row, first: int = 20) -> list[Row]:
        found = self.world.children(row["tenant"], "case_events", "case_id", row["id"])
        found.sort(key=lambda e: (e["occurred_at"], e["seq"] is None, e["seq"] or 0, e["event_id"]))
        return found[:first]

    def caseevent_kind(self, row: Row) -> str:
        return str(row["kind"]).upper()

    def case_stops(self, row: Row, first: int = 20) -> list[Row]:
        return self.world.children(row["tenant"], "clock_stops", "case_id", row["id"])[:first]

    def case_fees(self, row: Row, first: int = 20) -> list[Row]:
        return self.world.children(row["tenant"], "fees", "case_id", row["id"])[:first]

    def case_lookups(self, row: Row, first: int = 20) -> None:
        """Nobody in this world may see them."""

    def poweritem_steps(self, row: Row, first: int = 20) -> list[Row]:
        return self.world.children(row["tenant"], "item_steps", "item_id", row["id"])[:first]

    def poweritem_fees(self, row: Row, first: int = 20) -> list[Row]:
        return self.world.children(row["tenant"], "item_fees", "item_id", row["id"])[:first]

    def poweritem_materials(self, row: Row, first: int = 20) -> list[Row]:
        return self.world.children(row["tenant"], "item_materials", "item_id", row["id"])[:first]


def type_of(row: Row, *_: Any) -> str:
    return str(row.get("type", "Case"))


def connection(rows: list[Any], page: Row) -> Row:
    """Without cursors: those are opaque, and have tests of their own."""
    first, last = page.get("first"), page.get("last")
    shown = rows[len(rows) - min(last, len(rows)) :] if last is not None else rows[: 50 if first is None else first]
    more = len(rows) > len(shown)
    info = {"has_next_page": more and last is None, "has_previous_page": more and last is not None}
    edges = [{"node": row} for row in shown]
    missing = {"incomplete": [], "total_count_is_lower_bound": False, "as_of": NOW}
    return {"nodes": shown, "edges": edges, "page_info": info, "total_count": len(rows), **missing}


def among(value: Any, wanted: list[Any]) -> bool:
    return value in wanted


def fits(row: Row, where: Row) -> bool:
    """A few conditions, by hand."""
    checks = {
        "light": lambda wanted: light_of(row) in wanted,
        "state": lambda wanted: row["state"] in wanted,
        "kind": lambda wanted: row["kind"] in wanted,
        "channel": lambda wanted: row["channel"] in wanted,
        "department": lambda wanted: f"D{row['department_id']}" in wanted,
        "closed": lambda wanted: (row["closed_at"] is not None) is wanted,
        "stopped": lambda wanted: row["stopped"] is wanted,
        **{f"applicant{part.title()}": partial(among, row[f"applicant_{part}"]) for part in ("name", "idno", "phone")},
        "text": lambda wanted: wanted.lower() in row["no"].lower() or wanted.lower() in (row["title"] or "").lower(),
    }
    return all(checks[name](wanted) for name, wanted in where.items())
