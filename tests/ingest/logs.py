"""The two public logs: what is known of them, the query behind each answer, and the same by brute force over their rows.

The brute force reads the files by itself and shares nothing with the product.
"""

import csv
import gzip
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

Ask = Callable[[str], Any]
"""Answers a query with its data."""

RECEIPT, FINES = "620102", "620100"
BEIJING = timezone(timedelta(hours=8))


@dataclass(frozen=True)
class Known:
    """One known answer: its name, what is asked (`cases` with a filter, or a summary), and what the logs say."""

    name: str
    query: str
    answer: Callable[[Any], Any]
    wanted: Any


def cases(where: str, tenant: str) -> str:
    return f'{{ cases(within: "{tenant}", below: false, where: {{{where}}}, first: 1) {{ totalCount }} }}'


def summary(by: str, tenant: str) -> str:
    return f'{{ summary(within: "{tenant}", below: false, by: [{by}]) {{ groups {{ {field_of(by)} count }} }} }}'


def field_of(by: str) -> str:
    first, *others = by.lower().split("_")
    return first + "".join(word.capitalize() for word in others)


def total(data: Any) -> int:
    return int(data["cases"]["totalCount"])


def grouped(by: str) -> Callable[[Any], dict[Any, int]]:
    return lambda data: {group[field_of(by)]: group["count"] for group in data["summary"]["groups"]}


def median_of_groups(data: Any) -> float:
    return float(median(Counter(grouped("LIMIT_DAYS")(data)).elements()))


CHANNELS = {"INTERNET": 1250, "DESK": 109, "POST": 53, "EMAIL": 21, "INTERNAL": 1}

RECEIPT_ANSWERS = (
    Known("cases", cases("", RECEIPT), total, 1434),
    Known("without an end date", cases("closed: false", RECEIPT), total, 105),
    Known("ended after the deadline", cases("late: CLOSED_AFTER_STATED_LIMIT", RECEIPT), total, 377),
    Known("ended after the planned date", cases("late: CLOSED_AFTER_PLANNED", RECEIPT), total, 389),
    Known("last event after the deadline", cases("late: LAST_STEP_AFTER_STATED_LIMIT", RECEIPT), total, 92),
    Known("median days from start to deadline", summary("LIMIT_DAYS", RECEIPT), median_of_groups, 55),
    Known("channels", summary("CHANNEL", RECEIPT), grouped("CHANNEL"), CHANNELS),
)

_SENT = 'interval: [{from: {event: APPLIED}, to: {step: "SEND_FINE"}%s}]'
_NOTIFIED = 'interval: [{from: {event: APPLIED}, to: {step: "NOTIFICATION"}, moreThanDays: 90}]'
_APPEALED = 'interval: [{from: {step: "NOTIFICATION"}, to: {step: "APPEAL_TO_PREFECTURE"}, moreThanDays: 60}]'
_APPEALS = 'interval: [{from: {event: APPLIED}, to: {step: "APPEAL_TO_PREFECTURE"}}]'

FINE_ANSWERS = (
    Known("cases", cases("", FINES), total, 150_370),
    Known("sent", cases(_SENT % "", FINES), total, 103_987),
    Known("sent more than 90 days after creation", cases(_SENT % ", moreThanDays: 90", FINES), total, 49_772),
    Known("notified more than 90 days after creation", cases(_NOTIFIED, FINES), total, 47_593),
    Known("appealed to the prefecture", cases(_APPEALS, FINES), total, 4_188),
    Known("appealed more than 60 days after notification", cases(_APPEALED, FINES), total, 582),
    Known("never paid", cases("balance: NOTHING_PAID", FINES), total, 80_656),
    Known("underpaid", cases("balance: UNDERPAID, balanceOffBy: 0.01", FINES), total, 9_207),
    Known("overpaid", cases("balance: OVERPAID, balanceOffBy: 0.01", FINES), total, 1_200),
    Known("underpaid, to the cent", cases("balance: UNDERPAID", FINES), total, 9_411),
    Known("overpaid, to the cent", cases("balance: OVERPAID", FINES), total, 1_213),
)


def rows(file: Path, only: int | None = None) -> list[dict[str, str]]:
    with gzip.open(file, "rt", encoding="utf-8", newline="") as text:
        return list(islice(csv.DictReader(text), only))


def by_hand(found: Sequence[Mapping[str, str]]) -> dict[str, int]:
    """The answers about fines, over these rows."""
    firsts, sums = defaultdict[str, dict[str, str]](dict), defaultdict[str, Counter[str]](Counter)
    for row in found:
        case, activity = row["case_id"], row["concept:name"]
        firsts[case].setdefault(activity, row["time:timestamp"])
        for column in ("expense", "amount", "totalPaymentAmount"):
            if row[column]:
                fen = round(float(row[column]) * 100)
                sums[case][column] = sums[case][column] + fen if column == "expense" else fen
    parts = {case: (one["amount"], one["expense"]) for case, one in sums.items()}
    due = {case: (one["totalPaymentAmount"], sum(parts[case]), parts[case]) for case, one in sums.items()}
    create, sent, told, appeal = "Create Fine", "Send Fine", "Insert Fine Notification", "Insert Date Appeal to Prefecture"
    return {
        "cases": len(firsts),
        "sent": sum(sent in one for one in firsts.values()),
        "sent more than 90 days after creation": longer(firsts.values(), create, sent, 90),
        "notified more than 90 days after creation": longer(firsts.values(), create, told, 90),
        "appealed to the prefecture": sum(appeal in one for one in firsts.values()),
        "appealed more than 60 days after notification": longer(firsts.values(), told, appeal, 60),
        "never paid": sum(paid == 0 for paid, _, _ in due.values()),
        "underpaid": sum(0 < paid < owed and off_by_a_cent(paid, *parts) for paid, owed, parts in due.values()),
        "overpaid": sum(paid > owed and off_by_a_cent(paid, *parts) for paid, owed, parts in due.values()),
        "underpaid, to the cent": sum(0 < paid < owed for paid, owed, _ in due.values()),
        "overpaid, to the cent": sum(paid > owed for paid, owed, _ in due.values()),
    }


def off_by_a_cent(paid: int, amount: int, expense: int) -> bool:
    """As the logs' own description counts: in binary floating point, where 46.01 - 46.0 is less than 0.01."""
    return abs(paid / 100 - (amount / 100 + expense / 100)) > 0.01


def longer(found: Iterable[Mapping[str, str]], begin: str, end: str, days: int) -> int:
    return sum((day(one[end]) - day(one[begin])).days > days for one in found if begin in one and end in one)


def day(text: str) -> Any:
    return datetime.fromisoformat(text).astimezone(BEIJING).date()


_DUMP = """
    SELECT c.*, i.code, d.code FROM cases c
    LEFT JOIN power_items i ON i.id = c.item_id LEFT JOIN departments d ON d.id = c.department_id ORDER BY c.no
"""
_DETAILS = {
    "clock_stops": "SELECT c.no, s.* FROM clock_stops s JOIN cases c ON c.id = s.case_id ORDER BY c.no, s.position",
    "fees": "SELECT c.no, f.* FROM fees f JOIN cases c ON c.id = f.case_id ORDER BY c.no, f.position",
}


def dumped(file: Path, left_out: Iterable[str] = ()) -> dict[str, list[tuple[Any, ...]]]:
    """All that a tenant's file says of its cases."""
    with sqlite3.connect(file) as connection:
        found = {name: _selected(connection, sql, left_out) for name, sql in {"cases": _DUMP, **_DETAILS}.items()}
    connection.close()
    return found


def _selected(connection: sqlite3.Connection, sql: str, left_out: Iterable[str]) -> list[tuple[Any, ...]]:
    cursor = connection.execute(sql)
    kept = [n for n, (name, *_) in enumerate(cursor.description) if name not in left_out]
    return [tuple(row[n] for n in kept) for row in cursor]


OF_ITS_WRITING = ("id", "item_id", "department_id", "case_id", "updated_at")
"""What two databases with the same cases may differ in."""


def events_in(file: Path) -> int:
    with sqlite3.connect(file) as connection:
        ((number,),) = connection.execute("SELECT count(*) FROM case_events")
    connection.close()
    return int(number)
