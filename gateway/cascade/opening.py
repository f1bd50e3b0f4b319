"""Somebody of a gateway above wants to look: judged by our own policy, asked for further below, on record where the camera is."""

from gateway.auditing import AuditUnwritable
from gateway.cascade.cascade import Cascade
from gateway.video.cameras import Named
from gateway.video.showing import HALL_VIDEO
from schema.administering import ActionRefused
from schema.watching import CameraHoursOver
from supervision.audit import Deed, Outcome
from supervision.halls import read_hours, within_hours
from supervision.roster import CameraFacts, Watcher
from supervision.scope import Scope
from tenants.hall_rows import HallNotFound
from tenants.read.masks import opens


async def opened(cascade: Cascade, camera: Named, one: Watcher) -> CameraFacts:
    """Raises HallNotFound, ActionRefused, CameraHoursOver, AuditUnwritable, and what gateways below refuse."""
    scope = await _standing(cascade, one)
    rows = scope.reach(HALL_VIDEO, cascade.showing.house.registry.snapshot.tree.paths).get(camera.tenant, False)
    if cascade.below(camera.tenant) is not None:
        if rows is False:
            raise ActionRefused
        facts = await cascade.open_below(one, camera)
    else:
        facts = await cascade.facts(camera, ())
    may = opens(rows, (facts.department,), False) and one.issued >= scope.sessions_from
    if may and not within_hours(read_hours(facts.hours), cascade.showing.now()):
        raise CameraHoursOver(f"its hours are {facts.hours}")
    await _noted(cascade, camera, one, scope, may)
    if not may:
        raise ActionRefused
    return facts


async def _standing(cascade: Cascade, one: Watcher) -> Scope:
    """Their rights here, at this moment."""
    rights = cascade.showing.house.rights
    scope, snapshot = await rights.of(one.subject)
    while not await rights.stand(scope, snapshot):
        scope, snapshot = await rights.of(one.subject)
    return scope


async def _noted(cascade: Cascade, camera: Named, one: Watcher, scope: Scope, may: bool) -> None:
    """In the log of the tenant that is looked at, which is in one database alone."""
    house, tenant = cascade.showing.house, camera.tenant
    if cascade.below(tenant) is not None:
        return
    if tenant not in house.registry.snapshot.homes:
        raise HallNotFound
    row = scope.because(HALL_VIDEO, house.registry.snapshot.tree.paths[tenant])
    deed = Deed(
        one.id, one.subject, HALL_VIDEO, Outcome.OPENED if may else Outcome.REFUSED, "cameras", 1, reason=one.reason,
        told=f"Camera {camera.row}: {one.purpose}, from {one.from_tenant or 'everywhere'} through {' → '.join(one.through)}",
        grant_id=None if row is None else row.id, because="" if row is None else row.spelled,
    )  # fmt: skip
    if await house.auditing.record({tenant: [deed]}):
        raise AuditUnwritable
