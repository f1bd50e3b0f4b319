"""What a simulated government is made of: its departments, its officers, and the powers they hold.

The powers are facts (`powers.toml`); who works where is invented, the same for the same seed. A few catalogues
hold the faults that prior supervision (事前监察) looks for. Knows no cases and no database.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

from gateway.simulate.people import dice, person_name
from supervision.catalogue import FeeStandard, Item, LimitUnit, Material, MaterialForm, PowerKind, Step
from supervision.catalogue_file import Catalogue, Department, Officer
from supervision.tree import Level

Fact: TypeAlias = Mapping[str, Any]
"""A table of `powers.toml`."""

FACTS = Path(__file__).with_name("powers.toml")


@dataclass(frozen=True, slots=True)
class Power:
    """A power item (权力事项) and what a simulation adds: how often it is asked for, its special procedure (`special`),
    and the least and the most that its penalty may be (`tier`, fen)."""

    item: Item
    weight: int
    tier: tuple[int, int] | None
    special: str | None


@dataclass(frozen=True, slots=True)
class Office:
    """One tenant's government, as far as a simulation needs it. `staff`: department and post → officers."""

    code: str
    name: str
    level: Level
    departments: Mapping[str, str]
    powers: tuple[Power, ...]
    staff: Mapping[tuple[str, str], tuple[Officer, ...]]

    def catalogue(self) -> Catalogue:
        """As the office would register itself."""
        return Catalogue(
            departments=tuple(Department(code=code, name=name) for code, name in self.departments.items()),
            officers=tuple(officer for officers in self.staff.values() for officer in officers),
            items=tuple(power.item for power in self.powers),
        )


WINDOW = "窗口人员"
CHIEF = "审批人"
ENFORCING = ("办案人员", "执法人员")


def office(seed: int, code: str, name: str, level: Level) -> Office:
    """The government of one tenant."""
    rng = dice(seed, code, "office")
    held = tuple(power(flawed(rng, item)) for item in facts()["items"] if level in item["levels"].split())
    names = departments()
    own = {department: name + names[department] for department in dict.fromkeys(power.item.department for power in held)}
    return Office(code, name, level, own, held, staff(rng, code, held))


def flawed(rng: Random, item: Fact) -> Fact:
    """A few items without a legal basis, without a limit, or promising longer than the law allows."""
    throw = rng.random()
    if throw < 0.02:
        return {**item, "basis": None}
    if throw < 0.035:
        return {**item, "days": None, "promised": None}
    if throw < 0.055 and item.get("days") and item.get("promised"):
        return {**item, "promised": item["days"] + 5}
    return item


def post_of(step: Step) -> str:
    """The post that does a step; the window's where the catalogue names none."""
    return step.post or WINDOW


def staff(rng: Random, code: str, held: tuple[Power, ...]) -> dict[tuple[str, str], tuple[Officer, ...]]:
    """Two officers for every post of every department, and a third without a certificate where the law is enforced."""
    posts = sorted({(power.item.department, post_of(step)) for power in held for step in power.item.steps})
    posts += sorted({(power.item.department, post) for power in held for post in (WINDOW, CHIEF)})
    return {post: tuple(_officers(rng, code, *post, first=3 * place)) for place, post in enumerate(posts)}


def _officers(rng: Random, code: str, department: str, post: str, first: int) -> Iterator[Officer]:
    enforces = post in ENFORCING
    for number in range(first, first + (3 if enforces else 2)):
        certificate = f"{code[:4]}{rng.randrange(10**7):07d}" if enforces and number < first + 2 else None
        who = f"{department}-{number + 1:03d}"
        yield Officer(code=who, department=department, name=person_name(rng), post=post, certificate=certificate)


@cache
def facts() -> Fact:
    """`powers.toml`, read once."""
    return tomllib.loads(FACTS.read_text(encoding="utf-8"))


def departments() -> Mapping[str, str]:
    """Department code → name."""
    return dict(facts()["departments"])


def power(fact: Fact) -> Power:
    """An item of the facts, with the steps of its kind."""
    steps = facts()["steps"][fact["kind"]]
    item = Item(
        code=fact["code"],
        name=fact["name"],
        kind=PowerKind(fact["kind"]),
        department=fact["department"],
        legal_basis=fact["basis"],
        statutory_days=fact.get("days"),
        promised_days=fact.get("promised"),
        limit_unit=LimitUnit(fact.get("unit", "WORKING_DAY")),
        steps=tuple(Step(code=code, name=name, post=post) for code, (name, post) in steps.items()),
        fees=(_fee(*fact["fee"]),) if "fee" in fact else (),
        materials=tuple(_material(*material) for material in facts()["materials"].get(fact["code"], ())),
    )
    return Power(
        item=item,
        weight=fact.get("weight", 1),
        tier=(fact["tier"][0], fact["tier"][1]) if "tier" in fact else None,
        special=fact.get("special"),
    )


def _fee(code: str, name: str, amount: int, basis: str) -> FeeStandard:
    return FeeStandard(code=code, name=name, amount=amount, basis=basis)


def _material(code: str, name: str, form: str, copies: int, required: bool) -> Material:
    return Material(code=code, name=name, form=MaterialForm(form), copies=copies, required=required)
