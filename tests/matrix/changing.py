"""Every mutation tried by somebody in every place: what it is done to is there, made by an administrator of the province."""

from dataclasses import dataclass, field
from typing import Any

from tests.matrix.world import GRANTED, PLACES, Door

CODES = {"TENANT_NOT_FOUND": ".", "GRANT_NOT_FOUND": ".", "ACTION_REFUSED": "a", "DELEGATION_EXCEEDS": "e"}
"""How a refusal is spelled in the table; what is not there and what one may not know of are told alike."""
ROW = "{ id subject role effect extent tenant department path from until reason grantedBy grantedAt through team }"
CHANGE = f"{{ grants {ROW} proposals {{ id subject path state decidedBy grant }} ended {ROW} }}"
SPAN = 'until: "2090-01-01T00:00:00Z", reason: "x"'
TOLD = {
    "grant": {"proposals"}, "recuse": {"grants"}, "recuse oneself": {"grants"}, "delegate": {"grants"}, "revoke": {"ended"},
    "approve": {"grants", "proposals"}, "reject": {"proposals"}, "formTeam": {"proposals"}, "dissolveTeam": {"ended"},
    "endSessions": set(),
}  # fmt: skip
"""Mutation → which lists of `PolicyChange` tell of it. Recusing is tried twice: somebody else, and oneself."""


@dataclass
class Trying:
    """Somebody's attempts. `wrong`: what was told of a change, or done by a refused one, that is not so."""

    at: Door
    targets: dict[str, dict[str, str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    tries: int = 0

    def of(self, place: str) -> str:
        tenant, code = PLACES[place]
        return f'tenant: {tenant}, extent: DEPARTMENT, department: "{code}"'

    def team(self, place: str, subject: str) -> str:
        tenant, code = PLACES[place]
        of = f'tenants: [{tenant}], extent: DEPARTMENT, department: "{code}"'
        return f'formTeam(input: {{name: "组", subjects: ["{subject}"], {of}, {SPAN}}})'

    async def done(self, who: str, change: str) -> Any:
        answer = await self.at.ask(who, f"mutation {{ done: {change} {CHANGE} }}")
        assert "errors" not in answer, answer
        return answer["data"]["done"]

    async def prepare_all(self) -> None:
        for place in PLACES:
            await self.prepare(place)

    async def proposed(self, place: str, subject: str) -> str:
        """A grant that waits for a second administrator."""
        wanted = f'subject: "{subject}", role: "clerk", {self.of(place)}, {SPAN}'
        return str((await self.done("chief", f"grant(input: {{{wanted}}})"))["proposals"][0]["id"])

    async def prepare(self, place: str) -> None:
        """What there is to be taken back, decided about and dissolved in a place."""
        self.tries += 1
        holder, waiting, member = (f"{name}-{place}-{self.tries}" for name in ("holder", "waiting", "member"))
        approved = await self.done("deputy", f'approve(proposal: {await self.proposed(place, holder)}, reason: "x")')
        group = (await self.done("deputy", self.team(place, member)))["proposals"][0]["id"]
        formed = await self.done("chief", f'approve(proposal: {group}, reason: "x")')
        self.targets[place] = {
            "holder": holder, "grant": approved["grants"][0]["id"], "proposal": await self.proposed(place, waiting),
            "team": formed["grants"][0]["team"],
        }  # fmt: skip

    def change(self, mutation: str, who: str, place: str) -> str:
        tenant, code = PLACES[place]
        mine, somebody, why = self.targets[place], f"somebody-{self.tries}", 'reason: "x"'
        role = next((role for role in who.split("+") if role in GRANTED), "clerk")
        recusal = f'tenant: {tenant}, department: "{code}", {SPAN}'
        return {
            "grant": f'grant(input: {{subject: "{somebody}", role: "clerk", {self.of(place)}, {SPAN}}})',
            "delegate": f'delegate(input: {{subject: "{somebody}", role: "{role}", {self.of(place)}, {SPAN}}})',
            "recuse": f'recuse(input: {{subject: "{somebody}", {recusal}}})',
            "recuse oneself": f'recuse(input: {{subject: "{who}", {recusal}}})',
            "revoke": f"revoke(id: {mine['grant']}, {why})",
            "approve": f"approve(proposal: {mine['proposal']}, {why})",
            "reject": f"reject(proposal: {mine['proposal']}, {why})",
            "formTeam": self.team(place, somebody),
            "dissolveTeam": f"dissolveTeam(team: {mine['team']}, {why})",
            "endSessions": f'endSessions(subject: "{mine["holder"]}", {why})',
        }[mutation]

    async def letter(self, mutation: str, who: str, place: str) -> str:
        """`y` where it was done, or how it was refused."""
        self.tries += 1
        registry = self.at.house.registry
        before = await registry.policy_version()
        answer = await self.at.ask(who, f"mutation {{ done: {self.change(mutation, who, place)} {CHANGE} }}")
        told, changed = answer["data"]["done"], await registry.policy_version() != before
        if told is None:
            if changed:
                self.wrong.append(f"{mutation} by {who} in {place} was refused and changed the policy")
            return CODES.get(answer["errors"][0]["extensions"]["code"], "?")
        await self.told(f"{mutation} by {who} in {place}", TOLD[mutation], told)
        if mutation == "recuse oneself":
            await self.done("chief", f'revoke(id: {told["grants"][0]["id"]}, reason: "x")')
        if mutation in ("revoke", "approve", "reject", "dissolveTeam"):
            await self.prepare(place)
        return "y"

    async def told(self, what: str, lists: set[str], told: dict[str, Any]) -> None:
        """What is told of a change is so in the registry."""
        if {name for name, rows in told.items() if rows} != lists:
            self.wrong.append(f"{what} told of {sorted(name for name, rows in told.items() if rows)}")
        standing = {str(one.grant.id): one.grant for one in await self.at.house.registry.grants()}
        for row in told["grants"]:
            if row["id"] not in standing or standing[row["id"]].path != row["path"]:
                self.wrong.append(f"{what} told of a row that does not stand: {row}")
        self.wrong += [f"{what} told of an end of a row that stands: {row}" for row in told["ended"] if row["id"] in standing]


async def tried(at: Door, who: str, mutations: list[str], trying: Trying) -> dict[str, str]:
    """Mutation → a letter for each place."""
    return {mutation: "".join([await trying.letter(mutation, who, place) for place in PLACES]) for mutation in mutations}
