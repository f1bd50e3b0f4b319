"""What stands in the log after a question: what was opened, by whom, why, by which right; and what was refused."""

from typing import Any

from supervision.audit import Outcome
from supervision.grant import Grant
from tests.audit.places import CASES, CODES, Asking

PAGE = "{ cases(first: 100, within: 620102) { nodes { id no } } }"


async def test_a_page_of_cases_is_one_entry_with_its_cases_and_the_row_that_opened_them(gateway: Asking) -> None:
    answer = await gateway.ask("city", PAGE, "检查积案")
    shown = {int(node["id"].rpartition(":")[2]) for node in answer["data"]["cases"]["nodes"]}
    (entry,) = (await gateway.logs())["620102"]
    deed = entry.deed
    assert (entry.number, deed.request_id, deed.actor, deed.action, deed.outcome) == (1, "r1", "city", "case.view", Outcome.OPENED)
    assert (set(deed.cases), deed.rows, deed.entity) == (shown, CASES, "cases")
    assert (deed.reason, deed.fields) == ("检查积案", ())
    grants = await gateway.house.registry.grants_of("city")
    assert deed.grant_id == grants[0].id
    assert deed.because == f"{grants[0].id}: allow city supervisor 620000/620100/* 0-9999999999"
    assert await gateway.findings("620102") == []


async def test_the_field_classes_that_were_open_are_told_and_masked_ones_are_not(gateway: Asking) -> None:
    query = "{ cases(within: 620102) { nodes { applicant { name idno phone } } } }"
    await gateway.ask("city", query)
    await gateway.ask("county", query)
    by_city, by_county = (entry.deed for entry in await gateway.entries("620102"))
    assert by_city.fields == ("field.applicant.name",)
    assert by_county.fields == ("field.applicant.name", "field.applicant.idno", "field.applicant.phone")
    assert "pii_reader" in by_county.because


async def test_a_request_that_opens_three_tenants_is_three_entries_of_one_request(gateway: Asking) -> None:
    pages = "a: cases(within: 620200) { nodes { no } } b: cases(within: 620300) { nodes { no } }"
    query = f'{{ {pages} c: node(id: "Case:620102:1") {{ id }} }}'
    await gateway.ask("province", query, request="one")
    logs = await gateway.logs()
    assert set(logs) == {"620102", "620200", "620300"}
    assert {entry.deed.request_id for entries in logs.values() for entry in entries} == {"one"}
    assert all(len(entries) == 1 for entries in logs.values())


async def test_counts_summaries_and_tenants_open_nothing(gateway: Asking) -> None:
    tenants = "tenants { nodes { code departments { nodes { name } } } }"
    query = f"{{ cases {{ totalCount }} summary(by: [LIGHT]) {{ groups {{ count }} }} {tenants} }}"
    assert "errors" not in await gateway.ask("province", query)
    assert await gateway.logs() == {}


async def test_who_searches_by_a_persons_data_stands_in_the_log_found_or_not(gateway: Asking) -> None:
    for question in (
        'cases(where: {applicantName: ["无此人"]}) { nodes { no } }',
        'cases(where: {applicantName: ["无此人"]}) { totalCount }',
    ):
        await gateway.ask("city", f"{{ {question} }}", "查人", request=question[-20:])
    logs = await gateway.logs()
    assert set(logs) == {"620100", "620102"} & set(CODES)
    for entries in logs.values():
        assert [(entry.deed.rows, entry.deed.cases, entry.deed.fields) for entry in entries] == [
            (0, (), ("field.applicant.name",))
        ] * 2
    assert await gateway.findings("620102") == []


async def test_who_searches_by_what_they_see_nowhere_stands_in_the_logs_as_refused(gateway: Asking) -> None:
    told = await gateway.ask("office", '{ cases(where: {applicantPhone: ["13900000000"]}) { nodes { no } } }')
    assert told["errors"][0]["extensions"]["code"] == "FIELD_CLOSED"
    (entry,) = await gateway.entries("620102")
    deed = entry.deed
    assert (deed.actor, deed.action, deed.outcome) == ("office", "field.applicant.phone", Outcome.REFUSED)
    assert set(await gateway.logs()) == {"620102"}


async def test_a_tenant_out_of_reach_is_refused_on_record_there_and_answers_as_one_that_is_not_there(gateway: Asking) -> None:
    query = "{{ tenant(code: {0}) {{ name }} cases(within: {0}) {{ nodes {{ no }} }} }}"
    told = [(await gateway.raw("county", {"query": query.format(code)})) for code in ("620200", "999999")]
    assert told[0] == told[1]
    (entry,) = (await gateway.logs())["620200"]
    assert (entry.deed.actor, entry.deed.action, entry.deed.outcome) == ("county", "tenant.view", Outcome.REFUSED)
    assert (entry.deed.grant_id, entry.deed.because, entry.deed.cases) == (None, "", ())


async def test_a_case_of_a_tenant_out_of_reach_is_refused_with_its_id(gateway: Asking) -> None:
    await gateway.ask("county", '{ case(tenant: 620200, no: "620200-00004") { no } }')
    await gateway.ask("county", '{ node(id: "Case:620200:5") { id } }')
    deeds = [entry.deed for entry in await gateway.entries("620200")]
    assert {(deed.action, deed.cases) for deed in deeds} == {("tenant.view", ()), ("case.view", (4,)), ("case.view", (5,))}
    assert {deed.outcome for deed in deeds} == {Outcome.REFUSED}


async def test_a_recused_officer_who_looks_for_the_case_stands_in_its_log_with_the_row_that_kept_them_out(gateway: Asking) -> None:
    missing = await gateway.raw("biased", {"query": '{ node(id: "Case:620102:999999") { id } }'})
    recused = await gateway.raw("biased", {"query": '{ node(id: "Case:620102:3") { id } }'})
    assert missing == recused
    (entry,) = await gateway.entries("620102")
    assert (entry.deed.cases, entry.deed.outcome) == ((3,), Outcome.REFUSED)
    assert "deny biased recused 620000/620100/620102/#3/*" in entry.deed.because


async def test_an_action_that_does_not_reach_a_visible_tenant_is_refused_on_record(gateway: Asking) -> None:
    await gateway.ask("auditor", "{ cases(within: 620102) { nodes { no } } summary(by: [], within: 620102) { asOf } }")
    (entry,) = await gateway.entries("620102")
    assert (entry.deed.action, entry.deed.outcome) == ("case.view", Outcome.REFUSED)


async def test_what_does_not_exist_is_refused_to_nobody(gateway: Asking) -> None:
    nothing = ('case(tenant: 620102, no: "none") { no }', 'node(id: "Case:999999:1") { id }', "tenant(code: 999999) { name }")
    await gateway.ask("province", f"{{ {' '.join(nothing)} }}")
    assert await gateway.logs() == {}


async def test_more_cases_than_one_entry_names_are_told_by_several(gateway: Asking) -> None:
    limits = gateway.house.auditing.limits
    object.__setattr__(limits, "audit_cases", 5)
    await gateway.ask("city", PAGE)
    entries = await gateway.entries("620102")
    assert [entry.deed.rows for entry in entries] == [5, 5, 2]
    assert len({case for entry in entries for case in entry.deed.cases}) == CASES
    assert await gateway.findings("620102") == []


async def test_what_is_shown_twice_in_one_answer_stands_once(gateway: Asking) -> None:
    node, page = 'node(id: "Case:620102:1") { id }', "cases(within: 620102, first: 3) { nodes { no } }"
    await gateway.ask("city", f"{{ a: {node} b: {node} {page} }}")
    (entry,) = await gateway.entries("620102")
    assert len(entry.deed.cases) == len(set(entry.deed.cases)) == entry.deed.rows


async def test_a_reason_is_one_line_of_bounded_length(files: Asking) -> None:
    for reason in ("a\nb", "x" * 501, 7, "\u202eevil", ["a"]):
        answer = await files.ask("city", PAGE, reason)
        assert answer["errors"][0]["extensions"]["code"] == "REASON_INVALID"
    assert await files.logs() == {}
    await files.ask("city", PAGE, "x" * 500)
    assert (await files.entries("620102"))[0].deed.reason == "x" * 500


async def test_the_rows_of_a_page_before_the_cut_are_not_told(files: Asking) -> None:
    answer = await files.ask("province", "{ cases(first: 2) { nodes { id } pageInfo { hasNextPage } } }")
    told = {f"Case:{code}:{case}" for code, log in (await files.logs()).items() for entry in log for case in entry.deed.cases}
    assert told == {node["id"] for node in answer["data"]["cases"]["nodes"]}


async def test_a_batch_of_many_tenants_pages_is_recorded_in_each(gateway: Asking) -> None:
    await gateway.ask("province", "{ tenants { nodes { cases(first: 2) { nodes { no } } } } }")
    logs: dict[str, Any] = await gateway.logs()
    assert set(logs) == set(CODES)
    assert {entry.deed.rows for log in logs.values() for entry in log} == {2}


async def test_the_entry_names_the_row_that_opened_the_tenant_whoever_came_later(files: Asking) -> None:
    await files.house.registry.grant(Grant(subject="late", role="supervisor", path="620000/620100/620102/*"))
    await files.house.registry.grant(Grant(subject="late", role="supervisor", path="620000/*"))
    await files.ask("late", PAGE)
    (entry,) = await files.entries("620102")
    assert entry.deed.because.endswith("allow late supervisor 620000/620100/620102/* 0-9999999999")
