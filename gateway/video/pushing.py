"""A hall that pushes its camera's picture (WHIP, RFC 9725), with the token of an account that manages halls there, while it does.

One publisher a camera: the next one takes the place of the last. Its coming is on record in the tenant.
"""

import asyncio
from dataclasses import dataclass
from secrets import token_hex

from starlette.requests import Request
from starlette.responses import Response

from authz.identity import Actor, TokenInvalid
from gateway.auditing import AuditUnwritable
from gateway.faults import BodyTooSlow
from gateway.leases import Lease
from gateway.log import told
from gateway.recorder import record_of
from gateway.video.cameras import Named
from gateway.video.exchange import bearer, camera_of, created, offer_of
from gateway.video.showing import LOOK, Showing
from media.offers import admitted
from media.relaying import Visiting
from supervision.audit import Deed, Outcome
from supervision.faults import Fault
from supervision.scope import Scope
from tenants import hall_rows
from tenants.hall_rows import HallNotFound
from tenants.read.masks import opens

HALL_MANAGE = "hall.manage"


@dataclass(eq=False, slots=True)
class Session:
    """One publisher."""

    actor: Actor
    camera: Named
    lease: Lease
    publishing: Visiting | None = None
    over: bool = False


class Pushing:
    """Every publisher."""

    def __init__(self, showing: Showing) -> None:
        self._showing, self._house = showing, showing.house
        self._sessions: dict[str, Session] = {}

    async def ice(self, request: Request) -> list[str]:
        """The ICE servers for an account that may push there."""
        actor = await self._house.callers.actor(bearer(request))
        record_of(request.scope).actor = actor.subject
        self._end(await self._admitted(actor, camera_of(request)))
        return self._links(actor)

    def _links(self, actor: Actor) -> list[str]:
        return self._showing.ice.links(actor.subject, self._house.clock())

    async def offers(self, request: Request) -> Response:
        """An offer of a hall."""
        camera = camera_of(request)
        actor = await self._house.callers.actor(bearer(request))
        record_of(request.scope).actor = actor.subject
        try:
            async with asyncio.timeout(self._house.config.video_offer_within):
                session = await self._admitted(actor, camera)
                try:
                    return await self._answered(request, session)
                except BaseException:  # whatever it is, a cancelled request too: the session is undone, and it goes on as it came
                    self._end(session)
                    raise
        except TimeoutError:
            raise BodyTooSlow from None

    async def session(self, request: Request) -> Response:
        """The hall stops."""
        actor = await self._house.callers.actor(bearer(request))
        record_of(request.scope).actor = actor.subject
        session = self._sessions.get(request.path_params["session"])
        if session is None or session.over or session.camera != camera_of(request) or session.actor.subject != actor.subject:
            raise HallNotFound
        self._end(session)
        return Response(status_code=200)

    async def _admitted(self, actor: Actor, camera: Named) -> Session:
        """Somebody who manages halls there, held to it. Raises HallNotFound, TokenInvalid."""
        held: list[Session] = []
        lease = await self._house.leases.taken(actor.subject, lambda scope: self._told(held, scope))
        session = Session(actor, camera, lease)
        held.append(session)
        try:
            if not self._may(lease.scope, camera):
                raise HallNotFound
            await self._house.callers.stands(actor, lease.scope, lease.snapshot.version)  # type: ignore[arg-type]
        except BaseException:  # whatever it is, a cancelled request too: the lease is given back, and it goes on as it came
            self._end(session)
            raise
        return session

    def _may(self, scope: Scope | None, camera: Named) -> bool:
        if scope is None:
            return False
        rows = scope.reach(HALL_MANAGE, self._house.registry.snapshot.tree.paths).get(camera.tenant, False)
        return opens(rows, (None,), False)

    def _told(self, held: list[Session], scope: Scope | None) -> None:
        for session in held:
            if scope is None or session.actor.issued < scope.sessions_from or not self._may(scope, session.camera):
                self._end(session)

    async def _answered(self, request: Request, session: Session) -> Response:
        settings, camera = self._showing.relay.settings, session.camera
        offer = await offer_of(request, settings.offer_bytes)
        admitted(offer, settings, "sendonly")
        found = await self._showing.found(camera)
        await self._noted(session, record_of(request.scope).request_id)
        session.publishing = await self._showing.cameras.hub(camera.tenant, found).publish(offer)
        if session.over:
            await session.publishing.kick()
            raise HallNotFound
        secret = token_hex(16)
        self._sessions[secret] = session
        self._showing.later(self._follow(secret, session.publishing))
        return created(session.publishing.answer, f"/video/{camera}/whip/{secret}", self._links(session.actor))

    async def _noted(self, session: Session, request_id: str) -> None:
        """Raises AuditUnwritable."""
        tenant, scope = session.camera.tenant, session.lease.scope
        row = None if scope is None else scope.because(HALL_MANAGE, self._house.registry.snapshot.tree.paths[tenant])
        deed = Deed(
            request_id, session.actor.subject, HALL_MANAGE, Outcome.CHANGED, "cameras", 1, grant_id=None if row is None else row.id,
            told=f"pushes Camera {session.camera.row}", because="" if row is None else row.spelled,
        )  # fmt: skip
        if await self._house.auditing.record({tenant: [deed]}):
            raise AuditUnwritable

    async def _follow(self, secret: str, publishing: Visiting) -> None:
        """Stays with it until it is over; looks meanwhile at what no lease tells. What nobody foresaw ends it."""
        session, over = self._sessions[secret], asyncio.ensure_future(publishing.ended())
        try:
            while not over.done():
                await asyncio.wait((over,), timeout=LOOK)
                await self._look(session)
        finally:
            self._end(self._sessions.pop(secret))

    async def _look(self, session: Session) -> None:
        """Whether the key that vouched for the account is still believed, and the camera one that is pushed."""
        lease, camera = session.lease, session.camera
        source = self._house.source_of(camera.tenant)
        if session.over or lease.scope is None or source is None:
            return
        try:
            await self._house.callers.stands(session.actor, lease.scope, lease.snapshot.version)
            if not await hall_rows.pushed(source, camera.tenant, camera.row, self._showing.now()):
                self._end(session)
        except TokenInvalid:
            self._end(session)
        except Fault as fault:  # the lease ends what is not known for too long
            self._house.log({"level": "error", "event": "video", "camera": str(camera), **told(fault)})

    def _end(self, session: Session) -> None:
        """Once; the picture goes."""
        if session.over:
            return
        session.over = True
        self._house.leases.given_back(session.lease)
        if session.publishing is not None:
            self._showing.later(session.publishing.kick())
