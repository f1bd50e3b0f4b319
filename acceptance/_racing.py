"""People who ask without end, an administrator who takes their rights back at any moment, and what must never be seen then.

An answer that shows what a right gave, and whose last byte left after the acknowledgement of that right's revocation did, is a
violation. Moments are those that the gateways wrote down. Knows nothing of what is done to the databases meanwhile.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

COUNTY, ELSEWHERE = "620102", "620200"
"""Where rights are granted and taken back, and where every reader may always look."""
ASKED = """query Q { tenant(code: "620102") { name } cases(first: 50) { totalCount nodes { no applicant { name } tenant { code } } }
  summary(by: [TENANT]) { groups { count tenant { code } } } }"""
WALK = """query W($after: String) { cases(first: 4, after: $after) {
  nodes { no applicant { name } tenant { code } } pageInfo { hasNextPage endCursor } } }"""
REVOKE = 'mutation { done: revoke(id: "%s", reason: "race") { ended { id } } }'
GRANT = 'mutation { done: grant(input: {subject: "%s", role: "supervisor", tenant: 620102, reason: "race"}) { grants { id } } }'


@dataclass
class Asked:
    """One answer. `shows`: whether it holds anything of the county."""

    request: str
    subject: str
    began: int
    shows: bool
    code: str


@dataclass
class Span:
    """From the acknowledgement of a revocation to the next grant: nothing of the county may leave for this reader."""

    subject: str
    revoke: str
    gateway: int
    began: int
    until: int = 0


@dataclass
class Told:
    """What the gateways of a race wrote down: request → moments, gateway → what a holder was told and when."""

    commits: dict[str, int] = field(default_factory=dict)
    left: dict[str, tuple[int, int]] = field(default_factory=dict)
    fell: int = 0
    holders: dict[int, list[tuple[str, bool | None, int]]] = field(default_factory=dict)


@dataclass
class Race:
    """Gateways under way, and everybody at them. `tokens`: subject → its token."""

    clients: Sequence[httpx.AsyncClient]
    tokens: Mapping[str, str]
    random: Random
    walking: bool = False
    asked: list[Asked] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    _numbers: Counter[str] = field(default_factory=Counter)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def post(self, subject: str, query: str, at: int, variables: Any = None) -> tuple[str, int, Any]:
        """The request's id, when it was sent, and what came."""
        self._numbers[subject] += 1
        request, began = f"{subject}-{self._numbers[subject]}", time.monotonic_ns()
        headers = {"authorization": f"Bearer {self.tokens[subject]}", "x-request-id": request}
        body = {"query": query, "variables": variables}
        return request, began, (await self.clients[at].post("/graphql", json=body, headers=headers)).json()

    async def change(self, mutation: str, at: int) -> tuple[str, int, Any]:
        """A change by the administrator. One that a neighbour's change overtook is made again."""
        while True:
            request, began, answer = await self.post("chief", mutation, at)
            if "errors" not in answer:
                return request, began, answer["data"]["done"]
            if answer["errors"][0]["extensions"]["code"] not in ("POLICY_CHANGED", "AUDIT_UNWRITABLE"):
                raise SystemExit(f"{mutation}: {answer}")

    async def reader(self, subject: str) -> None:
        """Asks without end, at any of the gateways."""
        after = None
        while True:
            query, variables = (WALK, {"after": after}) if self.walking else (ASKED, None)
            request, began, answer = await self.post(subject, query, self.random.randrange(len(self.clients)), variables)
            errors = answer.get("errors")
            code = errors[0]["extensions"]["code"] if errors else ""
            self.asked.append(Asked(request, subject, began, shows(answer.get("data")), code))
            self._news.set()
            page = ((answer.get("data") or {}).get("cases") or {}).get("pageInfo") or {}
            after = page.get("endCursor") if page.get("hasNextPage") else None

    async def seen(self, subject: str, since: int, shown: bool, answers: int = 1) -> None:
        """Until the reader got so many answers, asked after that moment, that show the county, or not."""
        while sum(one.subject == subject and one.began > since and one.shows is shown for one in self.asked[-400:]) < answers:
            self._news.clear()
            await self._news.wait()

    async def lane(self, subject: str, rounds: int) -> None:
        """One reader whose right comes and goes."""
        reading = asyncio.create_task(self.reader(subject))
        try:
            for _ in range(rounds):
                await self.round(subject)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def round(self, subject: str) -> None:
        _, began, done = await self.change(GRANT % subject, self.random.randrange(len(self.clients)))
        for span in self.spans:
            if span.subject == subject and not span.until:
                span.until = began
        await self.seen(subject, began, shown=True)
        await asyncio.sleep(self.random.random() * 0.15)
        await self.taken_back(subject, done["grants"][0]["id"], self.random.randrange(len(self.clients)))
        await self.seen(subject, time.monotonic_ns(), shown=False, answers=2)

    async def taken_back(self, subject: str, number: str, at: int) -> None:
        request, began, _ = await self.change(REVOKE % number, at)
        self.spans.append(Span(subject, request, at, began))


def shows(data: Any) -> bool:
    """Whether an answer's data hold anything of the county."""
    if data is None:
        return False
    nodes = (data.get("cases") or {}).get("nodes") or []
    groups = (data.get("summary") or {}).get("groups") or []
    return bool(data.get("tenant")) or any(one["tenant"]["code"] == COUNTY for one in [*nodes, *groups] if one["tenant"])


@dataclass
class Judged:
    """What became of a race."""

    revocations: int
    answers: int
    across: int
    """Answers under way between the commit of a revocation and its acknowledgement."""
    fell: int
    """Answers that were thrown away because their rights stood no more."""
    violations: int
    after: int
    """Answers that left between an acknowledgement and the next grant."""
    told: list[float]
    """Seconds from a commit to the telling of who holds that right, in every other gateway, or in the only one."""
    acknowledged: list[float]
    """Seconds from a commit to its acknowledgement."""


def judged(race: Race, told: Told) -> Judged:
    spans, later = race.spans, time.monotonic_ns()
    across = violations = after = 0
    for span in spans:
        commit, acknowledged = told.commits[span.revoke], told.left[span.revoke][0]
        for one in race.asked:
            if one.subject != span.subject or one.request not in told.left:
                continue
            last = told.left[one.request][1]
            across += one.began < commit < last
            if acknowledged < last < (span.until or later):
                after += 1
                violations += one.shows
    waits = [(told.left[span.revoke][0] - told.commits[span.revoke]) / 1e9 for span in spans]
    found = [seconds for span in spans for seconds in tellings(span, told, len(race.clients))]
    return Judged(len(spans), len(race.asked), across, told.fell, violations, after, found, waits)


def tellings(span: Span, told: Told, gateways: int) -> Iterable[float]:
    """How long after the commit each gateway told its holder; for ever where it did not."""
    commit = told.commits[span.revoke]
    for at, lines in told.holders.items():
        if gateways == 1 or at != span.gateway:
            moments = [when for subject, sees, when in lines if subject == span.subject and not sees and when > commit]
            yield (min(moments) - commit) / 1e9 if moments else float("inf")


@asynccontextmanager
async def meanwhile(work: Any) -> AsyncIterator[None]:
    """Something that goes on beside, until the block ends."""
    task: asyncio.Task[None] = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()
