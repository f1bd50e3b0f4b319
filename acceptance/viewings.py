"""Five hundred sessions at random, while the gateway is killed now and then: every viewing is on record, once, as it was.

`python -m acceptance.viewings [SESSIONS] [KILLS] [SEED]`. What each viewer saw and did is kept here, and compared afterwards with
the tenant's viewings and with its audit log, which must verify.
"""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

import httpx

from acceptance._figures import Figures, scratch
from acceptance._halls import NOTED, OPEN, Halls, Seeing, halls, told
from acceptance.faults import mingjing
from gateway.video.showing import LOOK
from supervision.grant import Grant

SESSIONS, KILLS, AT_ONCE, CAMERAS = 500, 10, 8, 4
WITHIN = 40.0
GONE = 1.0
"""Seconds within which a picture goes when its viewing ends (docs/video.md)."""
WRITTEN = 1.0
"""Seconds that the gateway's note may take until it is in the file into which everybody else writes meanwhile."""
REST = 2.0
WAYS = ("leave",) * 5 + ("vanish",) * 4 + ("kicked",) * 3 + ("withdrawn",) * 3 + ("opened",) * 3 + ("changed",)
ENDS = {
    "leave": {"LEFT"}, "vanish": {"LEFT", "LOST"}, "kicked": {"KICKED"}, "withdrawn": {"RIGHT_WITHDRAWN"},
    "changed": {"CAMERA_CHANGED"}, "opened": set(),
}  # fmt: skip
OTHERS = {"GATEWAY_ENDED", "CAMERA_CHANGED", "LOST"}
"""How any of them may end too: killed, changed by somebody else, never come about."""


@dataclass
class Session:
    """What one viewer did and saw. `seen`: moments of the first and the last packet."""

    number: int
    who: str
    camera: str
    way: str
    token: bool = False
    answered: bool = False
    done: bool = False
    """Whether it came to the end that was meant for it, with a gateway that was there."""
    seen: tuple[float, float] | None = None

    @property
    def reason(self) -> str:
        return f"session {self.number}"


class Play:
    """All of it."""

    def __init__(self, here: Halls, random: Random, cameras: list[str]) -> None:
        self.here, self.random, self.cameras = here, random, cameras
        self.sessions: list[Session] = []
        self.dead: list[float] = []
        """When the gateway was dead: what came later was sent earlier."""
        self.late = 0.0
        """By how many seconds, at most, this process came late to look at its packets."""
        self.up = asyncio.Event()
        self.up.set()

    async def one(self, session: Session) -> None:
        here, viewer = self.here, Seeing()
        try:
            opened = await here.done(session.who, OPEN.format(session.camera, session.reason))
            session.token = opened is not None
            if opened is None or session.way == "opened":
                return
            session.answered = await viewer.join(here, opened) == 201
            if session.answered:
                await self.watched(session, viewer, opened)
        finally:
            await viewer.leave()

    async def watched(self, session: Session, viewer: Seeing, opened: Any) -> None:
        with suppress(TimeoutError):
            try:
                await viewer.kept(lambda packets: bool(packets), within=WITHIN)
                await asyncio.sleep(self.random.uniform(0.1, 2.5))
                await getattr(self, session.way)(session, viewer, opened)
                session.done = True
            finally:
                session.seen = viewer.recorder.came

    async def leave(self, _: Session, viewer: Seeing, opened: Any) -> None:
        status = await viewer.say_goodbye(self.here, opened)
        if status not in (200, 401, 404):
            sys.exit(f"goodbye: {status}")

    async def vanish(self, *_: Any) -> None:
        pass

    async def kicked(self, session: Session, viewer: Seeing, _: Any) -> None:
        rows = await self.here.pages("manager", "viewings", "where: {live: true},", "id reason")
        for row in (one for one in rows if one["reason"] == session.reason):
            await self.here.done("manager", f'closeViewing(viewing: "{row["id"]}", reason: "enough") {{ id }}')
        await sent_away(viewer)

    async def withdrawn(self, session: Session, viewer: Seeing, _: Any) -> None:
        await self.here.registry.grant(Grant(subject=session.who, role="recused", path="620000/620100/620102/*", effect="deny"))
        await sent_away(viewer)

    async def changed(self, session: Session, viewer: Seeing, _: Any) -> None:
        await self.here.done("manager", f'changeCamera(id: "{session.camera}", input: {{sees: "x"}}, reason: "r") {{ id }}')
        await sent_away(viewer)

    async def some(self, numbers: Any) -> None:
        for number in numbers:
            await self.up.wait()
            way = self.random.choice(WAYS)
            who = f"w{number}" if way == "withdrawn" else f"p{self.random.randrange(20)}"
            session = Session(number, who, self.random.choice(self.cameras), way)
            self.sessions.append(session)
            with suppress(httpx.HTTPError):
                await self.one(session)

    async def killing(self, kills: int, sessions: int) -> None:
        """At random, evenly over the sessions."""
        for n in range(kills):
            while len(self.sessions) < (n + 1) * sessions / (kills + 1):  # noqa: ASYNC110 - whoever plays does not wait for it
                await asyncio.sleep(0.05)
            await asyncio.sleep(self.random.random())
            await self.here.stop()
            self.dead.append(time.time())
            self.up.clear()
            await self.here.start()
            self.up.set()

    async def lag(self) -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.05)
            self.late = max(self.late, time.monotonic() - began - 0.05)


async def sent_away(viewer: Seeing) -> None:
    """Until the gateway ends it; a while longer, to see what still comes, where it does not."""
    await asyncio.wait_for(viewer.receivers[0].gone.wait(), 3 * GONE)


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


class Compared:
    """What was seen, beside what is on record."""

    def __init__(self, sessions: list[Session], viewings: list[Any], entries: list[Any]) -> None:
        self.sessions = {session.reason: session for session in sessions}
        self.viewings, self.entries = viewings, entries
        self.by_reason = {one["reason"]: one for one in viewings}
        self.count = Counter(one["reason"] for one in viewings)

    def without(self) -> int:
        """Sessions that saw a packet and have no viewing."""
        return sum(1 for reason, session in self.sessions.items() if session.seen and not self.count[reason])

    def strange(self) -> int:
        """Viewings of nobody, of another than it says, or of another camera."""
        return sum(1 for one in self.viewings if (of := self.sessions.get(one["reason"])) is None or not self.is_of(one, of))

    @staticmethod
    def is_of(one: Any, session: Session) -> bool:
        return (one["actor"], one["camera"]["id"], one["purpose"]) == (session.who, session.camera, "PATROL")

    def unaudited(self) -> int:
        """Viewings, and tokens that were given, without one entry of the log that is the same."""
        opened = Counter((one["actor"], one["reason"]) for one in self.entries if one["outcome"] == "OPENED")
        wanted = {reason: session for reason, session in self.sessions.items() if session.token or self.count[reason]}
        return sum(1 for reason, session in wanted.items() if opened[session.who, reason] != 1)

    def pairs(self, killed: bool) -> Iterator[tuple[tuple[float, float], float, float]]:
        """Of what a killed gateway left open, or of all else: when packets came, from when and until when it is on record."""
        for reason, session in self.sessions.items():
            one = self.by_reason.get(reason)
            if session.seen and one is not None and one["endedAt"] and killed is (one["endedAs"] == "GATEWAY_ENDED"):
                yield session.seen, moment(one["beganAt"]), moment(one["endedAt"])

    def before(self) -> float:
        """By how much, at most, somebody saw packets before the beginning on record."""
        return max([0.0, *(began - seen[0] for killed in (True, False) for seen, began, _ in self.pairs(killed))])

    def after(self) -> float:
        """By how much, at most, somebody saw packets after the end on record, where the gateway lived."""
        return max([0.0, *(seen[1] - ended for seen, _, ended in self.pairs(False))])

    def after_killed(self, dead: Sequence[float]) -> float:
        """The same where it did not, up to its death."""
        last = [(min([seen[1], *(at for at in dead if at > seen[0])]), ended) for seen, _, ended in self.pairs(True)]
        return max([0.0, *(seen - ended for seen, ended in last)])

    def wrong_ends(self) -> list[str]:
        """Ends that are not those that were made."""
        of = [(self.sessions[reason], one["endedAs"]) for reason, one in self.by_reason.items() if reason in self.sessions]
        return [f"{session.reason} {session.way}: {how}" for session, how in of if how not in ENDS[session.way] | OTHERS]


async def main(sessions: int, kills: int, seed: str) -> None:
    figures, random = Figures(), Random(seed)
    people = (*(f"p{n}" for n in range(20)), *(f"w{n}" for n in range(sessions)))
    with scratch("viewings") as folder:
        async with halls(folder, people) as here:
            play = Play(here, random, [here.camera, *[await here.hung(f"C{n}") for n in range(2, CAMERAS + 1)]])
            numbers, began = iter(range(sessions)), time.monotonic()
            lag = asyncio.create_task(play.lag())
            await asyncio.gather(play.killing(kills, sessions), *(play.some(numbers) for _ in range(AT_ONCE)))
            lag.cancel()
            figures.say(
                "sessions", f"{sessions} in {time.monotonic() - began:,.0f} s, {AT_ONCE} at once, {kills} kills, seed {seed}"
            )
            await settled(here)
            await compared(here, play, figures)
        mingjing("audit", "verify", "--data", str(folder / "data"))
        figures.say("the audit log", "verifies")
    figures.end()


async def settled(here: Halls) -> None:
    """Somebody watches for long enough that the gateway ends what an earlier one of its name left open."""
    opened, viewer = await here.done("province", OPEN.format(here.camera, "the last one")), Seeing()
    await viewer.join(here, opened)
    await viewer.kept(lambda packets: bool(packets), within=WITHIN)
    await asyncio.sleep(10 * NOTED + REST)
    await viewer.say_goodbye(here, opened)
    await viewer.leave()
    await asyncio.sleep(REST)


async def compared(here: Halls, play: Play, figures: Figures) -> None:
    await here.registry.grant(Grant(subject="auditor", role="auditor", path="620000/*"))
    columns = "actor reason purpose beganAt endedAt endedAs bytes camera { id }"
    viewings = [one for one in await here.pages("manager", "viewings", "", columns) if one["reason"] != "the last one"]
    where = 'within: 620102, where: {action: ["hall.video"]},'
    entries = await here.pages("auditor", "auditEntries", where, "actor reason outcome told")
    found = Compared(play.sessions, viewings, entries)
    seen = [session for session in play.sessions if session.seen]
    figures.say("of them saw a picture; ways", f"{len(seen)}; {dict(Counter(session.way for session in play.sessions))}")
    figures.say("viewings on record, and their ends", f"{len(viewings)}; {dict(Counter(one['endedAs'] for one in viewings))}")
    figures.equal("sessions that saw packets and have no viewing", found.without(), 0)
    figures.equal("viewings of one session beyond one", sum(found.count.values()) - len(found.count), 0)
    figures.equal("viewings of nobody, or of another", found.strange(), 0)
    figures.equal("viewings and tokens without their one entry in the log", found.unaudited(), 0)
    figures.equal("viewings that never ended", sum(one["endedAt"] is None for one in viewings), 0)
    figures.equal("ends that are not those that were made", found.wrong_ends(), [])
    figures.say("this process, late to look at its packets, at most", f"{play.late:.2f} s")
    figures.at_most("packets before the beginning on record", found.before(), 0)
    figures.at_most("packets after the end on record", found.after(), GONE + play.late)
    figures.at_most("the same, where the gateway was killed", found.after_killed(play.dead), NOTED + LOOK + WRITTEN)
    rows = [found.by_reason[session.reason] for session in seen if session.done and session.reason in found.by_reason]
    empty = [row for row in rows if row["endedAs"] != "GATEWAY_ENDED" and not row["bytes"]]
    figures.equal("seen, ended by a gateway that lived, and no bytes", len(empty), 0)
    figures.equal("errors in the log", len([line for line in told(here.log, "video") if line["level"] == "error"]), 0)


if __name__ == "__main__":
    given = dict(enumerate(sys.argv[1:]))
    asyncio.run(main(int(given.get(0, SESSIONS)), int(given.get(1, KILLS)), given.get(2, "mingjing")))
