"""What a question says about cases → conditions of a read. Knows the names of columns and conditions, and no SQL."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from supervision.faults import Refusal
from tenants.read.request import Filter, Order

Conditions: TypeAlias = list[Filter]
Known: TypeAlias = Mapping[str, Callable[[Any], Conditions]]
"""Field of a filter → its conditions."""


class FilterInvalid(Refusal):
    """This condition cannot be asked for."""

    code = "FILTER_INVALID"


def read_where(where: Mapping[str, Any] | None, known: Known | None = None) -> tuple[Filter, ...]:
    """All conditions of a `CaseFilter`, or of another that is `known`. A field that is null is a field that is not there."""
    given = [(name, value) for name, value in (where or {}).items() if value is not None]
    return tuple(condition for name, value in given for condition in (known or WHERE)[name](value))


DUE = Order("due_at")


def read_order(order: Mapping[str, Any] | None, otherwise: Order = DUE) -> Order:
    if not order:
        return otherwise
    return Order(order["field"].value, order["direction"].value == "DESC")


def plain(value: Any) -> Any:
    """Enumerations by value, texts without what no database can hold."""
    if isinstance(value, str):
        text = str(getattr(value, "value", value))
        if "\0" in text or (not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)):
            raise FilterInvalid("Leave NUL characters and lone surrogates out of texts.")
        return text
    return value


def among(column: str) -> Callable[[Any], Conditions]:
    return lambda values: [Filter(column, "in", tuple(plain(value) for value in values))]


def during(column: str) -> Callable[[Any], Conditions]:
    def conditions(span: Mapping[str, Any]) -> Conditions:
        ends = ((span.get("from"), "ge"), (span.get("before"), "lt"))
        return [Filter(column, op, moment) for moment, op in ends if moment is not None]

    return conditions


def present(column: str) -> Callable[[Any], Conditions]:
    return lambda wanted: [Filter(column, "is_null", not wanted)]


def truth(column: str) -> Callable[[Any], Conditions]:
    return lambda wanted: [Filter(column, "eq", wanted)]


def containing(text: str) -> Conditions:
    return [Filter("text", "contains", plain(text))]


def appealed(wanted: bool) -> Conditions:
    return [Filter("appeals", "gt" if wanted else "le", 0)]


def late(how: Any) -> Conditions:
    later, earlier = plain(how).split(">")
    return [Filter(later, "gt_column", earlier)]


def balance(how: Any) -> Conditions:
    return [Filter("balance", "balance", plain(how))]


def off_by(yuan: float) -> Conditions:
    return [Filter("balance", "off_by", float(yuan))]


INTERVALS = 8
"""Intervals of one question at most: each looks at two events of every case, and a hundred of them would outlast all patience."""


def intervals(asked: list[Mapping[str, Any]]) -> Conditions:
    if len(asked) > INTERVALS:
        raise FilterInvalid(f"Ask for {INTERVALS} intervals at most; these are {len(asked)}.")
    return [condition for one in asked for condition in interval(one)]


def interval(one: Mapping[str, Any]) -> Conditions:
    ends = mark(one["from"]), mark(one["to"])
    bounds = [(op, days) for op, days in (("gt", one.get("moreThanDays")), ("le", one.get("atMostDays"))) if days is not None]
    return [Filter("interval", "interval", (*ends, op, days)) for op, days in bounds or [("", 0)]]


def mark(value: Mapping[str, Any]) -> tuple[str, str]:
    """(`kind` or `step`, its code)."""
    event, step = value.get("event"), value.get("step")
    if (event is None) == (step is None):
        raise FilterInvalid("Name either an event or a step at each end of an interval.")
    return ("kind", plain(event)) if event is not None else ("step", plain(step))


LISTS = ("no", "state", "kind", "department", "item", "channel", "outcome", "officer", "step")
APPLICANT = ("name", "idno", "phone")
MOMENTS = ("applied_at", "accepted_at", "decided_at", "closed_at", "ended_at", "due_at", "updated_at")
PRESENT = {"accepted": "accepted_at", "decided": "decided_at", "closed": "closed_at", "ended": "ended_at", "limited": "due_at"}

WHERE: Known = {
    **{name: among(name) for name in LISTS},
    **{f"applicant{part.title()}": among(f"applicant_{part}") for part in APPLICANT},
    **{name.replace("_at", "At"): during(name) for name in MOMENTS},
    **{name: present(column) for name, column in PRESENT.items()},
    **{name: truth(name) for name in ("stopped", "provisional")},
    "light": among("light"),
    "text": containing,
    "appealed": appealed,
    "late": late,
    "balance": balance,
    "balanceOffBy": off_by,
    "interval": intervals,
}
"""Field of `CaseFilter` → its conditions."""

AUDIT: Known = {
    **{name: among(name) for name in ("actor", "action", "outcome")},
    "since": lambda moment: [Filter("at", "ge", moment)],
    "until": lambda moment: [Filter("at", "lt", moment)],
    "case": lambda no: [Filter("case", "concerning", plain(no))],
}
"""Field of `AuditFilter` → its conditions."""
