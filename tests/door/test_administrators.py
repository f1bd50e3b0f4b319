"""How far administrators go: never above themselves, never alone above county level, and never told what is out of reach."""

from pathlib import Path

import pytest

from supervision.grant import Grant
from tests.door.administered import administered

LIU = '{subject: "liu", role: "supervisor", tenant: 620102, reason: "new colleague"}'
ENDS = 'until: "2099-01-01T00:00:00Z"'


async def test_a_special_group_comes_and_goes_together(tmp_path: Path) -> None:
    team = f'formTeam(input: {{name: "fees", subjects: ["a", "b"], tenants: [620102, 620200], {ENDS}, reason: "campaign"}})'
    async with administered(tmp_path, four_eyes=()) as office:
        assert await office.refused("lanzhou", team) == "TENANT_NOT_FOUND"
        done = await office.change("chief", team)
        assert len(done["grants"]) == 4
        assert {row["team"] for row in done["grants"]} == {"1"}
        assert await office.sees("b") == {"620102", "620200"}
        assert await office.refused("lanzhou", 'dissolveTeam(team: "1", reason: "over")') == "GRANT_NOT_FOUND"
        ended = await office.change("chief", 'dissolveTeam(team: "1", reason: "over")')
        assert len(ended["ended"]) == 4
        assert await office.sees("b") == set()
        assert await office.refused("nobody", 'dissolveTeam(team: "1", reason: "again")') == "GRANT_NOT_FOUND"


async def test_a_group_above_county_level_waits_whole_for_a_second_administrator(tmp_path: Path) -> None:
    team = f'formTeam(input: {{name: "fees", subjects: ["a", "b"], tenants: [620102, 620200], {ENDS}, reason: "campaign"}})'
    async with administered(tmp_path) as office:
        admin = team.replace('name: "fees"', 'name: "fees", role: "policy_admin"')
        for wanted in (team, admin):
            done = await office.change("chief", wanted)
            assert (done["grants"], [one["state"] for one in done["proposals"]]) == ([], ["PENDING"] * 4)
        first, fifth = 1, 5
        assert await office.sees("b") == set()
        assert await office.refused("chief", f'approve(proposal: {first}, reason: "mine")') == "GRANT_TO_ONESELF"
        assert await office.refused("lanzhou", f'approve(proposal: {first}, reason: "half of it is here")') == "GRANT_NOT_FOUND"
        done = await office.change("deputy", f'approve(proposal: {first}, reason: "right")')
        assert ([row["team"] for row in done["grants"]], len(done["proposals"])) == (["1"] * 4, 4)
        assert await office.sees("b") == {"620102", "620200"}
        assert len((await office.change("deputy", f'reject(proposal: {fifth}, reason: "no")'))["proposals"]) == 4
        assert len((await office.change("chief", 'dissolveTeam(team: "1", reason: "over")'))["ended"]) == 4
        assert await office.refused("chief", 'dissolveTeam(team: "2", reason: "never was")') == "GRANT_NOT_FOUND"


PROPOSING = 'grant(input: {subject: "liu", role: "supervisor", tenant: 620100, reason: "promoted"})'
APPROVING = 'approve(proposal: 1, reason: "right")'


async def test_what_was_proposed_too_long_ago_is_not_approved_any_more(tmp_path: Path) -> None:
    async with administered(tmp_path, proposal_lifetime=2) as office:
        await office.change("chief", PROPOSING)
        async with office.house.registry.transaction() as session:
            await session.script("UPDATE proposals SET proposed_at = datetime('now', '-49 hours')")
        assert await office.refused("deputy", APPROVING) == "PROPOSAL_EXPIRED"
        listed = await office.ask("chief", "{ a: proposals { nodes { state } } b: proposals(state: PENDING) { nodes { state } } }")
        assert listed["data"] == {"a": {"nodes": [{"state": "EXPIRED"}]}, "b": {"nodes": []}}
        async with office.house.registry.transaction() as session:
            await session.script("UPDATE proposals SET proposed_at = datetime('now', '-47 hours')")
        assert len((await office.change("deputy", APPROVING))["grants"]) == 1


@pytest.mark.parametrize("lost", ["taken back", "recused"])
async def test_what_was_proposed_by_somebody_who_lost_the_right_is_not_approved(tmp_path: Path, lost: str) -> None:
    async with administered(tmp_path) as office:
        await office.change("chief", PROPOSING)
        (own,) = await office.house.registry.grants_of("chief")
        if lost == "taken back":
            await office.change("deputy", f'revoke(id: {own.id}, reason: "left")')
        else:
            await office.change("chief", 'recuse(input: {subject: "chief", tenant: 620102, reason: "my brother"})')
        assert await office.refused("deputy", APPROVING) == "PROPOSAL_VOID"
        assert await office.house.registry.grants_of("liu") == []
        assert (await office.change("deputy", APPROVING.replace("approve", "reject")))["proposals"][0]["state"] == "REJECTED"


OUT_OF_REACH = {
    "a grant": ('revoke(id: {id}, reason: "x")', {"of a sibling": "5", "none": "999"}),
    "a proposal": ('approve(proposal: {id}, reason: "x")', {"of a sibling": "1", "none": "999"}),
    "a proposal turned down": ('reject(proposal: {id}, reason: "x")', {"of a sibling": "1", "none": "999"}),
    "a group": ('dissolveTeam(team: {id}, reason: "x")', {"of a sibling": "1", "none": "999"}),
    "sessions": ('endSessions(subject: "{id}", reason: "x")', {"of a sibling": "a", "of a superior": "city", "none": "x"}),
}  # fmt: skip


@pytest.mark.parametrize("case", OUT_OF_REACH)
async def test_what_is_out_of_reach_is_answered_byte_for_byte_like_what_is_not_there(tmp_path: Path, case: str) -> None:
    field, ids = OUT_OF_REACH[case]
    team = f'formTeam(input: {{name: "fees", subjects: ["a"], tenants: [620102], {ENDS}, reason: "campaign"}})'
    async with administered(tmp_path) as office:
        await office.change("lanzhou", team)
        await office.change("chief", 'grant(input: {subject: "liu", role: "supervisor", tenant: 620100, reason: "promoted"})')
        told = {
            str(await office.ask("jia", f"mutation {{ done: {field.format(id=number)} {{ grants {{ id }} }} }}"))
            for number in ids.values()
        }
    assert len(told) == 1
    assert "GRANT_NOT_FOUND" in told.pop()


async def test_a_grant_to_be_looked_at_out_of_reach_is_answered_like_none(tmp_path: Path) -> None:
    async with administered(tmp_path) as office:
        (own,) = await office.house.registry.grants_of("city")
        told = [await office.ask("jia", f"{{ policyDiff(change: {{revoke: {n}}}) {{ isCut }} }}") for n in (own.id, 999)]
        why = '{{ explain(actor: "jia", action: "case.view", tenant: {}) {{ allowed }} }}'
        asked_of = [await office.ask("jia", why.format(tenant)) for tenant in ("620102", "629999")]
    assert told[0] == told[1]
    assert asked_of[0] == asked_of[1]


SUPERIORS = {
    "the province's supervisor": Grant(subject="province", role="supervisor", path="620000/*"),
    "the province's administrator": Grant(subject="other", role="policy_admin", path="620000/*"),
    "who stands above from some day on": Grant(subject="soon", role="supervisor", path="620000/*", not_before=4_000_000_000),
    "a line of duty from above": Grant(subject="line", role="inspector", path="620000/*/@GAJ/*"),
}


@pytest.mark.parametrize("case", SUPERIORS)
async def test_nobody_recuses_who_stands_above_them_or_ends_their_sessions(tmp_path: Path, case: str) -> None:
    above = SUPERIORS[case]
    denial = f'recuse(input: {{subject: "{above.subject}", tenant: 620102, reason: "let us be"}})'
    async with administered(tmp_path) as office:
        registry = office.house.registry
        await registry.grant(Grant(subject="admin", role="policy_admin", path="620000/620100/620102/*"))
        await registry.grant(above)
        assert await office.refused("admin", denial) == "ACTION_REFUSED"
        looked = await office.ask("admin", f"{{ policyDiff(change: {{{denial.replace('(input: ', ': ')[:-1]}}}) {{ isCut }} }}")
        assert looked["errors"][0]["extensions"]["code"] == "ACTION_REFUSED"
        await office.change("admin", f"grant(input: {LIU.replace('liu', above.subject)})")
        assert await office.refused("admin", f'endSessions(subject: "{above.subject}", reason: "x")') == "GRANT_NOT_FOUND"
        assert len((await office.change("chief", denial))["grants"]) == 1


async def test_a_county_recuses_its_own_people_and_people_without_rights_there(tmp_path: Path) -> None:
    async with administered(tmp_path) as office:
        await office.house.registry.grant(Grant(subject="admin", role="policy_admin", path="620000/620100/620102/*"))
        await office.house.registry.grant(Grant(subject="past", role="supervisor", path="620000/*", expires=5))
        for who in ("county", "jia", "past"):
            await office.change("admin", f'recuse(input: {{subject: "{who}", tenant: 620102, reason: "x"}})')
        await office.change("province", 'recuse(input: {subject: "province", tenant: 620102, reason: "my own home"})')
        (_, own) = await office.house.registry.grants_of("province")
        assert await office.refused("province", f'revoke(id: {own.id}, reason: "let me")') == "GRANT_NOT_FOUND"


async def test_rights_that_came_before_the_transaction_stop_a_recusal(tmp_path: Path) -> None:
    """The recused is promoted after the look at their rights and before the change."""
    async with administered(tmp_path) as office:
        registry = office.house.registry
        grants_of, looks = registry.grants_of, list[str]()

        async def racing(subject: str) -> list[Grant]:
            rows = await grants_of(subject)
            if subject == "county" and not looks:
                looks.append(subject)
                await registry.grant(Grant(subject="county", role="supervisor", path="620000/*"))
            return rows

        registry.grants_of = racing  # type: ignore[method-assign]
        await office.house.registry.grant(Grant(subject="admin", role="policy_admin", path="620000/620100/620102/*"))
        answer = await office.ask(
            "admin", 'mutation { recuse(input: {subject: "county", tenant: 620102, reason: "x"}) { grants { id } } }'
        )
        assert answer["errors"][0]["extensions"]["code"] == "POLICY_CHANGED"
        assert {row.effect for row in await grants_of("county")} == {"allow"}


async def test_ended_sessions_of_somebody_without_rights_are_on_record_at_the_top(tmp_path: Path) -> None:
    async with administered(tmp_path) as office:
        await office.house.registry.grant(Grant(subject="auditor", role="auditor", path="620000/*"))
        await office.change("stranger", 'endSessions(subject: "stranger", reason: "lost my card")')
        query = "{ auditEntries(within: 620000) { nodes { actor told reason } } }"
        told = (await office.ask("auditor", query))["data"]["auditEntries"]["nodes"]
    assert told == [{"actor": "stranger", "told": "sessions of stranger ended", "reason": "lost my card"}]
