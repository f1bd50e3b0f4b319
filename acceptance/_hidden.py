"""Questions that name a tenant, in every field that takes one: what is out of reach must be answered like what does not exist.

Codes are all of six digits, so that the answers may be compared byte for byte. Knows no answer.
"""

from collections.abc import Sequence

from acceptance._served import Served

UNKNOWN = "999999"
TEMPLATES = (
    "{ tenant(code: %s) { name } }",
    "{ tenant(code: %s) { name children { nodes { code } } cases { totalCount } availability { state } } }",
    "{ tenants(within: %s) { totalCount nodes { code } } }",
    "{ cases(within: %s) { totalCount nodes { no } incomplete { tenant } } }",
    "{ cases(within: %s, below: false, completeness: STRICT) { totalCount } }",
    '{ case(tenant: %s, no: "1") { no } }',
    "{ summary(by: [TENANT], within: %s) { groups { count tenant { name } } incomplete { tenant } } }",
    "{ __schema { queryType { name } } cases(within: %s) { nodes { no } } }",
    "{ viewer { subject } tenant(code: %s) { cases { nodes { no } } } again: summary(by: [], within: %s) { groups { count } } }",
)
VARIABLE = (
    "query Q($code: TenantCode!) { tenant(code: $code) { name } cases(within: $code) { totalCount } summary(by: [], within: $code)"
    ' { groups { count } } tenants(within: $code) { totalCount } case(tenant: $code, no: "1") { no } }'
)
NODE = "query Q($id: ID!) { node(id: $id) { __typename id ... on Tenant { name } ... on Case { no } } }"
IDS = ("Tenant:%s", "Case:%s:1", "Department:%s:1", "Officer:%s:1", "PowerItem:%s:1")


def answers(served: Served, person: str, code: str) -> list[tuple[int, str, bytes]]:
    """What is said of a tenant in all these places: status, headers and body, without what differs between any two requests."""
    asked = [served.ask(person, template.replace("%s", spelled)) for template in TEMPLATES for spelled in (code, f'"{code}"')]
    asked += [served.ask(person, VARIABLE, {"code": spelled}) for spelled in (code, int(code))]
    asked += [served.ask(person, NODE, {"id": template % code}) for template in IDS]
    asked.append(
        served.client.post(
            f"/ingest/{code}?source=wabo",
            headers={"Authorization": f"Bearer {served.tokens[person]}", "Content-Type": "application/x-ndjson"},
            content=b"{}\n",
        )
    )
    found = []
    for answer in asked:
        headers = {name: value for name, value in answer.headers.items() if name not in ("date", "x-request-id")}
        body = answer.content.replace(answer.headers["x-request-id"].encode(), b"ID")
        found.append((answer.status_code, str(sorted(headers.items())), body))
    return found


def differing(served: Served, person: str, codes: Sequence[str]) -> tuple[int, int]:
    """How many answers about these tenants were compared with those about one that does not exist, and how many differ."""
    unknown = answers(served, person, UNKNOWN)
    compared = [pair for code in codes for pair in zip(answers(served, person, code), unknown, strict=True)]
    return len(compared), sum(one != other for one, other in compared)
