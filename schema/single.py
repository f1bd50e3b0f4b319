"""One row: `case(tenant, no)`, and `node(id)`. What is not there and what may not be seen give the same null."""

from collections.abc import Iterable
from typing import Any

from schema.compiling import At, Compiler
from schema.filters import plain
from schema.nodes import ACTIONS, ENTITIES, ORDERS, GlobalId, read_id
from schema.rows import Place, each, enliven
from schema.run import Run
from schema.selection import Asked
from schema.tenancy import TenantNode
from schema.within import refused, visible
from tenants.read.opened import Sought
from tenants.read.request import Filter, Order, Read


class RowNode:
    """A compiled selection on one row of a tenant."""

    def __init__(self, compiler: Compiler, type_name: str, one: Asked) -> None:
        self.entity, self.nodes = ENTITIES[type_name], one.nodes
        self.action = ACTIONS.get(type_name, "tenant.view")
        self.rows = compiler.merged(type_name, [(one.nodes, "")])
        self.tenants = [(place, TenantNode(compiler, place.nodes)) for place in self.rows.places]

    def read(self, tenant: str, where: Filter) -> Read:
        order = Order(ORDERS.get(self.entity, "code"))
        return Read(self.entity, self.rows.shape.columns, (where,), order, 1, (tenant,), action=self.action)

    def sought(self, run: Run, tenant: str, where: Filter) -> None:
        """Notes a case that was not given to somebody who may not see all of the tenant's: it may be there."""
        reach = run.context.asking.scope.reach(self.action, run.context.registry.tree.paths)
        if self.entity == "cases" and reach.get(tenant, False) is not None:
            of = {"no": where.value} if where.column == "no" else {"row": where.value}
            refused(run.context, Sought(tenant, self.action, **of))

    async def find(self, run: Run, at: At, tenant: str, where: Filter) -> Any:
        run.spend(self.rows.weight)
        page = await run.reads.page(self.read(tenant, where), self.rows.shape, run.asking())
        run.lacking(page.missing, self.nodes, at.path)
        if not page.nodes and not page.missing:
            self.sought(run, tenant, where)
        for place, inner in self.tenants:
            await self._place(run, at, inner, place, page.nodes, tenant)
        enliven(self.rows.lively, page.nodes, run.context.known)
        return page.nodes[0] if page.nodes else None

    async def _place(self, run: Run, at: At, inner: TenantNode, place: Place, nodes: list[dict[str, Any]], tenant: str) -> None:
        """The tenant of the row, and of what hangs on it."""
        if nodes:
            found = await inner.node(run, (*at.path, *place.way, place.key), tenant)
            for node in each(nodes, place.way):
                node[place.key] = found


class CaseField:
    """`case(tenant, no)`, and `case(no)` of a tenant."""

    def __init__(self, compiler: Compiler, one: Asked) -> None:
        self.row = RowNode(compiler, "Case", one)

    async def answer(self, run: Run, at: At) -> Any:
        return await self.row.find(run, at, *self._where(run, at))

    def reads(self, run: Run, at: At) -> Iterable[Read]:
        return [self.row.read(*self._where(run, at))]

    def _where(self, run: Run, at: At) -> tuple[str, Filter]:
        tenant, where = at.tenant or at.arguments["tenant"], Filter("no", "eq", plain(at.arguments["no"]))
        if tenant not in run.context.seen and tenant in run.context.registry.tree.paths:
            self.row.sought(run, tenant, where)
        return visible(run.context, tenant), where


class NodeField:
    """`node(id)`: a tenant, or a row of one. Compiled for each type, for each means something else by the selection."""

    def __init__(self, compiler: Compiler, one: Asked) -> None:
        self.rows = {name: RowNode(compiler, name, one) for name in ENTITIES}
        self.tenant = TenantNode(compiler, one.nodes)

    async def answer(self, run: Run, at: At) -> Any:
        wanted = read_id(at.arguments["id"])
        if not self._seen(run, wanted):
            self._note(run, wanted)
            return None
        if wanted.type_name == "Tenant":
            return await self.tenant.node(run, at.path, wanted.tenant)
        return await self.rows[wanted.type_name].find(run, at, wanted.tenant, Filter("id", "eq", wanted.row))

    def reads(self, run: Run, at: At) -> Iterable[Any]:
        wanted = read_id(at.arguments["id"])
        if not self._seen(run, wanted):
            return []
        if wanted.type_name == "Tenant":
            return self.tenant.reads(run, [wanted.tenant])
        return [self.rows[wanted.type_name].read(wanted.tenant, Filter("id", "eq", wanted.row))]

    def _note(self, run: Run, wanted: GlobalId) -> None:
        """The refusal of a tenant that is there, or of a case in it."""
        if wanted.tenant in run.context.registry.tree.paths:
            refused(run.context, Sought(wanted.tenant, "tenant.view"))
            if wanted.type_name in self.rows:
                self.rows[wanted.type_name].sought(run, wanted.tenant, Filter("id", "eq", wanted.row))

    def _seen(self, run: Run, wanted: GlobalId) -> bool:
        return wanted.tenant in run.context.registry.tree.paths and wanted.tenant in run.context.seen
