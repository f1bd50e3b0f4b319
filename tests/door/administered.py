"""The small province with people who administer its policy, asked through the door without a wire."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway.house import House
from supervision.grant import Grant
from tests.door.asking import asked, house

ADMINISTRATORS = (
    Grant(subject="chief", role="policy_admin", path="620000/*", reason="set up"),
    Grant(subject="deputy", role="policy_admin", path="620000/*", reason="set up"),
    Grant(subject="lanzhou", role="policy_admin", path="620000/620100/*", reason="set up"),
    Grant(subject="jia", role="policy_admin", path="620000/620200/*", reason="set up"),
)
ROW = "id subject role effect extent tenant department path from until reason grantedBy through team"
CHANGE = f"{{ grants {{ {ROW} }} proposals {{ id state subject path }} ended {{ {ROW} }} }}"


@asynccontextmanager
async def administered(folder: Path, **settings: object) -> AsyncIterator["Office"]:
    async with house(folder, **settings) as open_house:
        for grant in ADMINISTRATORS:
            await open_house.registry.grant(grant)
        yield Office(open_house)


class Office:
    """Where the policy is administered."""

    def __init__(self, open_house: House) -> None:
        self.house = open_house

    async def ask(self, who: str, query: str) -> dict[str, Any]:
        status, answer = await asked(self.house, who, query)
        assert status == 200, answer
        return answer

    async def change(self, who: str, field: str) -> dict[str, Any]:
        """A mutation that must succeed."""
        answer = await self.ask(who, f"mutation {{ done: {field} {CHANGE} }}")
        assert "errors" not in answer, answer
        done: dict[str, Any] = answer["data"]["done"]
        return done

    async def refused(self, who: str, field: str) -> str:
        """The code that a mutation is refused with; nothing changed then."""
        before = await self.house.registry.policy_version()
        answer = await self.ask(who, f"mutation {{ done: {field} {CHANGE} }}")
        assert answer["data"] == {"done": None}, answer
        assert await self.house.registry.policy_version() == before
        code: str = answer["errors"][0]["extensions"]["code"]
        return code

    async def sees(self, who: str) -> set[str]:
        """The tenants that somebody may know of."""
        answer = await self.ask(who, "{ tenants(first: 100) { nodes { code } } }")
        return {node["code"] for node in answer["data"]["tenants"]["nodes"]}
