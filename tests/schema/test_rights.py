"""Three people, one query; what one may not see answers like what is not there; applicants masked; a tenant that fails is named."""

from typing import Any

import pytest

from supervision.scope import Part, Places, Scope
from tests.schema.conftest import Province
from tests.schema.ordinary import Ordinary
from tests.schema.world import CODES, TREE, light_of, scope

QUERY = """{
  viewer { tenants { code } rights { action tenantCount top partial } }
  tenants { nodes { code parent { code } children { nodes { code } } } totalCount }
  cases(first: 1000) { nodes { id } totalCount totalCountIsLowerBound incomplete { tenant } }
  summary(by: [TENANT, LIGHT]) { groups { tenant { code name } light count } }
}"""
PEOPLE = {
    "the province": (scope("620000/"), CODES),
    "the city": (scope("620000/620100/"), ("620100", "620102", "620103")),
    "the county": (scope("620000/620100/620102/"), ("620102",)),
}


@pytest.mark.parametrize("who", PEOPLE)
async def test_each_sees_the_own_tenants_and_nothing_else(province: Province, who: str) -> None:
    rights, codes = PEOPLE[who]
    data = await province.data(QUERY, None, rights)
    rows = province.world.cases(codes)
    assert [tenant["code"] for tenant in data["viewer"]["tenants"]] == [codes[0]]
    assert {(right["tenantCount"], tuple(right["top"])) for right in data["viewer"]["rights"]} == {(len(codes), (codes[0],))}
    assert [node["code"] for node in data["tenants"]["nodes"]] == sorted(codes)
    assert data["tenants"]["totalCount"] == len(codes)
    for node in data["tenants"]["nodes"]:
        parent = TREE.divisions[node["code"]].parent
        assert node["parent"] == ({"code": parent} if parent in codes else None)
    assert {node["id"] for node in data["cases"]["nodes"]} == {f"Case:{row['tenant']}:{row['id']}" for row in rows}
    assert (data["cases"]["totalCount"], data["cases"]["incomplete"]) == (len(rows), [])
    counted = {(g["tenant"]["code"], g["light"]): g["count"] for g in data["summary"]["groups"]}
    brute: dict[Any, int] = {}
    for row in rows:
        brute[row["tenant"], light_of(row)] = brute.get((row["tenant"], light_of(row)), 0) + 1
    assert counted == brute


FIELDS = (
    "tenant(code: {}) {{ name }}",
    "cases(within: {}) {{ totalCount }}",
    "tenants(within: {}) {{ totalCount }}",
    "summary(by: [], within: {}) {{ asOf }}",
    'case(tenant: {}, no: "NO-001") {{ no }}',
    'node(id: "Case:{}:1") {{ id }}',
    'node(id: "Tenant:{}") {{ id }}',
    'node(id: "Department:{}:1") {{ id }}',
)


@pytest.mark.parametrize("field", FIELDS)
async def test_a_sibling_and_a_superior_answer_byte_for_byte_like_what_does_not_exist(county: Province, field: str) -> None:
    rights = PEOPLE["the county"][0]
    answers = [(await county.answer(f"{{ {field.format(code)} }}", None, rights)).body for code in ("620103", "620100", "999999")]
    assert len(set(answers)) == 1
    assert b"null" in answers[0]


async def test_an_office_of_one_department_sees_its_rows_in_every_field(province: Province) -> None:
    rights = scope("620000/620100/620102/@D1/")
    text = "{ cases { nodes { department { code } } totalCount } summary(by: [DEPARTMENT]) { groups { department count } } }"
    data = await province.data(text, None, rights)
    mine = [row for row in province.world.cases(["620102"]) if row["department_id"] == 1]
    assert data["cases"] == {"nodes": [{"department": {"code": "D1"}}] * len(mine), "totalCount": len(mine)}
    assert data["summary"]["groups"] == [{"department": "D1", "count": len(mine)}]
    other = next(row["no"] for row in province.world.cases(["620102"]) if row["department_id"] == 2)
    assert await province.data(f'{{ case(tenant: 620102, no: "{other}") {{ no }} }}', None, rights) == {"case": None}


async def test_an_applicant_is_masked_without_the_right_to_see_it(province: Province) -> None:
    plain = scope("620000/")
    names_only = {name: part for name, part in plain.parts.items() if name in ("tenant.view", "case.view", "field.applicant.name")}
    rights = Scope("liu", 1, 9e9, names_only)
    text = "{ cases(first: 1000) { nodes { id applicant { name idno phone address kind } } } }"
    open_, masked = [(await province.data(text, None, who))["cases"]["nodes"] for who in (plain, rights)]
    for full, cut in zip(open_, masked, strict=True):
        for field in ("idno", "phone", "address"):
            assert (full["applicant"][field] is None) is (cut["applicant"][field] is None)
            assert full["applicant"][field] is None or full["applicant"][field] != cut["applicant"][field]
        assert (full["applicant"]["name"], full["applicant"]["kind"]) == (cut["applicant"]["name"], cut["applicant"]["kind"])


async def test_who_may_see_tenants_but_no_case_gets_empty_pages(county: Province) -> None:
    rights = Scope("liu", 1, 9e9, {"tenant.view": Part(Places(below=("620000/",)))})
    text = "{ tenants { totalCount } cases { totalCount nodes { no } } summary(by: []) { groups { count } } }"
    data = await county.data(text, None, rights)
    assert data == {
        "tenants": {"totalCount": 5},
        "cases": {"totalCount": 0, "nodes": []},
        "summary": {"groups": [{"count": 0}]},
    }


LOST = """{ cases(first: 1000) { nodes { tenant { code } } totalCount totalCountIsLowerBound incomplete { tenant code message } }
            summary(by: [TENANT]) { groups { tenant { code } } isLowerBound incomplete { tenant code } }
            tenants { nodes { code availability { state code }
              cases(first: 1) { nodes { no } totalCount incomplete { tenant code } } } } }"""


async def test_a_tenant_that_cannot_be_asked_is_named_in_the_answer_and_in_the_errors(county: Province) -> None:
    (county.folder / "620102.db").unlink()
    data, errors = await county.ask(LOST)
    rest = [row for row in county.world.cases(CODES) if row["tenant"] != "620102"]
    assert data["cases"]["totalCount"] == len(data["cases"]["nodes"]) == len(rest)
    assert data["cases"]["totalCountIsLowerBound"] is data["summary"]["isLowerBound"] is True
    assert [(lack["tenant"], bool(lack["message"])) for lack in data["cases"]["incomplete"]] == [("620102", True)]
    assert [lack["tenant"] for lack in data["summary"]["incomplete"]] == ["620102"]
    for node in data["tenants"]["nodes"]:
        lost = node["code"] == "620102"
        assert (node["availability"]["state"] != "AVAILABLE") is lost
        assert bool(node["cases"]["incomplete"]) is lost
        assert (node["cases"]["nodes"] == []) is lost
    told = {(tuple(error["path"]), error["extensions"]["tenant"], error["extensions"]["code"]) for error in errors}
    code = data["cases"]["incomplete"][0]["code"]
    place = [node["code"] for node in data["tenants"]["nodes"]].index("620102")
    paths = (("cases",), ("summary",), ("tenants", "nodes", place, "cases"))
    assert told == {(path, "620102", code) for path in paths}
    assert (await county.answer(LOST)).body == (await county.answer(LOST, prepared=False)).body


STRICT = ("cases(completeness: STRICT) { nodes { no } }", "summary(by: [], completeness: STRICT) { asOf }")


@pytest.mark.parametrize("field", STRICT)
async def test_a_strict_question_is_answered_whole_or_refused(county: Province, field: str) -> None:
    assert (await county.answer(f"{{ {field} }}")).codes == ()
    (county.folder / "620102.db").unlink()
    data, errors = await county.ask(f"{{ {field} }}")
    assert set(data.values()) == {None}
    assert [error["extensions"]["code"] for error in errors] == ["INCOMPLETE"]
    assert "620102" in errors[0]["message"]
    elsewhere = scope("620000/620200/")
    assert (await county.answer(f"{{ {field} }}", None, elsewhere)).codes == ()


async def test_availability_says_what_the_registry_knows(county: Province) -> None:
    county.states |= {"620100": "PROVISIONING", "620103": "BROKEN"}
    del county.states["620200"]
    nodes = (await county.data("{ tenants { nodes { code availability { state code message } } } }"))["tenants"]["nodes"]
    found = {node["code"]: node["availability"]["state"] for node in nodes}
    assert found == dict(zip(CODES, ("AVAILABLE", "PROVISIONING", "AVAILABLE", "BROKEN", "ABSENT"), strict=True))
    codes = [node["availability"]["code"] for node in nodes]
    assert codes == [None, "TENANT_UNREACHABLE", None, "TENANT_BROKEN", "TENANT_UNREACHABLE"]
    assert county.reason not in str(nodes)  # it quotes a driver


async def test_ordinary_rows_and_rights_agree_for_the_city(province: Province) -> None:
    rights, codes = PEOPLE["the city"]
    text = """{ tenants { nodes { code parent { code } cases(first: 2) { nodes { no light } totalCount } } }
                cases(first: 5) { nodes { no } } }"""
    assert await province.data(text, None, rights) == Ordinary(province.world, codes).answer(text, {})
