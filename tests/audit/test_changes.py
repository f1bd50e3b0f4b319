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
    assert made.told == "granted: allow liu supervisor 620000/620100/620102/* 0-9999999999"
    assert made.because.endswith("allow chief policy_admin 620000/* 0-9999999999")
    assert (ended.told, ended.reason) == (
        f"taken back: {row['id']}: allow liu supervisor 620000/620100/620102/* 0-9999999999",
        "left",
    )
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
    assert [(deed.actor, deed.told.split(":")[0], deed.reason) for deed in deeds] == [
        ("chief", "proposed", "new colleague"),
        ("deputy", "approved", "right"),
    ]


async def test_what_goes_along_is_on_record_where_it_held(gateway: Asking) -> None:
    await gateway.house.registry.grant(CHIEF)
    (own,) = await gateway.house.registry.grants_of("city")
    handed = f'{LIU[:-1]}, until: "2099-01-01T00:00:00Z"}}'
    assert "errors" not in await gateway.ask("city", f"mutation {{ delegate(input: {handed}) {{ grants {{ id }} }} }}")
    await gateway.ask("chief", f'mutation {{ revoke(id: {own.id}, reason: "left") {{ ended {{ id }} }} }}')
    for tenant, whose in (("620100", "city"), ("620102", "liu")):
        last = (await gateway.entries(tenant))[-1].deed
        assert (last.outcome, last.reason) == (Outcome.CHANGED, "left")
        assert f"allow {whose} supervisor" in last.told


async def test_a_change_that_cannot_be_put_on_record_is_not_made(files: Asking) -> None:
    await files.house.registry.grant(CHIEF)
    async with files.source("620102").write("620102") as session:
        await session.script("CREATE TRIGGER full BEFORE INSERT ON audit_entries BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    answer = await files.ask("chief", f"mutation {{ grant(input: {LIU}) {{ grants {{ id }} }} }}")
    assert answer["errors"][0]["extensions"]["code"] == "AUDIT_UNWRITABLE"
    assert await files.house.registry.grants_of("liu") == []


async def test_a_change_that_was_announced_and_then_refused_is_on_record_as_refused(gateway: Asking) -> None:
    await gateway.house.registry.grant(CHIEF)
    for _ in range(2):
        answer = await gateway.ask("chief", f"mutation {{ grant(input: {LIU}) {{ grants {{ id }} }} }}")
    assert answer["errors"][0]["extensions"]["code"] == "GRANT_INVALID"
    deeds = [entry.deed for entry in await gateway.entries("620102")]
    assert [(deed.outcome, deed.rows) for deed in deeds] == [(Outcome.CHANGED, 1), (Outcome.CHANGED, 1), (Outcome.REFUSED, 0)]
    row = "granted: allow liu supervisor 620000/620100/620102/* 0-9999999999"
    assert [deed.told for deed in deeds] == [row, row, f"GRANT_INVALID, not {row}"]
    assert deeds[2].reason == "new colleague"
    assert await gateway.findings("620102") == []


async def test_a_change_that_fails_leaves_its_announcement_alone(files: Asking) -> None:
    """The registry failed: whether it took the change is not known to whoever asked it, a commit's answer may be lost."""
    await files.house.registry.grant(CHIEF)
    async with files.house.registry.transaction() as session:
        await session.script("CREATE TRIGGER full BEFORE INSERT ON grants BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    answer = await files.ask("chief", f"mutation {{ grant(input: {LIU}) {{ grants {{ id }} }} }}")
    assert "errors" in answer
    (announced,) = [entry.deed for entry in await files.entries("620102")]
    assert announced.outcome == Outcome.CHANGED
    assert await files.house.registry.grants_of("liu") == []


async def test_a_delegation_is_on_record_with_the_row_that_is_handed_on(files: Asking) -> None:
    (own,) = await files.house.registry.grants_of("city")
    handed = f'{LIU[:-1]}, until: "2099-01-01T00:00:00Z"}}'
    done = await files.ask("city", f"mutation {{ delegate(input: {handed}) {{ grants {{ id }} }} }}")
    number = done["data"]["delegate"]["grants"][0]["id"]
    await files.ask("city", f'mutation {{ revoke(id: {number}, reason: "back") {{ ended {{ id }} }} }}')
    given, ended = [entry.deed for entry in await files.entries("620102")]
    assert (given.action, given.grant_id, given.because) == ("grant.delegate", own.id, own.spelled)
    assert (ended.grant_id, ended.because.split(":")[0]) == (int(number), number)


async def test_a_log_tells_no_row_that_lies_wholly_outside_of_its_tenant(files: Asking) -> None:
    await files.house.registry.grant(CHIEF)
    (own,) = await files.house.registry.grants_of("province")
    for who, tenant in (("liu", "620102"), ("jia", "620200")):
        handed = f'{{subject: "{who}", role: "supervisor", tenant: {tenant}, until: "2099-01-01T00:00:00Z", reason: "x"}}'
        assert "errors" not in await files.ask("province", f"mutation {{ delegate(input: {handed}) {{ grants {{ id }} }} }}")
    await files.ask("chief", f'mutation {{ revoke(id: {own.id}, reason: "left") {{ ended {{ id }} }} }}')
    county, province = [(await files.entries(tenant))[-1].deed.told for tenant in ("620102", "620000")]
    assert ("liu supervisor" in county, "jia" in county, county.endswith("; 1 elsewhere")) == (True, False, True)
    assert ("liu supervisor" in province, "jia supervisor" in province, "elsewhere" in province) == (True, True, False)
