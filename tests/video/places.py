"""The small province with a hall, a window and cameras in it, entered through the API by whoever manages halls there."""

import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from supervision.grant import Grant
from tests.audit.places import Asking, house, made
from tests.door.small import configured

PEOPLE = (
    Grant(subject="manager", role="hall_operator", path="620000/620100/620102/*"),
    Grant(subject="elsewhere", role="hall_operator", path="620000/620200/*"),
    Grant(subject="jyj", role="inspector", path="620000/620100/620102/@JYJ/*"),
    Grant(subject="chief", role="policy_admin", path="620000/*"),
    Grant(subject="shy", role="supervisor", path="620000/*"),
    Grant(subject="shy", role="recused", path="620000/620100/620102/@JYJ/*", effect="deny"),
)
COUNTY = "620102"
URL = "rtsp://admin:geheim@10.9.8.7:554/ch1"


class Insisting(ABC):
    """Mutations whose outcome is known beforehand, for whoever can ask."""

    @abstractmethod
    async def ask(self, who: str, query: str, /) -> Any: ...

    async def done(self, who: str, field: str) -> Any:
        """A mutation that must succeed: what it tells."""
        answer = await self.ask(who, f"mutation {{ done: {field} }}")
        assert "errors" not in answer, answer
        return answer["data"]["done"]

    async def refused(self, who: str, field: str) -> str:
        """The code that a mutation is refused with."""
        answer = await self.ask(who, f"mutation {{ done: {field} }}")
        assert answer["data"] == {"done": None}, answer
        code: str = answer["errors"][0]["extensions"]["code"]
        return code


class Halls(Asking, Insisting):
    """Asks as people do, and insists."""

    async def asked(self, who: str, query: str) -> Any:
        answer = await self.ask(who, query)
        assert "errors" not in answer, answer
        return answer["data"]

    async def hall(self, code: str = "H1", who: str = "manager") -> str:
        field = f'createHall(input: {{tenant: 620102, code: "{code}", name: "城关区政务大厅"}}, reason: "opened") {{ id }}'
        return str((await self.done(who, field))["id"])

    async def camera(self, hall: str, code: str = "C1", more: str = "", url: str = URL) -> str:
        told = f'{{hall: "{hall}", code: "{code}", name: "一号窗口", url: "{url}" {more}}}'
        return str((await self.done("manager", f'createCamera(input: {told}, reason: "hung up") {{ id }}'))["id"])


@asynccontextmanager
async def halls(folder: Path, clock: Callable[[], float] = time.time, **settings: object) -> AsyncIterator[Halls]:
    await made(folder, cases=1)
    async with house(configured(folder, **settings), clock) as at:
        for grant in PEOPLE:
            await at.house.registry.grant(grant)
        yield Halls(at.house, at.lines)
