"""Tenants out of the registry's snapshot, and the viewer. What hangs on a tenant (cases, summary …) is compiled with it.

No database is asked for a tenant itself; `availability` asks for one department, to see whether an answer comes.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from schema.compiling import At, Compiler, Part, parts, told
from schema.rows import Nodes
from schema.run import Path, Run
from schema.selection import Asked
from schema.within import highest, visible
from supervision.faults import TenantBroken, TenantUnreachable
from supervision.tree import Division
from tenants.read.request import Groups, Order, Read, Shape

PLAIN: Mapping[str, Callable[[Division], Any]] = {
    "__typename": lambda _: "Tenant",
    "id": lambda division: f"Tenant:{division.code}",
    "code": lambda division: division.code,
    "name": lambda division: division.name,
    "level": lambda division: division.level.value,
}


class TenantNode:
    """A compiled selection on tenants."""

    def __init__(self, compiler: Compiler, nodes: Nodes) -> None:
        asked = compiler.document.asked("Tenant", nodes)
        self.plain = [(one.key, PLAIN.get(one.name)) for one in asked]
        self.fields = [(one, compiler.field("Tenant", one)) for one in asked if one.name not in PLAIN]

    async def node(self, run: Run, path: Path, code: str) -> dict[str, Any]:
        found = self.known(run, code)
        if self.fields:
            waiting = [
                (one.key, one.nodes, field.answer(run, At((*path, one.key), code, one.arguments))) for one, field in self.fields
            ]
            await run.settle(waiting, found, path)
        return found

    def known(self, run: Run, code: str) -> dict[str, Any]:
        """What the registry alone can tell; the rest is None so far, in its place."""
        division = run.context.registry.tree.divisions[code]
        return {key: None if tell is None else tell(division) for key, tell in self.plain}

    async def nodes(self, run: Run, wanted: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
        """Several tenants, each with the path that its errors are told at."""
        if not self.fields:
            return {code: self.known(run, code) for code in wanted}
        found: dict[str, Any] = {}
        await run.settle([(code, (), self.node(run, path, code)) for code, path in wanted.items()], found, ())
        return found

    def reads(self, run: Run, codes: Iterable[str]) -> Iterable[Read | Groups]:
        return (read for code in codes for one, field in self.fields for read in field.reads(run, At((), code, one.arguments)))


class TenantField:
    """`tenant(code)`."""

    def __init__(self, compiler: Compiler, one: Asked) -> None:
        self.inner = TenantNode(compiler, one.nodes)

    async def answer(self, run: Run, at: At) -> Any:
        return await self.inner.node(run, at.path, visible(run.context, at.arguments["code"]))

    def reads(self, run: Run, at: At) -> Iterable[Read | Groups]:
        return self.inner.reads(run, [visible(run.context, at.arguments["code"])])


class ParentField:
    """`parent`: null at the top, and above what the asker may see."""

    def __init__(self, compiler: Compiler, one: Asked) -> None:
        self.inner = TenantNode(compiler, one.nodes)

    async def answer(self, run: Run, at: At) -> Any:
        return await self.inner.node(run, at.path, parent) if (parent := self._parent(run, at.tenant)) else None

    def reads(self, run: Run, at: At) -> Iterable[Read | Groups]:
        return self.inner.reads(run, [parent] if (parent := self._parent(run, at.tenant)) else [])

    def _parent(self, run: Run, tenant: str | None) -> str | None:
        parent = run.context.registry.tree.divisions[tenant or ""].parent
        return parent if parent in run.context.seen else None


class AvailabilityField:
    """`availability`: what the registry says, and if it says ACTIVE, whether the database answers now."""

    PROBE = Shape(("code",), lambda rows: [{} for _ in rows])

    def __init__(self, compiler: Compiler, one: Asked) -> None:
        self.asked: tuple[Part, ...] = parts(compiler.document, "Availability", one.nodes, {})

    async def answer(self, run: Run, at: At) -> Any:
        state = await self._state(run, at)
        return told("Availability", self.asked, dict(zip(("state", "code", "message"), state, strict=True)))

    async def _state(self, run: Run, at: At) -> tuple[str, str | None, str | None]:
        row = run.context.registry.tenants.get(at.tenant or "")
        registered = "ABSENT" if row is None else str(row.state)
        if (
            registered != "ACTIVE"
        ):  # why provision failed quotes a driver: it is for the operator, `mingjing tenants status` tells it
            return registered, *run.told(TenantBroken() if registered == "BROKEN" else TenantUnreachable())
        run.spend(1)
        page = await run.reads.page(next(iter(self.reads(run, at))), self.PROBE, run.asking())
        if not page.missing:
            return "AVAILABLE", None, None
        code, message = run.told(page.missing[0].fault)
        return "BROKEN" if code == "TENANT_BROKEN" else "UNREACHABLE", code, message

    def reads(self, run: Run, at: At) -> Iterable[Read]:
        return [Read("departments", ("code",), (), Order("code"), 1, (at.tenant or "",), action="tenant.view")]


class ViewerField:
    """`viewer`: the scope, told by action."""

    def __init__(self, compiler: Compiler, one: Asked) -> None:
        self.asked = parts(compiler.document, "Viewer", one.nodes, {"rights": {}})
        self.tenants: dict[str, TenantNode] = {
            part.key: TenantNode(compiler, part.nodes) for part in self.asked if part.name == "tenants"
        }

    async def answer(self, run: Run, at: At) -> Any:
        context = run.context
        facts = {"subject": context.asking.scope.subject, "language": context.language, "rights": (), "tenants": ()}
        found = told("Viewer", self.asked, facts)
        for part in self.asked:
            if part.name == "rights":
                found[part.key] = [told("Right", part.inner, right) for right in rights(run)]
            elif part.name == "tenants":
                wanted = {code: (*at.path, part.key, n) for n, code in enumerate(highest(context, sorted(context.seen)))}
                found[part.key] = list((await self.tenants[part.key].nodes(run, wanted)).values())
        return found

    def reads(self, run: Run, at: At) -> Iterable[Read | Groups]:
        top = highest(run.context, sorted(run.context.seen))
        return (read for node in self.tenants.values() for read in node.reads(run, top))


def rights(run: Run) -> Iterable[dict[str, Any]]:
    """What the asker may do and where, by action; actions that reach no tenant are left out."""
    context = run.context
    for action in sorted(context.asking.scope.parts):
        reach = context.asking.scope.reach(action, context.registry.tree.paths)
        top = highest(context, sorted(reach))
        partial = [code for code in top if reach[code] is not None]
        if reach:
            yield {"action": action, "tenantCount": len(reach), "top": top, "partial": partial}
