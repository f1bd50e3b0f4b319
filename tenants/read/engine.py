"""The one way to read: plan, fan out, merge, mask, rows into nodes, and what belongs to them batched beside.

Everything it returns is JSON-ready, complete or openly incomplete. Knows no GraphQL and no SQL.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any, TypeVar

from supervision.faults import Failure, Fault, Refusal
from supervision.scope import Except, Reach, Rows, common
from supervision.tree import Tree
from tenants.read import merge
from tenants.read.amounts import halved, whole
from tenants.read.fanout import Fanout
from tenants.read.masks import Masking, gates, masking_of, searched
from tenants.read.opened import OPENED, Sought
from tenants.read.plan import Plan, Step, divided
from tenants.read.request import (
    Asking,
    Branch,
    Count,
    Grouped,
    Groups,
    Homes,
    Limits,
    Missing,
    Node,
    Page,
    Read,
    Row,
    Shape,
)  # fmt: skip
from tenants.sources.source import Part, Source

Asked = TypeVar("Asked", Read, Groups)
Lacking = dict[str, Fault]
"""Tenant → why it is missing from the answer."""


class Engine:
    """Reads over the sources. `homes`: tenant → source; `tree`: for the rights' paths, and levels."""

    def __init__(self, sources: Mapping[str, Source], homes: Homes, tree: Tree, limits: Limits | None = None) -> None:
        self.fanout = Fanout(limits or Limits())
        self.look(sources, homes, tree)

    def look(self, sources: Mapping[str, Source], homes: Homes, tree: Tree) -> None:
        """Takes in a changed registry: from now on these. What was moved is asked again at once."""
        moved = [tenant for tenant, home in homes.items() if getattr(self, "homes", {}).get(tenant) != home]
        self.sources, self.homes, self.tree = sources, homes, tree
        self._at_once = {name: source.tenants_per_statement for name, source in sources.items()}
        self._levels = {code: str(division.level) for code, division in tree.divisions.items()}
        self.fanout.breakers.forget(moved)

    async def page(self, read: Read, shape: Shape, asking: Asking) -> Page:
        """One page over all the read's tenants together."""
        masking = masking_of(read, asking.scope, self.tree.paths)
        asked = one_more(read, masking.columns)
        steps, lacking = self._planned(asked, asking)
        parts = await self._ask(
            steps, lambda step: self.sources[step.source].read(step.asked, step.reach, asking.now), asking, lacking
        )
        rows, more = merge.page(read, [part.rows for part in parts], any(part.apart for part in parts)) if parts else ([], False)
        made = await self._made(masking.rows(rows) if masking else rows, more, shape, steps, asking, lacking)
        return noted(made, read, masking, asking)

    async def pages(self, reads: Sequence[Read], shape: Shape, asking: Asking) -> list[Page]:
        """A page each for reads that differ in their one tenant only, in one statement for each step."""
        if len(reads) == 1:
            return [await self.page(reads[0], shape, asking)]
        together = replace(reads[0], tenants=tuple(dict.fromkeys(read.tenants[0] for read in reads)))
        masking = Masking(together, asking.scope, self.tree.paths)
        asked = one_more(together, masking.columns)
        steps, lacking = self._planned(asked, asking)
        parts = await self._ask(
            steps, lambda step: self.sources[step.source].limbs(step.asked, step.reach, asking.now), asking, lacking
        )
        found: dict[str, list[Row]] = {tenant: [] for tenant in together.tenants}
        for part in parts:
            for row in part.rows:
                found[row[1]].append(row)
        cut = {tenant: merge.page(together, [rows], False) for tenant, rows in found.items()}
        rows = [row for mine, _ in cut.values() for row in mine]
        made = await self._made(masking.rows(rows) if masking else rows, False, shape, steps, asking, lacking)
        noted(made, together, masking, asking)
        return owned(made, {tenant: more for tenant, (_, more) in cut.items()}, [read.tenants[0] for read in reads])

    async def count(self, read: Read, asking: Asking) -> Count:
        """How many rows there are on all pages together; a lower bound where something is missing."""
        found = await self.groups(counting(read, ()), asking)
        return Count(found.rows[0][0] if found.rows else 0, found.missing)

    async def counts(self, reads: Sequence[Read], asking: Asking) -> list[Count]:
        """A count each for reads that differ in their one tenant only."""
        if len(reads) == 1:
            return [await self.count(reads[0], asking)]
        tenants = tuple(dict.fromkeys(read.tenants[0] for read in reads))
        found = await self.groups(counting(replace(reads[0], tenants=tenants), ("TENANT",)), asking)
        numbers, missing = dict(found.rows), {lack.tenant: lack for lack in found.missing}
        return [
            Count(numbers.get(tenant, 0), (missing[tenant],) if tenant in missing else ())
            for tenant in (r.tenants[0] for r in reads)
        ]

    async def groups(self, groups: Groups, asking: Asking) -> Grouped:
        """Counts and sums by group over all the tenants together."""
        steps, lacking = self._planned(replace(groups, measures=halved(groups.measures)), asking)
        parts = await self._ask(
            steps, lambda step: self.sources[step.source].groups(step.asked, step.reach, asking.now, self._levels), asking, lacking
        )
        by, found = len(groups.by), merge.groups((row for part in parts for row in part.rows), len(groups.by))
        return Grouped([(*row[:by], *whole(groups.measures, row[by:])) for row in found], named(lacking))

    def plan(self, asked: Read | Groups, asking: Asking) -> Plan:
        """What would be asked of whom, at the moment. `str` of it is the text."""
        reach = self._reach(asked, asking)
        steps: tuple[list[Any], tuple[Missing, ...]] = divided(asked, reach, self.homes, self._at_once)
        return Plan(tuple(steps[0]), steps[1])

    def _planned(self, asked: Asked, asking: Asking) -> tuple[list[Step[Asked]], Lacking]:
        """The steps, without the tenants that are left alone at the moment."""
        reach = self._reach(asked, asking)
        shut = closed(asked, reach, asking)
        open_to = replace(asked, tenants=tuple(tenant for tenant in asked.tenants if tenant not in shut)) if shut else asked
        steps, missing = divided(open_to, reach, self.homes, self._at_once)
        lacking: Lacking = shut | {lack.tenant: lack.fault for lack in missing}
        if self.fanout.breakers:
            steps = [left for step in steps if (left := self._without_failing(step, reach, lacking)) is not None]
        if asking.opened is not None and (fields := searched(asked.where)):
            for tenant in (tenant for step in steps for tenant in step.asked.tenants):
                asking.opened.add(tenant, asked.action, asked.entity, (), fields)
        return steps, lacking

    def _reach(self, asked: Read | Groups, asking: Asking) -> Reach:
        """Where the question may be asked: where its action reaches, and all that it searches by. Raises FieldClosed."""
        reach = asking.scope.reach(asked.action, self.tree.paths)
        if not (fields := searched(asked.where)):
            return reach
        open_to = reduce(common, (asking.scope.reach(action, self.tree.paths) for action in fields), reach)
        mine = [tenant for tenant in asked.tenants if tenant in reach]
        if mine and not any(anything(open_to.get(tenant, False)) for tenant in mine):
            self._refuse(mine, fields, asking)
            raise FieldClosed(" ".join(fields))
        return open_to

    def _refuse(self, tenants: Sequence[str], fields: Sequence[str], asking: Asking) -> None:
        """A search by what the asker sees nowhere is on record where it was to go, by the fields that are closed there."""
        if (opened := asking.opened) is None:
            return
        for action in fields:
            reach = asking.scope.reach(action, self.tree.paths)
            for tenant in tenants:
                if not anything(reach.get(tenant, False)):
                    opened.refuse(Sought(tenant, action))

    def _without_failing(self, step: Step[Asked], reach: Reach, lacking: Lacking) -> Step[Asked] | None:
        now = asyncio.get_running_loop().time()
        for tenant in step.asked.tenants:
            if (fault := self.fanout.breakers.refused(tenant, now)) is not None:
                lacking[tenant] = fault
        left = tuple(tenant for tenant in step.asked.tenants if tenant not in lacking)
        return Step(step.source, replace(step.asked, tenants=left), reach) if left else None

    async def _ask(
        self, steps: Sequence[Step[Asked]], ask: Callable[[Step[Asked]], Awaitable[Part]], asking: Asking, lacking: Lacking
    ) -> list[Part]:
        """The parts that came. Whatever did not is put into `lacking`."""
        answers = await self.fanout.each([(step.source, step) for step in steps], ask, asking.deadline)
        parts = []
        for step, answer in zip(steps, answers, strict=True):
            if isinstance(answer, Failure):
                lacking.update(dict.fromkeys(step.asked.tenants, answer))
            else:
                self._noted(step.asked.tenants, answer, lacking)
                parts.append(answer)
        return parts

    def _noted(self, tenants: Sequence[str], part: Part, lacking: Lacking) -> None:
        """Which tenants of a step answered, for their breakers."""
        now = asyncio.get_running_loop().time()
        for tenant, fault in part.missing:
            if isinstance(fault, Failure):
                lacking[tenant] = fault
                self.fanout.breakers.failed(tenant, fault, now)
        if self.fanout.breakers:
            self.fanout.breakers.forget(tenant for tenant in tenants if tenant not in lacking)

    async def _made(
        self, rows: list[Row], more: bool, shape: Shape, steps: Sequence[Step[Read]], asking: Asking, lacking: Lacking
    ) -> Page:
        """Nodes, and what belongs to them. Rows whose children could not be read are taken out, and their tenant is named."""
        nodes, ends = shape.nodes(rows), (rows[0], rows[-1]) if rows else None
        if shape.nested and rows:
            tenants = [row[1] for row in rows]
            await asyncio.gather(*(self._fill(branch, tenants, nodes, steps, asking, lacking) for branch in shape.nested))
            if lacking:
                sound = [n for n, row in enumerate(rows) if row[1] not in lacking]
                rows, nodes = [rows[n] for n in sound], [nodes[n] for n in sound]
                ends = (rows[0], rows[-1]) if rows else ends
        return Page(rows, nodes, more, named(lacking), ends)

    async def _fill(
        self, branch: Branch, tenants: list[str], nodes: list[Node], steps: Sequence[Step[Read]], asking: Asking, lacking: Lacking
    ) -> None:
        """Replace the parent's key, which a node holds in this place, by the child or the children it stands for."""
        name, wanted = branch.response_key, wanted_of(branch, tenants, nodes)
        asked = [step for step in steps if any(tenant in wanted for tenant in step.asked.tenants)]

        def ask(step: Step[Read]) -> Awaitable[Part]:
            mine = {tenant: list(wanted[tenant]) for tenant in step.asked.tenants if tenant in wanted}
            return self.sources[step.source].children(branch.nested, mine, step.asked.tenants)

        children = [row for part in await self._ask(asked, ask, asking, lacking) for row in part.rows]
        made = branch.shape.nodes(children)
        for deeper in branch.shape.nested if children else ():
            await self._fill(deeper, [row[0] for row in children], made, steps, asking, lacking)
        found: dict[tuple[str, Any], list[Node]] = {}
        for row, node in zip(children, made, strict=True):
            found.setdefault((row[0], row[1]), []).append(node)
        for tenant, node in zip(tenants, nodes, strict=True):
            mine = found.get((tenant, node[name]), [])
            node[name] = None if node[name] is None else mine if branch.many else mine[0] if mine else None


class FieldClosed(Refusal):
    """You search by a field that you may see nowhere in what you ask for: leave it out, or ask for the right to see it."""

    code = "FIELD_CLOSED"


def anything(rows: Rows | bool) -> bool:
    """Whether any row may be among them."""
    return not isinstance(rows, bool) and (rows is None or isinstance(rows, Except) or bool(rows))


def opening(asked: Read | Groups) -> bool:
    """Whether the answer opens anything. Counting does not, unless it counts those who are called so."""
    if searched(asked.where):
        return True
    return isinstance(asked, Read) and (asked.entity in OPENED or bool(gates(asked.columns)))


def closed(asked: Read | Groups, reach: Reach, asking: Asking) -> Lacking:
    """The tenants that are left out because nothing of them may be opened."""
    if not asking.closed or not opening(asked):
        return {}
    return {tenant: fault for tenant, fault in asking.closed.items() if tenant in asked.tenants and tenant in reach}


def noted(page: Page, read: Read, masking: Masking, asking: Asking) -> Page:
    """The page itself; what its rows open is told to whoever keeps the record."""
    if asking.opened is None or not page.rows or not (read.entity in OPENED or masking.gated):
        return page
    rows: dict[str, list[Row]] = {}
    for row in page.rows:
        rows.setdefault(row[1], []).append(row)
    for tenant, mine in rows.items():
        if (fields := masking.opened(tenant, mine)) or read.entity in OPENED:
            asking.opened.add(tenant, read.action, read.entity, [row[2] for row in mine], fields)
    return page


def one_more(read: Read, columns: tuple[str, ...]) -> Read:
    """The read, for one row more than its page, which tells whether there are more."""
    known: Read | None = read.kept.get(columns)
    if known is None:
        known = read.kept[columns] = replace(read, columns=columns, limit=read.limit + 1)
    return known


def wanted_of(branch: Branch, tenants: list[str], nodes: list[Node]) -> dict[str, dict[Any, None]]:
    """Tenant → the keys whose children are asked, each once."""
    wanted: dict[str, dict[Any, None]] = {}
    name = branch.response_key
    for tenant, node in zip(tenants, nodes, strict=True):
        if node[name] is not None:
            wanted.setdefault(tenant, {})[node[name]] = None
    return wanted


def owned(made: Page, more: Mapping[str, bool], wanted: Sequence[str]) -> list[Page]:
    """Each tenant's page out of the pages of many, told apart in one go. `more`: tenant → whether rows lie beyond its page."""
    rows: dict[str, list[Row]] = {tenant: [] for tenant in more}
    nodes: dict[str, list[Node]] = {tenant: [] for tenant in more}
    for row, node in zip(made.rows, made.nodes, strict=True):
        rows[row[1]].append(row)
        nodes[row[1]].append(node)
    lacking = {lack.tenant: (lack,) for lack in made.missing}
    ends = {tenant: (mine[0], mine[-1]) if mine else None for tenant, mine in rows.items()}
    return [Page(rows[one], nodes[one], more[one] and one not in lacking, lacking.get(one, ()), ends[one]) for one in wanted]


def counting(read: Read, by: tuple[str, ...]) -> Groups:
    return Groups(read.entity, by, ("count",), read.where, read.tenants, read.action)


def named(lacking: Lacking) -> tuple[Missing, ...]:
    return tuple(Missing(tenant, lacking[tenant]) for tenant in sorted(lacking))
