"""The policy administered over GraphQL: who may change what, what goes along, and what is told of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from authz.signing import issue
from gateway.rights import Rights
from gateway.signing import demo_signing
from supervision.grant import Grant
from supervision.scope import Scope
from tenants.policy_rows import Granted
from tenants.registry import Snapshot
from tests.door.administered import ADMINISTRATORS, administered
from tests.door.asking import asked

LIU = '{subject: "liu", role: "supervisor", tenant: 620102, reason: "new colleague"}'
AUDITOR = LIU.replace("supervisor", "auditor")[:-1]
NO_CASE = '{subject: "county", tenant: 620102, caseNo: "none", reason: "x"}'
ENDS = 'until: "2099-01-01T00:00:00Z"'


async def test_a_county_grant_is_made_at_once_and_seen_at_once(tmp_path: Path) -> None:
    async with administered(tmp_path) as office:
        assert await office.sees("liu") == set()
        done = await office.change("lanzhou", f"grant(input: {LIU})")
        assert await office.sees("liu") == {"620102"}
    (row,) = done["grants"]
    assert (row["subject"], row["extent"], row["tenant"], row["path"]) == ("liu", "BELOW", "620102", "620000/620100/620102/*")
    assert (row["reason"], row["grantedBy"], row["until"]) == ("new colleague", "lanzhou", None)


async def test_a_grant_above_county_level_waits_for_a_second_administrator(tmp_path: Path) -> None:
    wanted = 'grant(input: {subject: "liu", role: "supervisor", tenant: 620100, reason: "promoted"})'
    async with administered(tmp_path) as office:
        done = await office.change("chief", wanted)
        (proposal,) = done["proposals"]
        assert (done["grants"], proposal["state"]) == ([], "PENDING")
        assert await office.sees("liu") == set()
        approve = f'approve(proposal: {proposal["id"]}, reason: "right")'
        assert await office.refused("chief", approve) == "GRANT_TO_ONESELF"
        assert await office.refused("jia", approve) == "GRANT_NOT_FOUND"
        done = await office.change("deputy", approve)
        assert await office.sees("liu") == {"620100", "620102"}
        assert await office.refused("deputy", approve) == "GRANT_NOT_FOUND"
        listed = await office.ask("lanzhou", "{ proposals { nodes { id state proposedBy decidedBy decidedBecause grant } } }")
    (told,) = listed["data"]["proposals"]["nodes"]
    assert (told["state"], told["proposedBy"], told["decidedBy"], told["decidedBecause"]) == (
        "APPROVED",
        "chief",
        "deputy",
        "right",
    )
    assert told["grant"] == done["grants"][0]["id"]


async def test_a_rejected_proposal_grants_nothing(tmp_path: Path) -> None:
    async with administered(tmp_path) as office:
        done = await office.change("chief", 'grant(input: {subject: "liu", role: "auditor", tenant: 620000, reason: "perhaps"})')
        rejected = await office.change("deputy", f'reject(proposal: {done["proposals"][0]["id"]}, reason: "no need")')
        assert rejected["proposals"][0]["state"] == "REJECTED"
        assert await office.sees("liu") == set()


async def test_four_eyes_are_a_setting(tmp_path: Path) -> None:
    async with administered(tmp_path, four_eyes=()) as office:
        done = await office.change("chief", 'grant(input: {subject: "liu", role: "supervisor", tenant: 620000, reason: "sole"})')
        assert len(done["grants"]) == 1


REFUSED = {
    "an administrator of a sibling": ("jia", f"grant(input: {LIU})", "TENANT_NOT_FOUND"),
    "a supervisor": ("city", f"grant(input: {LIU})", "ACTION_REFUSED"),
    "nobody": ("nobody", f"grant(input: {LIU})", "TENANT_NOT_FOUND"),
    "a grant to oneself": ("lanzhou", f"grant(input: {LIU.replace('liu', 'lanzhou')})", "GRANT_TO_ONESELF"),
    "a role that is none": ("lanzhou", f"grant(input: {LIU.replace('supervisor', 'king')})", "ROLE_UNKNOWN"),
    "no reason": ("lanzhou", f"grant(input: {LIU.replace('new colleague', '  ')})", "REASON_MISSING"),
    "a department that is not named": ("lanzhou", f"grant(input: {LIU[:-1]}, extent: LINE}})", "REACH_INVALID"),
    "a department that says nothing": ("lanzhou", f'grant(input: {LIU[:-1]}, department: "A"}})', "REACH_INVALID"),
    "a code with a slash": ("lanzhou", f'grant(input: {LIU[:-1]}, extent: DEPARTMENT, department: "A/../B"}})', "REACH_INVALID"),
    "a case": ("lanzhou", f"grant(input: {LIU[:-1]}, extent: CASE}})", "REACH_INVALID"),
    "ending before it begins": ("lanzhou", f'grant(input: {LIU[:-1]}, until: "1970-01-01T00:00:00Z"}})', "GRANT_INVALID"),
    "a tenant that does not exist": ("lanzhou", f"grant(input: {LIU.replace('620102', '629999')})", "TENANT_NOT_FOUND"),
    "more than one holds": ("county", f'delegate(input: {LIU.replace("620102", "620100")[:-1]}, {ENDS}}})', "TENANT_NOT_FOUND"),
    "another role than one's own": ("county", f"delegate(input: {AUDITOR}, {ENDS}}})", "DELEGATION_EXCEEDS"),
    "a delegation without an end": ("county", f"delegate(input: {LIU})", "REASON_MISSING"),
    "somebody else's recusal": ("city", 'recuse(input: {subject: "county", tenant: 620102, reason: "x"})', "ACTION_REFUSED"),
    "a recusal from no case": ("chief", f"recuse(input: {NO_CASE})", "GRANT_NOT_FOUND"),
    "a grant that is none": ("chief", 'revoke(id: "99999", reason: "x")', "GRANT_NOT_FOUND"),
    "an id that is no number": ("chief", 'revoke(id: "x", reason: "x")', "GRANT_NOT_FOUND"),
    "a proposal that is none": ("chief", 'approve(proposal: "77", reason: "x")', "GRANT_NOT_FOUND"),
    "a team that is none": ("chief", 'dissolveTeam(team: "5", reason: "x")', "GRANT_NOT_FOUND"),
    "sessions of a stranger": ("jia", 'endSessions(subject: "county", reason: "x")', "GRANT_NOT_FOUND"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
async def test_what_may_not_be_changed_is_refused_and_changes_nothing(tmp_path: Path, case: str) -> None:
    who, field, code = REFUSED[case]
    async with administered(tmp_path) as office:
        assert await office.refused(who, field) == code


async def test_the_same_grant_twice_is_refused_by_name(tmp_path: Path) -> None:
    async with administered(tmp_path) as office:
        await office.change("lanzhou", f"grant(input: {LIU})")
        assert await office.refused("lanzhou", f"grant(input: {LIU})") == "GRANT_INVALID"


async def test_what_one_holds_can_be_handed_on_and_ends_with_it(tmp_path: Path) -> None:
    async with administered(tmp_path) as office:
        registry = office.house.registry
        (own,) = await registry.grants_of("city")
        handed = await office.change("city", f"delegate(input: {LIU[:-1]}, {ENDS}}})")
        again = await office.change("liu", f"delegate(input: {LIU.replace('liu', 'qian')[:-1]}, {ENDS}}})")
        assert handed["grants"][0]["through"] == str(own.id)
        assert again["grants"][0]["through"] == handed["grants"][0]["id"]
        assert await office.sees("qian") == {"620102"}
        ended = await office.change("chief", f'revoke(id: {own.id}, reason: "left")')
        assert [row["subject"] for row in ended["ended"]] == ["city", "liu", "qian"]
        assert (await office.sees("city"), await office.sees("liu"), await office.sees("qian")) == (set(), set(), set())


async def test_rights_are_handed_on_only_so_often(tmp_path: Path) -> None:
    async with administered(tmp_path, delegation_depth=1) as office:
        await office.change("city", f"delegate(input: {LIU[:-1]}, {ENDS}}})")
        assert await office.refused("liu", f"delegate(input: {LIU.replace('liu', 'qian')[:-1]}, {ENDS}}})") == "ACTION_REFUSED"


async def test_a_delegation_never_outlives_its_givers_right(tmp_path: Path) -> None:
    async with administered(tmp_path) as office:
        short = Grant(subject="zhao", role="supervisor", path="620000/620100/*", expires=4_000_000_000)
        await office.house.registry.grant(short)
        longer = f'delegate(input: {LIU[:-1]}, until: "2096-10-02T07:06:40Z"}})'
        assert await office.refused("zhao", longer.replace("07:06:40", "07:06:41")) == "DELEGATION_EXCEEDS"
        assert len((await office.change("zhao", longer))["grants"]) == 1


async def test_a_recusal_denies_everything_at_once_and_ends_what_was_handed_on(tmp_path: Path) -> None:
    async with administered(tmp_path) as office:
        await office.change("city", f"delegate(input: {LIU[:-1]}, {ENDS}}})")
        done = await office.change("chief", 'recuse(input: {subject: "city", tenant: 620102, reason: "a relative works there"})')
        assert [row["subject"] for row in done["ended"]] == ["liu"]
        assert (await office.sees("city"), await office.sees("liu")) == ({"620100"}, set())
        row = done["grants"][0]
        assert (row["effect"], row["role"], row["path"]) == ("DENY", "recused", "620000/620100/620102/*")
        assert await office.refused("city", f'revoke(id: {row["id"]}, reason: "let me")') == "GRANT_NOT_FOUND"
        await office.change("chief", f'revoke(id: {row["id"]}, reason: "retired")')
        assert await office.sees("city") == {"620100", "620102"}


async def test_delegations_that_a_coming_recusal_makes_alike_become_one(tmp_path: Path) -> None:
    """Two that differ in their end alone, and one that ends at that very moment already."""
    wanted = f'{LIU[:-1]}, from: "2080-01-01T00:00:00Z"'
    begins = "2090-01-01T00:00:00Z"
    async with administered(tmp_path) as office:
        for until in ("2099-01-01T00:00:00Z", "2098-01-01T00:00:00Z", begins):
            await office.change("city", f'delegate(input: {wanted}, until: "{until}"}})')
        denial = f'{{subject: "city", tenant: 620102, from: "{begins}", reason: "moves there"}}'
        done = await office.change("chief", f"recuse(input: {denial})")
        left = await office.house.registry.grants_of("liu")
    assert [(row.expires, row.effect) for row in left] == [(3786912000, "allow")]
    assert [row["subject"] for row in done["ended"]] == ["liu", "liu"]


async def test_what_hangs_on_a_delegation_that_became_one_with_another_stays_until_the_recusal(tmp_path: Path) -> None:
    wanted = f'{LIU[:-1]}, from: "2080-01-01T00:00:00Z"'
    begins, until = "2090-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
    async with administered(tmp_path) as office:
        for end in (begins, until):
            await office.change("city", f'delegate(input: {wanted}, until: "{end}"}})')
        stays, goes = await office.house.registry.grants_of("liu")
        below = Grant(subject="wang", role="supervisor", path=stays.path, not_before=stays.not_before, expires=goes.expires)
        await office.house.registry.grant(replace(below, through=goes.id, granted_by="liu"))
        await office.change("chief", f'recuse(input: {{subject: "city", tenant: 620102, from: "{begins}", reason: "moves"}})')
        (left,) = await office.house.registry.grants_of("wang")
        assert (left.through, left.expires) == (stays.id, stays.expires)
        await office.change("city", f'revoke(id: {stays.id}, reason: "back")')
        assert await office.house.registry.grants_of("wang") == []


async def test_everybody_may_recuse_themselves(tmp_path: Path) -> None:
    async with administered(tmp_path) as office:
        await office.change("county", 'recuse(input: {subject: "county", tenant: 620102, department: "GAJ", reason: "my brother"})')
        (_, denial) = await office.house.registry.grants_of("county")
        assert (denial.path, denial.effect) == ("620000/620100/620102/@GAJ/*", "deny")


async def test_a_right_may_be_given_up_and_a_delegation_be_taken_back_by_its_giver(tmp_path: Path) -> None:
    async with administered(tmp_path) as office:
        handed = await office.change("city", f"delegate(input: {LIU[:-1]}, {ENDS}}})")
        await office.change("city", f'revoke(id: {handed["grants"][0]["id"]}, reason: "back from leave")')
        assert await office.sees("liu") == set()
        (own,) = await office.house.registry.grants_of("county")
        await office.change("county", f'revoke(id: {own.id}, reason: "moved")')
        assert await office.sees("county") == set()


async def test_grants_are_told_to_whoever_may_look_page_by_page(tmp_path: Path) -> None:
    async with administered(tmp_path) as office:
        pages, after = list[str](), ""
        while True:
            text = f"{{ grants(first: 2{after}) {{ nodes {{ subject }} pageInfo {{ endCursor hasNextPage }} totalCount }} }}"
            page = (await office.ask("chief", text))["data"]["grants"]
            pages += [node["subject"] for node in page["nodes"]]
            after = f', after: "{page["pageInfo"]["endCursor"]}"'
            if not page["pageInfo"]["hasNextPage"]:
                break
        assert pages == ["province", "city", "county", "clerk", "sender", *(grant.subject for grant in ADMINISTRATORS)]
        assert page["totalCount"] == len(pages)
        own = (await office.ask("county", "{ grants { nodes { subject } } }"))["data"]["grants"]["nodes"]
        of_city = (await office.ask("lanzhou", "{ grants(within: 620102) { nodes { subject } } }"))["data"]["grants"]["nodes"]
        one = (await office.ask("chief", '{ grants(subject: "clerk") { nodes { extent department } } }'))["data"]["grants"]["nodes"]
    assert own == [{"subject": "county"}]
    assert of_city == [{"subject": "county"}]
    assert one == [{"extent": "DEPARTMENT", "department": "JYJ"}]


async def test_an_answer_is_explained_with_what_would_change_it(tmp_path: Path) -> None:
    question = "{{ explain(actor: {who}, action: {what}, tenant: {where}) {{ allowed because toChange row {{ id path }} }} }}"

    async def explained(asker: str, who: str, what: str, where: str) -> dict[str, object]:
        text = question.format(who=f'"{who}"', what=f'"{what}"', where=where)
        found: dict[str, object] = (await office.ask(asker, text))["data"]["explain"]
        return found

    async with administered(tmp_path) as office:
        (city,) = await office.house.registry.grants_of("city")
        yes = await explained("lanzhou", "city", "case.view", "620102")
        no = await explained("lanzhou", "county", "case.view", "620100")
        await office.change("chief", 'recuse(input: {subject: "city", tenant: 620102, reason: "x"})')
        denied = await explained("chief", "city", "case.view", "620102")
    assert (yes["allowed"], yes["row"]) == (True, {"id": str(city.id), "path": "620000/620100/*"})
    assert yes["toChange"] == f"Taking back row(s) {city.id}, or a recusal that covers the place, would end it."
    assert (no["allowed"], no["row"]) == (False, None)
    assert "clerk, head, inspector, publisher, supervisor" in str(no["toChange"])
    assert denied["allowed"] is False
    assert "Denied by row" in str(denied["because"])


async def test_one_may_ask_why_about_oneself_and_about_places_that_one_may_look_at(tmp_path: Path) -> None:
    async with administered(tmp_path) as office:
        own = await office.ask("county", '{ explain(actor: "county", action: "case.view", tenant: 620102) { allowed } }')
        assert own["data"]["explain"] == {"allowed": True}
        other = await office.ask("county", '{ explain(actor: "city", action: "case.view", tenant: 620102) { allowed } }')
        assert other["errors"][0]["extensions"]["code"] == "ACTION_REFUSED"
        foreign = await office.ask("jia", '{ explain(actor: "jia", action: "case.view", tenant: 620102) { allowed } }')
        assert foreign["errors"][0]["extensions"]["code"] == "TENANT_NOT_FOUND"


LINE = "{{ subject action tenant before after }}"
DIFF = f"{{{{ policyDiff(change: {{{{{{change}}}}}}) {{{{ gives {LINE} takes {LINE} ends {{{{ subject }}}} isCut }}}} }}}}"


async def test_a_change_is_looked_at_before_it_is_made(tmp_path: Path) -> None:
    async with administered(tmp_path) as office:
        before = await office.house.registry.policy_version()
        answer = await office.ask("lanzhou", DIFF.format(change=f"grant: {LIU}"))
        diff = answer["data"]["policyDiff"]
        assert {"subject": "liu", "action": "case.view", "tenant": "620102", "before": "NOTHING", "after": "ALL"} in diff["gives"]
        assert diff["takes"] == []
        await office.change("city", f"delegate(input: {LIU[:-1]}, {ENDS}}})")
        denial = 'recuse: {subject: "city", tenant: 620102, reason: "x"}'
        diff = (await office.ask("chief", DIFF.format(change=denial)))["data"]["policyDiff"]
        assert diff["gives"] == []
        assert {(one["subject"], one["after"]) for one in diff["takes"]} == {("city", "NOTHING"), ("liu", "NOTHING")}
        assert [row["subject"] for row in diff["ends"]] == ["liu"]
        (own,) = await office.house.registry.grants_of("city")
        diff = (await office.ask("chief", DIFF.format(change=f"revoke: {own.id}")))["data"]["policyDiff"]
        assert [row["subject"] for row in diff["ends"]] == ["city", "liu"]
        refused = await office.ask("jia", DIFF.format(change=f"grant: {LIU}"))
        assert refused["errors"][0]["extensions"]["code"] == "TENANT_NOT_FOUND"
        assert await office.house.registry.policy_version() == before + 1  # the delegation, and nothing that was only looked at


async def test_what_concerns_one_person_does_not_read_the_whole_policy(tmp_path: Path) -> None:
    async def every() -> list[Granted]:
        raise AssertionError("all rows were read")

    async with administered(tmp_path) as office:
        registry = office.house.registry
        registry.grants = every  # type: ignore[method-assign]
        (own,) = await registry.grants_of("city")
        denial = '{subject: "city", tenant: 620102, reason: "x"}'
        for query in (
            '{ explain(actor: "city", action: "case.view", tenant: 620102) { allowed } }',
            '{ grants(subject: "city") { nodes { id } } }',
            f"{{ policyDiff(change: {{recuse: {denial}}}) {{ isCut }} }}",
            f"{{ policyDiff(change: {{revoke: {own.id}}}) {{ isCut }} }}",
        ):
            assert "errors" not in await office.ask("chief", query)
        await office.change("city", f"delegate(input: {LIU[:-1]}, {ENDS}}})")
        await office.change("chief", f"recuse(input: {denial})")
        await office.change("chief", f'revoke(id: {own.id}, reason: "left")')


async def test_what_is_looked_at_is_what_happens(tmp_path: Path) -> None:
    async with administered(tmp_path) as office:
        await office.change("city", f"delegate(input: {LIU[:-1]}, {ENDS}}})")
        denial = '{subject: "city", tenant: 620102, reason: "x"}'
        told = (await office.ask("chief", DIFF.format(change=f"recuse: {denial}")))["data"]["policyDiff"]["ends"]
        done = await office.change("chief", f"recuse(input: {denial})")
        assert [row["subject"] for row in done["ended"]] == [row["subject"] for row in told]


async def test_a_right_lost_before_the_transaction_is_a_right_lost(tmp_path: Path) -> None:
    async with administered(tmp_path) as office:
        registry = office.house.registry
        (own,) = await registry.grants_of("lanzhou")
        own_rights, looks = office.house.rights, list[bool]()

        class Racing(Rights):
            """Right after the look that lets the mutation run, its maker loses the right."""

            async def stand(self, scope: Scope, snapshot: Snapshot) -> bool:
                looks.append(await super().stand(scope, snapshot))
                if len(looks) == 1:
                    await registry.revoke(own.id)
                return looks[-1]

        office.house.rights = Racing(registry, own_rights.clock, own_rights.remembered)
        answer = await office.ask("lanzhou", f"mutation {{ grant(input: {LIU}) {{ grants {{ id }} }} }}")
        assert answer["errors"][0]["extensions"]["code"] == "POLICY_CHANGED"
        assert await registry.grants_of("liu") == []


async def test_sessions_that_were_ended_are_over_and_new_ones_are_not(tmp_path: Path) -> None:
    async with administered(tmp_path) as office:
        config, clock = office.house.config, office.house.clock
        before = issue("county", demo_signing(config), clock(), 60)
        assert (await asked(office.house, token=before))[0] == 200
        await office.change("lanzhou", 'endSessions(subject: "county", reason: "a lost telephone")')
        status, answer = await asked(office.house, token=before)
        assert (status, answer["errors"][0]["extensions"]["code"]) == (401, "SESSION_ENDED")
        after = issue("county", demo_signing(config), clock() + 2, 60)
        assert (await asked(office.house, token=after))[0] == 200


async def test_a_change_is_on_record_where_it_holds_before_it_is_made(tmp_path: Path) -> None:
    entries = "{ auditEntries(within: 620102, where: {outcome: CHANGED}) { nodes { actor action outcome reason told because } } }"
    async with administered(tmp_path) as office:
        await office.house.registry.grant(Grant(subject="auditor", role="auditor", path="620000/*"))
        done = await office.change("lanzhou", f"grant(input: {LIU})")
        await office.change("lanzhou", f'revoke(id: {done["grants"][0]["id"]}, reason: "left again")')
        told = (await office.ask("auditor", entries))["data"]["auditEntries"]["nodes"]
    assert [(one["actor"], one["action"], one["outcome"], one["reason"]) for one in told] == [
        ("lanzhou", "grant.write", "CHANGED", "left again"),
        ("lanzhou", "grant.write", "CHANGED", "new colleague"),
    ]
    assert told[1]["told"] == "granted: allow liu supervisor 620000/620100/620102/* 0-9999999999"
    assert "policy_admin 620000/620100/*" in told[1]["because"]


async def test_a_change_that_cannot_be_put_on_record_is_not_made(tmp_path: Path) -> None:
    async with administered(tmp_path) as office:
        (tmp_path / "tenants" / "620102.db").rename(tmp_path / "away.db")
        assert await office.refused("lanzhou", f"grant(input: {LIU})") == "AUDIT_UNWRITABLE"
        assert await office.house.registry.grants_of("liu") == []
