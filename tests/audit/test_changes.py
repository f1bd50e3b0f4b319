"""Changes of the policy, and those that were refused, in the logs of the tenants they concern."""

from supervision.audit import Outcome
from supervision.grant import Grant
from tests.audit.places import Asking

LIU = '{subject: "liu", role: "supervisor", tenant: 620102, reason: "new colleague"}'
CHIEF = Grant(subject="chief", role="policy_admin", path="620000/*")


async def test_a_grant_made_and_taken_back_is_on_record_with_both_reasons(gateway: Asking) -> None:
    await gateway.house.registry.grant(CHIEF)
    done = await gateway.ask("chief", f"mutation {{ grant(input: {LIU}) {{ grants {{ id }} }} }}")
    (row,) = done["data"]["grant"]["grants"]
    await gateway.ask("chief", f'mutation {{ revoke(id: {row["id"]}, reason: "left") {{ ended {{ id }} }} }}')
    made, ended = (entry.deed for entry in await gateway.entries("620102"))
    assert (made.action, made.outcome, made.entity, made.reason) == ("grant.write", Outcome.CHANGED, "grants", "new colleague")
    assert made.told == f"made {row['id']}: allow liu supervisor 620000/620100/620102/* 0-9999999999"
    assert made.because.endswith("allow chief policy_admin 620000/* 0-9999999999")
    assert (ended.told, ended.reason) == (made.told.replace("made", "ended"), "left")
    assert await gateway.findings("620102") == []


async def test_a_change_that_is_refused_is_on_record_as_refused(gateway: Asking) -> None:
    answer = await gateway.ask("city", f"mutation {{ grant(input: {LIU}) {{ grants {{ id }} }} }}")
    assert answer["errors"][0]["extensions"]["code"] == "ACTION_REFUSED"
    (entry,) = await gateway.entries("620102")
    assert (entry.deed.actor, entry.deed.action, entry.deed.outcome) == ("city", "grant.write", Outcome.REFUSED)


async def test_a_proposal_and_its_approval_are_two_entries(gateway: Asking) -> None:
    for who in ("chief", "deputy"):
        await gateway.house.registry.grant(Grant(subject=who, role="policy_admin", path="620000/*"))
    wanted = LIU.replace("620102", "620100")
    done = await gateway.ask("chief", f"mutation {{ grant(input: {wanted}) {{ proposals {{ id }} }} }}")
    number = done["data"]["grant"]["proposals"][0]["id"]
    await gateway.ask("deputy", f'mutation {{ approve(proposal: {number}, reason: "right") {{ grants {{ id }} }} }}')
    deeds = [entry.deed for entry in await gateway.entries("620100")]
    assert [(deed.actor, deed.entity, deed.told.split(":")[0]) for deed in deeds] == [
        ("chief", "proposals", f"{number} PENDING"),
        ("deputy", "grants", deeds[1].told.split(":")[0]),
        ("deputy", "proposals", f"{number} APPROVED"),
    ]


async def test_a_change_where_no_entry_can_be_written_is_made_and_the_log_says_what_is_missing(files: Asking) -> None:
    await files.house.registry.grant(CHIEF)
    async with files.source("620102").write("620102") as session:
        await session.script("CREATE TRIGGER full BEFORE INSERT ON audit_entries BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    answer = await files.ask("chief", f"mutation {{ grant(input: {LIU}) {{ grants {{ id }} }} }}")
    assert "errors" not in answer
    assert [line["tenant"] for line in files.lines if line["event"] == "audit"] == ["620102"]
    assert len(await files.house.registry.grants_of("liu")) == 1
