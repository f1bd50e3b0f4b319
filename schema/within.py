"""Which tenants a question means, among those the asker may know of. A tenant that is not visible is one that does not exist."""

from collections.abc import Sequence

from schema.context import Context
from supervision.faults import TenantNotFound
from tenants.read.opened import Sought


def visible(context: Context, code: str) -> str:
    """The code itself. Raises TenantNotFound, the same for no such tenant and for one out of reach."""
    if code not in context.registry.tree.paths:
        raise TenantNotFound
    if code not in context.seen:
        refused(context, Sought(code, "tenant.view"))
        raise TenantNotFound
    return code


def refused(context: Context, sought: Sought) -> None:
    """Notes what was not given, for the record. It takes no time that could be measured, and changes no answer."""
    if context.asking.opened is not None:
        context.asking.opened.refuse(sought)


def reached(context: Context, code: str, action: str) -> None:
    """Notes where an action was asked for in a visible tenant that it does not reach: nothing of it is given."""
    if code not in context.asking.scope.reach(action, context.registry.tree.paths):
        refused(context, Sought(code, action))


def meant(context: Context, within: str | None, below: bool) -> tuple[str, ...]:
    """`within` with what is below it, or everything; the engine leaves out what is out of reach."""
    if within is None:
        return everything(context)
    visible(context, within)
    return context.registry.tree.subtree(within) if below else (within,)


def everything(context: Context) -> tuple[str, ...]:
    return tuple(context.registry.tree.paths)


def highest(context: Context, codes: Sequence[str]) -> list[str]:
    """Those of the codes whose parent is none of them."""
    among, divisions = set(codes), context.registry.tree.divisions
    return [code for code in codes if divisions[code].parent not in among]
