"""Summaries: cases counted and summed by groups. Only the measures that are asked for are computed."""

from collections.abc import Iterable
from typing import Any

import orjson

from schema.columns import Dimension, Measure
from schema.compiling import At, Compiler, lacks, parts, told
from schema.filters import read_where
from schema.run import Path, Run, strictly
from schema.selection import Asked
from schema.tenancy import TenantNode
from schema.within import meant, reached
from schema.words import Completeness
from supervision.faults import Refusal
from tenants.read.request import Grouped, Groups


class TooManyGroups(Refusal):
    """This gives too many groups."""

    code = "GROUPS_EXCEEDED"


class DimensionsInvalid(Refusal):
    """These dimensions cannot be grouped by."""

    code = "DIMENSIONS_INVALID"


class SummaryField:
    """`summary`, at the root and on a tenant."""

    def __init__(self, compiler: Compiler, one: Asked) -> None:
        self.nodes = one.nodes
        self.asked = parts(compiler.document, "Summary", one.nodes, {"groups": {}, "incomplete": {}})
        self.group = dict(compiler.reads["SummaryGroup"])
        wanted = [(part, inner) for part in self.asked if part.name == "groups" for inner in part.inner]
        self.tenants = [(part, inner, TenantNode(compiler, inner.nodes)) for part, inner in wanted if inner.name == "tenant"]
        found = {read.name for _, inner in wanted if isinstance(read := self.group.get(inner.name), Measure)}
        self.measures = tuple(sorted(found)) or ("count",)

    def groups(self, run: Run, at: At) -> Groups:
        by = tuple(dimension.value for dimension in at.arguments["by"])
        if len(set(by)) < len(by):
            raise DimensionsInvalid("Name each of them once.")
        tenants = meant(run.context, at.tenant or at.arguments.get("within"), at.arguments["below"])
        return Groups("cases", by, self.measures, read_where(at.arguments.get("where")), tenants)

    def reads(self, run: Run, at: At) -> Iterable[Groups]:
        return [self.groups(run, at)]

    async def answer(self, run: Run, at: At) -> Any:
        groups, asking = self.groups(run, at), run.asking()
        if (named := at.tenant or at.arguments.get("within")) is not None:
            reached(run.context, named, groups.action)
        run.spend(len(groups.tenants))
        found = await run.reads.groups(groups, asking)
        if not groups.by and not found.rows:
            found = Grouped([(0,) * len(groups.measures)], found.missing)
        if len(found.rows) > (most := run.context.bounds.groups_max):
            raise TooManyGroups(f"They are {len(found.rows)}; {most} are given at most. Take fewer dimensions, or fewer tenants.")
        if found.missing and at.arguments["completeness"] is Completeness.STRICT:
            strictly(found.missing)
        run.lacking(found.missing, self.nodes, at.path)
        facts = {"asOf": asking.now, "isLowerBound": bool(found.missing), "groups": None, "incomplete": None}
        value = told("Summary", self.asked, facts)
        for part in self.asked:
            if part.name == "groups":
                value[part.key] = [self._group(part.inner, groups, row) for row in found.rows]
            elif part.name == "incomplete":
                value[part.key] = lacks(part.inner, found.missing, run.told)
        await self._places(run, groups, found, value, at.path)
        return value

    def _group(self, asked: Iterable[Any], groups: Groups, row: tuple[Any, ...]) -> dict[str, Any]:
        values = dict(zip((*groups.by, *groups.measures), row, strict=True))
        told: dict[str, Any] = {}
        for part in asked:
            read = self.group.get(part.name)
            if isinstance(read, Measure):
                told[part.key] = exact(values[read.name])
            else:
                told[part.key] = values.get(read.name) if isinstance(read, Dimension) else "SummaryGroup"
        return told

    async def _places(self, run: Run, groups: Groups, found: Grouped, value: dict[str, Any], path: Path) -> None:
        """The tenants of the groups in their places, each told once."""
        if "TENANT" not in groups.by:
            return
        place = groups.by.index("TENANT")
        for part, inner, node in self.tenants:
            wanted: dict[str, Path] = {}
            for n, row in enumerate(found.rows):
                wanted.setdefault(row[place], (*path, part.key, n, inner.key))
            known = await node.nodes(run, wanted)
            for group, row in zip(value[part.key], found.rows, strict=True):
                group[inner.key] = known[row[place]]


def exact(number: int) -> Any:
    """As it goes into JSON: orjson writes no integer beyond 64 bits by itself."""
    return number if abs(number) < 2**63 else orjson.Fragment(str(number))
