"""The log as auditors read it, and who looked at a case as its office reads it: pages, filters, rights; reading is on record."""

from typing import Any

import pytest

from supervision.grant import Grant
from tests.audit.places import CODES, Asking

ENTRY = "number at tenant { code } requestId actor session action outcome entity count cases fields reason told grant because"
ALL = f"{{ auditEntries {{ nodes {{ {ENTRY} }} totalCount incomplete {{ tenant }} }} }}"


async def filled(asking: Asking) -> None:
    """A few entries in two tenants."""
    await asking.ask("city", '{ node(id: "Case:620102:1") { id } }', "查一", "r1")
    await asking.ask("county", '{ node(id: "Case:620102:3") { ... on Case { applicant { name } } } }', "查三", "r2")
    await asking.ask("province", "{ cases(within: 620200, first: 2) { nodes { no } } }", None, "r3")
    await asking.ask("biased", '{ node(id: "Case:620102:3") { id } }', None, "r4")
    await asking.entries("620102")


async def test_an_auditor_reads_everything_that_stands_in_an_entry(gateway: Asking) -> None:
    await filled(gateway)
    page = (await gateway.ask("auditor", ALL))["data"]["auditEntries"]
    assert (page["totalCount"], page["incomplete"]) == (4, [])
    by_request = {node["requestId"]: node for node in page["nodes"]}
    entry = by_request["r2"]
    grants = {grant.role: grant for grant in await gateway.house.registry.grants_of("county")}
    assert entry["at"].endswith("Z")
    assert {name: entry[name] for name in ("number", "tenant", "actor", "action", "outcome", "entity", "count", "cases")} == {
        "number": 2, "tenant": {"code": "620102"}, "actor": "county", "action": "case.view", "outcome": "OPENED", "entity": "cases",
        "count": 1, "cases": ["Case:620102:3"],
    }  # fmt: skip
    assert (entry["fields"], entry["reason"], entry["grant"]) == (["field.applicant.name"], "查三", str(grants["supervisor"].id))
    assert entry["because"].startswith(f"{grants['supervisor'].id}: allow county supervisor")
    assert (by_request["r4"]["outcome"], by_request["r4"]["cases"]) == ("REFUSED", ["Case:620102:3"])


async def test_reading_the_log_is_on_record_in_every_tenant_whose_entries_were_shown(gateway: Asking) -> None:
    await filled(gateway)
    await gateway.ask("auditor", ALL, "年度审计", "r9")
    for tenant, shown in (("620102", 3), ("620200", 1)):
        deed = (await gateway.entries(tenant))[-1].deed
        assert (deed.request_id, deed.action, deed.entity, deed.rows, deed.cases) == (
            "r9",
            "audit.view",
            "audit_entries",
            shown,
            (),
        )
        assert deed.reason == "年度审计"
        assert await gateway.findings(tenant) == []
    assert set(await gateway.logs()) == {"620102", "620200"}


async def test_counting_entries_opens_none(gateway: Asking) -> None:
    await filled(gateway)
    assert (await gateway.ask("auditor", "{ auditEntries { totalCount } }"))["data"] == {"auditEntries": {"totalCount": 4}}
    assert sum(map(len, (await gateway.logs()).values())) == 4


FILTERS = {
    '{actor: ["city", "biased"]}': {"r1", "r4"},
    '{action: ["case.view"]}': {"r1", "r2", "r3", "r4"},
    '{action: ["audit.view"]}': set[str](),
    "{outcome: [REFUSED]}": {"r4"},
    "{outcome: [OPENED, CHANGED]}": {"r1", "r2", "r3"},
    '{since: "2020-01-01T00:00:00Z"}': {"r1", "r2", "r3", "r4"},
    '{until: "2020-01-01T00:00:00Z"}': set[str](),
    '{case: "620102-00003"}': {"r2", "r4"},
    '{case: "620102-00003", outcome: [OPENED]}': {"r2"},
    '{case: "none"}': set[str](),
}


@pytest.mark.parametrize("where", FILTERS)
async def test_entries_are_found_by_who_what_when_and_case(gateway: Asking, where: str) -> None:
    await filled(gateway)
    answer = await gateway.ask("auditor", f"{{ auditEntries(where: {where}) {{ nodes {{ requestId }} totalCount }} }}")
    page = answer["data"]["auditEntries"]
    assert {node["requestId"] for node in page["nodes"]} == FILTERS[where]
    assert page["totalCount"] == len(FILTERS[where])


async def walked(asking: Asking, way: str, order: str) -> list[tuple[str, int]]:
    """All entries, two at a time. The walk's own entries are not met: it goes away from them, or they come behind its end."""
    seen: list[tuple[str, int]] = []
    onward, backward = ("first", "after", "hasNextPage", "endCursor"), ("last", "before", "hasPreviousPage", "startCursor")
    size, past, flag, end = onward if way == "on" else backward
    fields = f"nodes {{ number tenant {{ code }} }} pageInfo {{ {flag} {end} }}"
    cursor = ""
    while True:
        place = f', {past}: "{cursor}"' if cursor else ""
        said = f'{size}: 2, orderBy: {{direction: {order}}}, where: {{action: ["case.view"]}}{place}'
        page = (await asking.ask("auditor", f"{{ auditEntries({said}) {{ {fields} }} }}"))["data"]["auditEntries"]
        mine = [(node["tenant"]["code"], node["number"]) for node in page["nodes"]]
        seen = [*seen, *mine] if way == "on" else [*mine, *seen]
        if not page["pageInfo"][flag]:
            return seen
        cursor = page["pageInfo"][end]


@pytest.mark.parametrize("order", ["ASC", "DESC"])
@pytest.mark.parametrize("way", ["on", "back"])
async def test_a_walk_over_the_log_meets_every_entry_once_in_order(gateway: Asking, way: str, order: str) -> None:
    await filled(gateway)
    await gateway.ask("province", "{ tenants { nodes { cases(first: 1) { nodes { no } } } } }")
    logs = await gateway.logs()
    wanted = sorted((entry.at, code, entry.number) for code, log in logs.items() for entry in log)
    found = await walked(gateway, way, order)
    assert found == [place[1:] for place in (wanted if order == "ASC" else wanted[::-1])]


async def test_an_auditor_of_a_part_reads_that_part_and_nobody_else_anything(gateway: Asking) -> None:
    await gateway.house.registry.grant(Grant(subject="part", role="auditor", path="620000/620200/*"))
    await gateway.house.registry.grant(Grant(subject="desk", role="auditor", path="620000/620100/620102/@JYJ/*"))
    await filled(gateway)
    for subject, tenants in (("part", {"620200"}), ("desk", set()), ("province", set()), ("county", set())):
        page = (await gateway.ask(subject, "{ auditEntries { nodes { tenant { code } } totalCount } }"))["data"]["auditEntries"]
        assert {node["tenant"]["code"] for node in page["nodes"]} == tenants
        assert page["totalCount"] == len(tenants)


async def test_reading_a_log_without_the_right_is_refused_on_record_and_like_a_tenant_that_is_not_there(gateway: Asking) -> None:
    query = "{{ auditEntries(within: {}) {{ totalCount }} }}"
    told = [await gateway.raw("county", {"query": query.format(code)}) for code in ("620200", "999999")]
    assert told[0] == told[1]
    answer = await gateway.ask("county", "{ auditEntries(within: 620102) { nodes { actor } } }")
    assert answer["data"] == {"auditEntries": {"nodes": []}}
    assert [(entry.deed.action, entry.deed.outcome) for entry in await gateway.entries("620102")] == [("audit.view", "REFUSED")]
    assert [(entry.deed.action, entry.deed.outcome) for entry in await gateway.entries("620200")] == [("tenant.view", "REFUSED")]


LOOKUPS = '{ case(tenant: 620102, no: "620102-00003") { lookups(first: 5) { number at actor action outcome reason } } }'


async def test_an_office_sees_who_looked_at_its_case_the_latest_first(gateway: Asking) -> None:
    await filled(gateway)
    lookups = (await gateway.ask("county", LOOKUPS, "谁看过"))["data"]["case"]["lookups"]
    assert [(look["actor"], look["outcome"], look["reason"], look["number"]) for look in lookups] == [
        ("biased", "REFUSED", "", 3),
        ("county", "OPENED", "查三", 2),
    ]
    deed = (await gateway.entries("620102"))[-1].deed
    assert (deed.cases, deed.fields, deed.reason) == ((3,), ("lookup.view",), "谁看过")
    latest = (await gateway.ask("county", LOOKUPS.replace("5", "1")))["data"]["case"]["lookups"]
    assert [(look["actor"], look["reason"]) for look in latest] == [("county", "谁看过")]


async def test_a_case_nobody_looked_at_has_no_lookups_and_one_behind_the_gate_has_null(gateway: Asking) -> None:
    await gateway.house.registry.grant(Grant(subject="desk", role="clerk", path="620000/620100/620102/*"))
    assert (await gateway.ask("county", LOOKUPS))["data"]["case"]["lookups"] == []
    assert (await gateway.ask("desk", LOOKUPS))["data"]["case"]["lookups"] is None
    page = "{ cases(within: 620102, first: 12) { nodes { id no lookups { actor } } } }"
    nodes = (await gateway.ask("desk", page))["data"]["cases"]["nodes"]
    assert {node["lookups"] for node in nodes} == {None}
    assert all(node["id"].startswith("Case:620102:") for node in nodes)


async def test_an_office_of_one_department_sees_the_lookups_of_its_own_cases_alone(gateway: Asking) -> None:
    """Rights over every case, and over who looked at those of one department."""
    await gateway.house.registry.grant(Grant(subject="mixed", role="clerk", path="620000/620100/620102/*"))
    await gateway.house.registry.grant(Grant(subject="mixed", role="inspector", path="620000/620100/620102/@JYJ/*"))
    await gateway.ask("city", "{ cases(within: 620102, first: 12) { nodes { id } } }")
    page = "{ cases(within: 620102, first: 12) { nodes { department { code } lookups { actor } } } }"
    nodes = (await gateway.ask("mixed", page))["data"]["cases"]["nodes"]
    seen = {(node["department"] or {"code": None})["code"]: node["lookups"] for node in nodes}
    assert len(nodes) == 12
    assert seen.pop("JYJ") == [{"actor": "city"}]
    assert set(map(str, seen.values())) == {"None"}


async def test_a_closed_gate_costs_no_statement(gateway: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    await gateway.house.registry.grant(Grant(subject="desk", role="clerk", path="620000/*"))
    asked: list[Any] = []  # a counter around the real sources: what is not asked leaves no trace anywhere else
    for source in gateway.house.sources.values():
        children = source.children
        monkeypatch.setattr(source, "children", lambda nested, *rest, c=children: asked.append(nested) or c(nested, *rest))
    page = "{ cases(first: 50) { nodes { lookups { actor } } } }"
    await gateway.ask("desk", page)
    assert asked == []
    await gateway.ask("province", page)
    assert {nested.entity for nested in asked} == {"audit_cases"}


async def test_who_may_not_read_lookups_answers_alike_whether_there_were_any(gateway: Asking) -> None:
    await gateway.house.registry.grant(Grant(subject="desk", role="clerk", path="620000/620100/620102/*"))
    before = await gateway.raw("desk", {"query": LOOKUPS})
    await filled(gateway)
    assert await gateway.raw("desk", {"query": LOOKUPS}) == before


async def test_both_ways_through_the_product_tell_the_log_alike(files: Asking) -> None:
    await filled(files)
    query = f'{{ auditEntries(where: {{actor: ["city"]}}) {{ edges {{ node {{ {ENTRY} }} }} }} }}'
    prepared = await files.ask("auditor", query)
    other = query.replace("{ auditEntries", "{ __schema { queryType { name } } auditEntries", 1)
    through_executor = await files.ask("auditor", other)
    assert through_executor["data"]["auditEntries"] == prepared["data"]["auditEntries"]
    assert len(prepared["data"]["auditEntries"]["edges"]) == 1
    assert set(CODES) >= {node["node"]["tenant"]["code"] for node in prepared["data"]["auditEntries"]["edges"]}
