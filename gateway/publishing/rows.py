"""Rows of the public store out of what was read of the tenants: places, catalogues, the sealed progress of cases.

Takes over what is named here and nothing else, whatever else a row brings. Knows no database.
"""

from datetime import date, datetime, timedelta
from typing import Any

from gateway.config import Config
from gateway.publishing.periods import CHINA
from supervision.case import State
from supervision.query_code import canonical, query_code
from supervision.sealed import Progress, hashed, reference, seal

MOMENT = timedelta(microseconds=1)
"""A limit ends with the midnight after its last day; the day is what is told."""


class Sealing:
    """Rows of cases into rows of the store."""

    def __init__(self, config: Config) -> None:
        self._code_key, self._public_key = config.query_code_key(), config.public_key()

    def row(self, tenant: str, case: dict[str, Any], items: dict[tuple[str, int], str]) -> tuple[bytes, bytes]:
        """The hash under which a case stands, and what stands there."""
        code = canonical(query_code(self._code_key, tenant, case["no"])) or ""
        item = items.get((tenant, case["item_id"]), "")
        applied, accepted, due, closed = (moment(case[f"{name}_at"]) for name in ("applied", "accepted", "due", "closed"))
        progress = Progress(
            State(case["state"]),
            reference(tenant),
            reference(tenant, case["department"] or ""),
            reference(tenant, "item", item),
            day(applied),
            day(accepted),
            None if due is None else day(due - MOMENT),
            day(closed),
        )
        return hashed(self._public_key, code), seal(self._public_key, code, progress)


def moment(told: str | datetime | None) -> datetime | None:
    """As either database gives it."""
    return datetime.fromisoformat(told) if isinstance(told, str) else told


def day(at: datetime | None) -> date | None:
    """The day of Beijing time."""
    return None if at is None else at.astimezone(CHINA).date()


def item_codes(told: dict[str, Any]) -> dict[tuple[str, int], str]:
    """(tenant, id of an item's version) → the item's code."""
    return {(tenant, item["id"]): item["code"] for tenant, content in told.items() for item in content["items"]}


def place(code: str, name: str, level: str, parent: str | None, known: dict[str, str | None]) -> dict[str, Any]:
    """A tenant's row; its parent where that is published too."""
    return {
        "code": code,
        "name": name,
        "level": level,
        "parent": parent if parent in known else None,
        "ref": reference(code),
    }


def catalogue_rows(told: dict[str, Any], now: datetime) -> dict[str, list[dict[str, Any]]]:
    """Departments, and the items in force with what belongs to them."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in ("departments", "items", "steps", "fees", "materials")}
    for tenant, content in told.items():
        found["departments"] += [{**one, "tenant": tenant, "ref": reference(tenant, one["code"])} for one in content["departments"]]
        for item in in_force(content["items"], now):
            number = len(found["items"]) + 1
            found["items"].append({**item, "id": number, "tenant": tenant, "ref": reference(tenant, "item", item["code"])})
            for name in ("steps", "fees", "materials"):
                found[name] += [{**one, "item": number, "position": n} for n, one in enumerate(item[name], 1)]
    for row in found["materials"]:
        row["required"] = bool(row["required"])
    return {name: [_only(row, name) for row in rows] for name, rows in found.items()}


def _only(row: dict[str, Any], name: str) -> dict[str, Any]:
    leave = {"items": ("version", "effective_from", "steps", "fees", "materials")}.get(name, ())
    return {key: value for key, value in row.items() if key not in leave}


def in_force(versions: list[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """Of each item the version that is in force; an item that is yet to come is not told."""
    best: dict[str, tuple[tuple[str, int], dict[str, Any]]] = {}
    for item in versions:
        since = item["effective_from"] or ""
        if since and datetime.fromisoformat(since) > now:
            continue
        rank = since, item["version"]
        if item["code"] not in best or rank > best[item["code"]][0]:
            best[item["code"]] = rank, item
    return [item for _, item in best.values()]
