"""The door to clips: `GET /video/evidence/620102-17`, with an access token and the right to see evidence there. Ranges are served.

Each download is on record in the tenant before its first byte, and the file is what was kept, or nothing of it is sent.
"""

import asyncio
from datetime import UTC, datetime
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from authz.identity import Actor
from gateway.auditing import AuditUnwritable
from gateway.faults import AnswerTimedOut
from gateway.house import House
from gateway.recorder import record_of
from gateway.refusals import Refused
from gateway.video.cameras import Named, named
from gateway.video.evidence_folder import EvidenceChanged, EvidenceFolder, EvidenceMissing
from gateway.video.exchange import Answered, bearer
from gateway.video.leased import Held, LeasedFile
from gateway.witness import Asker
from schema.administering import ActionRefused
from supervision.audit import Deed, Outcome
from supervision.evidence import HALL_EVIDENCE, EvidenceState, container
from supervision.faults import Failure, Refusal
from supervision.scope import Scope
from tenants.administration import PolicyChanged
from tenants.read.opened import Sought
from tenants.read.request import Asking, Filter, Order, Read, Shape
from tenants.registry import Snapshot

READ_AGAIN = 2
"""How often the rights are looked up anew because they changed meanwhile."""
CLIP = Shape(("state", "sha256", "sound"), lambda rows: [{} for _ in rows])
MEDIA = {"mp4": "video/mp4", "mov": "video/quicktime"}


class EvidenceNotFound(Refusal):
    """There is no such evidence, or none that you may see."""

    code = "EVIDENCE_NOT_FOUND"


class EvidenceNotKept(Refusal):
    """There is no clip of this evidence: it is not finished, has failed, or was deleted."""

    code = "EVIDENCE_NOT_KEPT"


class Found(NamedTuple):
    """A clip that the asker may see, by rights that are to be looked at once more."""

    state: str
    digest: str
    sound: str | None
    scope: Scope
    snapshot: Snapshot


def routes(house: House, folder: EvidenceFolder) -> list[BaseRoute]:
    door = Downloads(house, folder)
    return [Route("/video/evidence/{evidence}", Answered(house, door.download, "GET, HEAD"))]


class Downloads:
    """Of one gateway."""

    def __init__(self, house: House, folder: EvidenceFolder) -> None:
        self._house, self._folder = house, folder
        self._turnstile = asyncio.Semaphore(house.config.video_evidence_reads)

    async def download(self, request: Request) -> Response:
        """One request. A range is a download too."""
        record = record_of(request.scope)
        actor = await self._house.callers.actor(bearer(request))
        record.actor = actor.subject
        place = named(request.path_params["evidence"])
        if place is None:
            raise EvidenceNotFound
        asker, held = Asker(record.request_id, actor.subject), Held(self._house, actor, place.tenant, HALL_EVIDENCE)
        try:
            async with asyncio.timeout(self._house.config.answer_within):
                await held.take()
                return await self._standing(actor, asker, place, held)
        except BaseException as problem:  # whatever it is, a cancelled request too: the lease is given back, and it goes on
            held.give_back()
            if isinstance(problem, TimeoutError):
                raise AnswerTimedOut from None
            raise

    async def _standing(self, actor: Actor, asker: Asker, place: Named, held: Held) -> Response:
        """On record, whole, and by rights that still stand then, and as long as it takes."""
        for _ in range(1 + READ_AGAIN):
            found = await self._found(actor, asker, place)
            if found.state != EvidenceState.KEPT:
                raise EvidenceNotKept(found.state)
            response = await self._intact(asker, place, found, held)
            if await self._house.rights.stand(found.scope, found.snapshot):
                await self._house.callers.stands(actor, found.scope, found.snapshot.version)
                return response
        raise PolicyChanged

    async def _found(self, actor: Actor, asker: Asker, place: Named) -> Found:
        """By the one way to read. Raises EvidenceNotFound, ActionRefused, TokenInvalid, and a tenant's Failure."""
        house = self._house
        scope, snapshot = await house.scope_of(actor.subject)
        await house.callers.stands(actor, scope, snapshot.version)
        paths = snapshot.tree.paths
        if place.tenant not in scope.reach("tenant.view", paths):
            raise EvidenceNotFound
        if place.tenant not in scope.reach(HALL_EVIDENCE, paths):
            house.refusals.put([Refused(asker, scope, paths[place.tenant], Sought(place.tenant, HALL_EVIDENCE))])
            raise ActionRefused(f"{HALL_EVIDENCE} over {paths[place.tenant]} is needed")
        where, order = (Filter("id", "eq", place.row),), Order("marked_at")
        read = Read("evidence", CLIP.columns, where, order, 1, (place.tenant,), action=HALL_EVIDENCE)
        deadline = asyncio.get_running_loop().time() + house.config.answer_within
        page = await house.engine.page(read, CLIP, Asking(scope, datetime.fromtimestamp(house.clock(), UTC), deadline))
        for lack in page.missing:
            raise lack.fault
        if not page.rows:
            raise EvidenceNotFound
        state, digest, sound = page.rows[0][3:6]
        return Found(state, digest, sound, scope, snapshot)

    async def _intact(self, asker: Asker, place: Named, found: Found, held: Held) -> Response:
        """The file as it was kept. What was not is on record too, and nothing of it is sent."""
        kind = container(found.sound)
        try:
            async with self._turnstile:
                path = await asyncio.to_thread(self._folder.intact, place.tenant, found.digest, kind)
        except (EvidenceChanged, EvidenceMissing) as fault:
            await self._noted(asker, place, found, fault)
            raise
        await self._noted(asker, place, found, None)
        headers = {"etag": f'"{found.digest}"', "cache-control": "no-store", "x-content-type-options": "nosniff"}
        return LeasedFile(held, path, headers=headers, media_type=MEDIA[kind], filename=f"evidence-{place}.{kind}")

    async def _noted(self, asker: Asker, place: Named, found: Found, fault: Failure | None) -> None:
        """Raises AuditUnwritable."""
        row = found.scope.because(HALL_EVIDENCE, found.snapshot.tree.paths[place.tenant])
        said = f"Evidence {place.row}, SHA-256 {found.digest}"
        deed = Deed(
            asker.request_id, asker.actor, HALL_EVIDENCE, Outcome.OPENED if fault is None else Outcome.REFUSED, "evidence", 1,
            told=f"downloaded {said}" if fault is None else f"{fault.code}, not downloaded {said}",
            grant_id=None if row is None else row.id, because="" if row is None else row.spelled,
        )  # fmt: skip
        if await self._house.auditing.record({place.tenant: [deed]}):
            raise AuditUnwritable
