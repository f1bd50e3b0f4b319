"""The plan of a read: its tenants within the rights, grouped by the source that holds them, in steps of one statement each.

A value that can be printed. Asks nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Generic, NamedTuple, TypeVar

from supervision.faults import TenantUnreachable
from supervision.scope import Except, Reach, Rows
from tenants.read.request import Filter, Groups, Homes, Missing, Read

Asked = TypeVar("Asked", Read, Groups)


@dataclass(frozen=True, slots=True)
class Step(Generic[Asked]):
    """What one source is asked in one statement, or in one job over its files."""

    source: str
    asked: Asked
    reach: Reach

    def __str__(self) -> str:
        return f"{self.source}: {told(self.asked, self.reach)}"


class Plan(NamedTuple):
    """The steps, and the tenants that are within the rights but have no database yet."""

    steps: tuple[Step[Read] | Step[Groups], ...]
    missing: tuple[Missing, ...] = ()

    def __str__(self) -> str:
        lacking = [f"nowhere: {' '.join(lack.tenant for lack in self.missing)}"] if self.missing else []
        return "\n".join([*map(str, self.steps), *lacking])


def divided(asked: Asked, reach: Reach, homes: Homes, at_once: Mapping[str, int]) -> tuple[list[Step[Asked]], tuple[Missing, ...]]:
    """Steps in the order of their sources' first tenants. Tenants out of reach are not asked and not named."""
    held: dict[str, list[str]] = {}
    missing: list[Missing] = []
    for tenant in asked.tenants:
        if tenant in reach:
            home = homes.get(tenant)
            if home is None or home not in at_once:
                missing.append(Missing(tenant, TenantUnreachable("it has no database yet")))
            else:
                held.setdefault(home, []).append(tenant)
    if len(held) == 1 and len(asked.tenants) <= min(at_once[source] for source in held) and not missing:
        ((source, tenants),) = held.items()
        if len(tenants) == len(asked.tenants):  # the most frequent: all of one statement, as it came
            return [Step(source, asked, reach)], ()
    steps = [
        Step(source, replace(asked, tenants=tuple(tenants[n : n + at_once[source]])), reach)
        for source, tenants in held.items()
        for n in range(0, len(tenants), at_once[source])
    ]
    return steps, tuple(missing)


def told(asked: Read | Groups, reach: Reach) -> str:
    tenants = " ".join(f"{tenant}{narrowed(reach[tenant])}" for tenant in asked.tenants)
    where = "".join(f" {'where' if n == 0 else 'and'} {condition(one)}" for n, one in enumerate(asked.where))
    if isinstance(asked, Groups):
        return f"{asked.entity} {' '.join(asked.measures)} of {tenants}{where} by {' '.join(asked.by) or 'nothing'}"
    way = " desc" if asked.order.descending else ""
    past = f" {'before' if asked.backward else 'after'} {asked.past.tenant}/{asked.past.id}" if asked.past else ""
    page = f"{'last' if asked.backward else 'first'} {asked.limit}{past}"
    return f"{asked.entity}({' '.join(asked.columns)}) of {tenants}{where} by {asked.order.column}{way} {page}"


def condition(one: Filter) -> str:
    """Without its value, which may be a person's."""
    return one.op if one.op == one.column else f"{one.column} {one.op}"


def narrowed(rows: Rows) -> str:
    """How a tenant's rows are narrowed: `@GAJ+JYJ` these departments, `-@GAJ` not this one, `-#7` not this case."""
    if rows is None:
        return ""
    held = rows if isinstance(rows, Except) else Except(only=rows)
    only = "" if held.only is None else "@" + "+".join(sorted(held.only))
    but = [f"-@{code}" for code in sorted(held.departments)] + [f"-#{case}" for case in sorted(held.cases)]
    return only + "".join(but)
