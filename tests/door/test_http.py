"""The front door over real HTTP: who is let in, what is refused and how, and what the log says of it."""

import json
import re

import httpx
import pytest

from tests.authz.refused import REFUSED as TOKENS
from tests.door.running import Running

RESPONSE = "application/graphql-response+json"
SENDABLE = re.compile("[!-~]*").fullmatch


def code(response: httpx.Response) -> str:
    """The code of an answer that is one error and nothing else."""
    told = response.json()
    assert set(told) == {"errors"}, told
    (error,) = told["errors"]
    assert error["message"].endswith((".", "!")) or ":" in error["message"] or len(error["message"]) > 12
    return str(error["extensions"]["code"])


def test_a_person_with_a_token_is_told_who_they_are(gateway: Running) -> None:
    response = gateway.ask("city", "{ viewer { subject } }")
    assert (response.status_code, response.json()) == (200, {"data": {"viewer": {"subject": "city"}}})
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"


def test_without_a_token_nothing_is_read(gateway: Running) -> None:
    response = gateway.client.post("/graphql", content=b"not even JSON")
    assert (response.status_code, code(response)) == (401, "TOKEN_MISSING")
    assert response.headers["www-authenticate"] == 'Bearer realm="mingjing"'


@pytest.mark.parametrize("scheme", ["Basic bGl1OmxpdQ==", "Bearer", "Bearer x", "Token abc"])
def test_another_scheme_is_no_token(gateway: Running, scheme: str) -> None:
    response = gateway.client.post("/graphql", json={"query": "{ __typename }"}, headers={"authorization": scheme})
    assert response.status_code == 401
    assert code(response) in ("TOKEN_MISSING", "TOKEN_INVALID")


@pytest.mark.parametrize("name", [name for name, (alg, token) in TOKENS.items() if alg == "ES256" and token and SENDABLE(token)])
def test_a_bad_token_is_refused_and_never_repeated(gateway: Running, name: str) -> None:
    _, token = TOKENS[name]
    response = gateway.client.post("/graphql", json={"query": "{ __typename }"}, headers={"authorization": f"Bearer {token}"})
    assert response.status_code == 401
    assert code(response) in ("TOKEN_INVALID", "TOKEN_EXPIRED")
    assert 'error="invalid_token"' in response.headers["www-authenticate"]
    if len(token) > 20:  # a shorter one may stand in an id by chance
        assert token not in response.text
        assert token not in json.dumps(gateway.log.lines)


def test_an_expired_token_is_told_apart(gateway: Running) -> None:
    response = gateway.client.post("/graphql", headers={"authorization": f"Bearer {gateway.token('city', seconds=-3_600)}"})
    assert (response.status_code, code(response)) == (401, "TOKEN_EXPIRED")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
def test_other_methods_are_not_allowed(gateway: Running, method: str) -> None:
    response = gateway.client.request(method, "/graphql", headers={"authorization": f"Bearer {gateway.token('city')}"})
    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")


@pytest.mark.parametrize("document", ["mutation { x }", "mutation M { x } query Q { __typename }", "subscription { x }"])
def test_get_only_reads(gateway: Running, document: str) -> None:
    name = {"operationName": "M"} if " M " in document else {}
    headers = {"authorization": f"Bearer {gateway.token('city')}", "accept": RESPONSE}
    response = gateway.client.get("/graphql", params={"query": document, **name}, headers=headers)
    assert (response.status_code, code(response), response.headers["allow"]) == (405, "MUTATION_OVER_GET", "GET, POST")


def test_get_reads(gateway: Running) -> None:
    headers = {"authorization": f"Bearer {gateway.token('city')}"}
    asked = {
        "query": "query Q($c: TenantCode!) { tenant(code: $c) { name } }",
        "variables": '{"c": "620100"}',
        "operationName": "Q",
    }
    assert gateway.client.get("/graphql", params=asked, headers=headers).json() == {"data": {"tenant": {"name": "兰州市"}}}


BAD = {
    "no JSON": (b"{", {}, 400, "BODY_INVALID"),
    "empty": (b"", {}, 400, "BODY_INVALID"),
    "not UTF-8": (b'{"query":"\xff"}', {}, 400, "BODY_INVALID"),
    "a lone surrogate": (b'{"query":"{ tenant(code: \\"\\ud800\\") { name } }"}', {}, 400, "BODY_INVALID"),
    "no query": (b"{}", {}, 400, "REQUEST_INVALID"),
    "a batch": (b'[{"query":"{ __typename }"}]', {}, 400, "REQUEST_INVALID"),
    "a form": (b"query={__typename}", {"content-type": "application/x-www-form-urlencoded"}, 415, "MEDIA_TYPE_UNSUPPORTED"),
    "text": (b'{"query":"{ __typename }"}', {"content-type": "text/plain"}, 415, "MEDIA_TYPE_UNSUPPORTED"),
    "a file": (b"x", {"content-type": "multipart/form-data; boundary=x"}, 415, "MEDIA_TYPE_UNSUPPORTED"),
    "UTF-16": (b"x", {"content-type": "application/json; charset=utf-16"}, 415, "MEDIA_TYPE_UNSUPPORTED"),
    "compressed": (b"x", {"content-encoding": "gzip"}, 415, "MEDIA_TYPE_UNSUPPORTED"),
    "HTML wanted": (b'{"query":"{ __typename }"}', {"accept": "text/html"}, 406, "NOT_ACCEPTABLE"),
    "10 MB": (b'{"query":"{ __typename #' + b"x" * 10_000_000 + b'"}', {}, 413, "BODY_TOO_LARGE"),
    "a syntax error": (b'{"query":"{"}', {}, 400, "PARSE_FAILED"),
    "an unknown field": (b'{"query":"{ nothing }"}', {}, 400, "VALIDATION_FAILED"),
    "an unknown operation": (b'{"query":"query A { __typename }","operationName":"B"}', {}, 400, "OPERATION_UNKNOWN"),
    "a variable that is missing": (
        b'{"query":"query A($c: TenantCode!) { tenant(code: $c) { name } }"}',
        {},
        400,
        "BAD_USER_INPUT",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_has_a_code_and_a_status(gateway: Running, name: str) -> None:
    body, headers, status, wanted = BAD[name]
    sent = {"authorization": f"Bearer {gateway.token('city')}", "content-type": "application/json", "accept": RESPONSE} | headers
    response = gateway.client.post("/graphql", content=body, headers=sent)
    assert (response.status_code, code(response)) == (status, wanted)
    assert "Traceback" not in response.text


def documents() -> dict[str, tuple[str, str]]:
    nested = "{ tenants { nodes " * 30 + "{ code }" + " } }" * 30
    circle = "{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }"
    doubling = (
        " ".join(f"fragment F{n} on Tenant {{ ...F{n + 1} ...F{n + 1} }}" for n in range(30)) + " fragment F30 on Tenant { code }"
    )
    return {
        "10,000 aliases": ("{" + " ".join(f"a{n}: __typename" for n in range(10_000)) + "}", "TOKENS_EXCEEDED"),
        "1,000 aliases": ("{" + " ".join(f"a{n}: __typename" for n in range(1_000)) + "}", "ALIASES_EXCEEDED"),
        "a deep query": (nested, "DEPTH_EXCEEDED"),
        "1,000 directives": ("{ __typename " + "@skip(if: false) " * 200 + "}", "DIRECTIVES_EXCEEDED"),
        "introspection in circles": (circle, "INTROSPECTION_EXCEEDED"),
        "fragments that double thirty times": ("{ tenant(code: 620100) { ...F0 } } " + doubling, "FIELDS_EXCEEDED"),
        "a fragment in itself": ("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }", "VALIDATION_FAILED"),
        "thousands of brackets": ("{ a" * 3_000, "PARSE_FAILED"),
        "a NUL byte": ("{ tenant(code: 6\0) { name } }", "PARSE_FAILED"),
    }


@pytest.mark.parametrize("name", documents())
def test_a_document_that_asks_too_much_is_refused_at_once(gateway: Running, name: str) -> None:
    document, wanted = documents()[name]
    response = gateway.ask("city", document, headers={"accept": RESPONSE})
    assert response.status_code == 400
    told = {error["extensions"]["code"] for error in response.json()["errors"]}
    assert told == {wanted} or (name == "thousands of brackets" and told <= {"PARSE_FAILED", "TOKENS_EXCEEDED"})
    assert response.elapsed.total_seconds() < 2


def test_the_query_of_every_tool_is_answered(gateway: Running) -> None:
    from graphql import get_introspection_query

    response = gateway.ask("city", get_introspection_query(descriptions=True))
    assert "errors" not in response.json()


ASKED = (
    'tenant(code: "{}") { name }',
    'tenant(code: "{}") { cases { nodes { no } totalCount } }',
    'cases(within: "{}") { nodes { no } totalCount }',
    'case(tenant: "{}", no: "1") { no }',
    'tenants(within: "{}") { nodes { code } }',
    'summary(within: "{}", by: [LIGHT]) { groups { count } }',
)


@pytest.mark.parametrize("field", ASKED)
@pytest.mark.parametrize("accept", [RESPONSE, "application/json"])
def test_not_yours_and_not_there_are_one_answer(gateway: Running, field: str, accept: str) -> None:
    """A sibling, a superior, a sibling's level that does not exist: byte for byte, but for the request's id and the date."""
    told = set()
    for theirs in ("620200", "620300", "620000", "999999", "620199", "000000"):
        response = gateway.ask("city", "{ " + field.replace("{}", theirs) + " }", headers={"accept": accept})
        headers = tuple(sorted((k, v) for k, v in response.headers.items() if k not in ("x-request-id", "date")))
        told.add((response.status_code, response.content, headers))
    assert len(told) == 1
    (answer,) = told
    assert b"TENANT_NOT_FOUND" in answer[1]


def test_a_code_as_a_number_is_the_same_answer_too(gateway: Running) -> None:
    told = {gateway.ask("city", f"{{ tenant(code: {theirs}) {{ name }} }}").content for theirs in (620200, 620000, 999999)}
    assert len(told) == 1


@pytest.mark.parametrize("address", ["/", "/graphql/", "/graphq", "/ingest", "/../etc/passwd", "/%00", "/healthz/x"])
def test_what_is_not_there(gateway: Running, address: str) -> None:
    response = gateway.client.get(address)
    assert (response.status_code, code(response)) == (404, "PATH_UNKNOWN")


def test_other_doors_have_their_methods_too(gateway: Running) -> None:
    response = gateway.client.post("/healthz")
    assert (response.status_code, code(response)) == (405, "METHOD_NOT_ALLOWED")
    assert "GET" in response.headers["allow"]


def test_a_request_keeps_its_id(gateway: Running) -> None:
    response = gateway.ask("city", "{ __typename }", headers={"x-request-id": "chain-7.a_B"})
    assert response.headers["x-request-id"] == "chain-7.a_B"
    assert gateway.log.wait(lambda line: line.get("request") == "chain-7.a_B")["actor"] == "city"


@pytest.mark.parametrize("bad", ["", "x" * 65, 'a"b', "a b", "兰".encode().decode("latin-1")])
def test_a_strange_id_is_replaced(gateway: Running, bad: str) -> None:
    response = gateway.ask("city", "{ __typename }", headers={"x-request-id": bad.encode("latin-1")})
    assert re.fullmatch("[0-9a-f]{32}", response.headers["x-request-id"])


def test_the_log_has_one_line_for_each_request_and_nothing_private(gateway: Running) -> None:
    query = 'query Look { tenant(code: "620200") { name } }  # secret-words'
    response = gateway.ask("city", query)
    request_id = response.headers["x-request-id"]
    gateway.log.wait(lambda line: line.get("request") == request_id)
    (line,) = [line for line in gateway.log.lines if line.get("request") == request_id]
    assert line | {"ms": 0} == {
        "level": "info", "event": "request", "request": request_id, "door": "graphql", "method": "POST", "status": 200, "ms": 0,
        "actor": "city", "operation": "Look", "codes": ["TENANT_NOT_FOUND"],
    }  # fmt: skip
    everything = json.dumps(gateway.log.lines)
    assert "secret-words" not in everything
    assert gateway.token("city").split(".")[2] not in everything


def test_the_counters_tell_outcomes(gateway: Running) -> None:
    gateway.ask("city", "{ viewer { subject } }")
    gateway.ask("city", '{ tenant(code: "620200") { name } }')
    page = gateway.client.get("/metrics").text
    assert re.search(r'mingjing_requests_total\{code="OK",door="graphql"\} [1-9]', page)
    assert re.search(r'mingjing_requests_total\{code="TENANT_NOT_FOUND",door="graphql"\} [1-9]', page)
    assert re.search(r'mingjing_request_seconds_bucket\{door="graphql",le="\+Inf"\} [1-9]', page)
    assert re.search(r'mingjing_source_up\{source="sqlite:[^"]*"\} 1.0', page)


def test_pages_of_named_origins_may_read(gateway: Running) -> None:
    preflight = {
        "origin": "https://pages.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
    }
    allowed = gateway.client.options("/graphql", headers=preflight)
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, "https://pages.example")
    refused = gateway.client.options("/graphql", headers=preflight | {"origin": "https://other.example"})
    assert refused.status_code == 400
    assert "access-control-allow-origin" not in refused.headers
    assert (
        "access-control-allow-origin"
        not in gateway.ask("city", "{ __typename }", headers={"origin": "https://other.example"}).headers
    )
    answered = gateway.ask("city", "{ __typename }", headers={"origin": "https://pages.example"})
    assert answered.headers["access-control-allow-origin"] == "https://pages.example"


PAGES = {
    "no rows": ("first: 0", "PAGE_SIZE_INVALID"),
    "fewer than none": ("first: -1", "PAGE_SIZE_INVALID"),
    "a million": ("first: 1000000", "PAGE_SIZE_INVALID"),
    "both ways": ("first: 1, last: 1", "PAGE_DIRECTION_INVALID"),
    "a forged cursor": ('first: 1, after: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"', "CURSOR_INVALID"),
    "a cursor that is none": ('first: 1, after: "兰州"', "CURSOR_INVALID"),
    "an empty cursor": ('first: 1, after: ""', "CURSOR_INVALID"),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_that_cannot_be_is_refused_with_its_code(gateway: Running, name: str) -> None:
    arguments, wanted = PAGES[name]
    answer = gateway.ask("city", f"{{ cases({arguments}) {{ nodes {{ no }} }} }}").json()
    assert [error["extensions"]["code"] for error in answer["errors"]] == [wanted]
    assert answer["data"] == {"cases": None}
