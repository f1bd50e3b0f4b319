"""What the scanner graphql-cop looks for, restated, against both doors: nothing fires but what docs/security.md accepts by name."""

import asyncio
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.door.running import Running
from tests.public.doors import PATH, serving
from tests.public.world import World, published

ACCEPTED = Path(__file__).parents[2] / "docs/security.md"


class Target:
    """A door as a scanner sees it: an address and, inside, somebody's token."""

    def __init__(self, url: str, path: str, headers: dict[str, str]) -> None:
        self.client, self.path = httpx.Client(base_url=url, headers=headers, timeout=30), path

    def post(self, query: str) -> httpx.Response:
        return self.client.post(self.path, json={"query": query})

    def get(self, query: str) -> httpx.Response:
        return self.client.get(self.path, params={"query": query})


def told(answer: httpx.Response) -> Any:
    """The JSON of an answer; nothing of one that is none."""
    try:
        return answer.json()
    except ValueError:
        return {}


def answers(answer: httpx.Response) -> bool:
    """Whether it has data and no error."""
    found = told(answer)
    return isinstance(found, dict) and bool(found.get("data")) and "errors" not in found


def alias_overloading(door: Target) -> bool:
    return answers(door.post("query { " + " ".join(f"alias{n}: __typename" for n in range(101)) + " }"))


def directive_overloading(door: Target) -> bool:
    """Whether each of ten unknown directives is answered for by itself."""
    return len(told(door.post("query { __typename " + "@aa" * 10 + " }")).get("errors", [])) >= 10


def field_duplication(door: Target) -> bool:
    return answers(door.post("query { " + "__typename " * 500 + "}"))


def array_batching(door: Target) -> bool:
    found = told(door.client.post(door.path, json=[{"query": "query { __typename }"}] * 10))
    return isinstance(found, list) or "data" in found


def circular_fragment(door: Target) -> bool:
    query = "query { __schema { ...A } } fragment A on __Schema { __typename ...B } fragment B on __Schema { ...A }"
    return "errors" not in told(door.post(query))


def circular_introspection(door: Target) -> bool:
    inner = "name"
    for _ in range(4):
        inner = f"fields {{ type {{ {inner} }} }}"
    return answers(door.post(f"query {{ __schema {{ types {{ {inner} }} }} }}"))


def get_method(door: Target) -> bool:
    return answers(door.get("query { __typename }"))


def get_mutation(door: Target) -> bool:
    return bool(told(door.get("mutation { __typename }")).get("data"))


def post_urlencoded(door: Target) -> bool:
    """A form that another site's page could send, and the query in the address."""
    form = door.client.post(door.path, data={"query": "query { __typename }"})
    plain = door.client.post(door.path, content='{"query": "{ __typename }"}', headers={"content-type": "text/plain"})
    return any(map(answers, (form, plain, door.client.post(door.path, params={"query": "query { __typename }"}))))


SUGGESTIBLE = (
    "query { __schema { directive } }", "{ tenat(code: 620100) { name } }", "{ tenants { nods { code } } }",
    "{ tenants(firts: 1) { nodes { code } } }",
    "{ tenants(level: CITI) { nodes { code } } }", "{ tenants { nodes { ... on Tenan { code } } } }",
    "{ __typename @skp(if: true) }",
    "query($level: Leve) { tenants(level: $level) { nodes { code } } }",
)  # fmt: skip


def field_suggestions(door: Target) -> bool:
    """Wherever the library would guess what was meant: names of fields, arguments, values, types, directives; in variables too."""
    asked = [door.post(query) for query in SUGGESTIBLE]
    query = "query($level: Level) { tenants(level: $level) { nodes { code } } }"
    asked.append(door.client.post(door.path, json={"query": query, "variables": {"level": "CITI"}}))
    assert all("errors" in told(answer) for answer in asked)
    return any("did you mean" in answer.text.lower() for answer in asked)


def tracing(door: Target) -> bool:
    found = [
        door.post("query { __typename }"),
        door.client.post(door.path, json={"query": "{ __typename }", "extensions": {"tracing": True}}),
    ]
    return any("tracing" in answer.text or "stacktrace" in answer.text.lower() or "extensions" in told(answer) for answer in found)


def ide(door: Target) -> bool:
    paths = ("/graphiql", "/playground", "/console", "/graphql", "/", door.path)
    found = [door.client.get(path, headers={"accept": "text/html,*/*"}) for path in paths]
    return any(re.search("graphiql|playground|apollo|<html", answer.text, re.IGNORECASE) for answer in found)


def unhandled_error(door: Target) -> bool:
    """Whether nonsense brings an exception's own words out."""
    nonsense = ("qwerty cop { abc }", "{", "\0", "query($x: [[[[Int]]]]) { __typename }", "{ tenant(code: {}) { name } }")
    found = [door.post(query).text for query in nonsense]
    found += [door.client.post(door.path, content=b"\xff\xfe", headers={"content-type": "application/json"}).text]
    return any(re.search("exception|traceback|INTERNAL", text) for text in found)


def introspection(door: Target) -> bool:
    return answers(door.post("query { __schema { types { name fields { name } } } }"))


CHECKS: dict[str, Callable[[Target], bool]] = {
    "alias overloading": alias_overloading,
    "directive overloading": directive_overloading,
    "field duplication": field_duplication,
    "array batching": array_batching,
    "circular fragment": circular_fragment,
    "circular introspection": circular_introspection,
    "GET method": get_method,
    "GET mutation": get_mutation,
    "POST urlencoded": post_urlencoded,
    "field suggestions": field_suggestions,
    "tracing": tracing,
    "IDE": ide,
    "unhandled error": unhandled_error,
    "introspection": introspection,
}


def accepted() -> set[tuple[str, str]]:
    """(check, door) of the table, each with its reason."""
    section = ACCEPTED.read_text("utf-8").partition("## Accepted by name")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([^`]+)` \| (\w+) \| (.{20,}) \|$", section, re.MULTILINE)
    return {(check, door) for check, door, _ in rows}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return asyncio.run(published(tmp_path_factory.mktemp("published")))


@pytest.fixture
def inner(gateway: Running) -> Iterator[Target]:
    target = Target(gateway.url, "/graphql", {"authorization": f"Bearer {gateway.token('province')}"})
    yield target
    target.client.close()


@pytest.fixture
def public(world: World) -> Iterator[Target]:
    with serving(world.public(), world.store) as door:
        target = Target(door.url, PATH, {})
        yield target
        target.client.close()


@pytest.mark.parametrize("name", CHECKS)
def test_the_inner_door(inner: Target, name: str) -> None:
    assert CHECKS[name](inner) is ((name, "inner") in accepted())


@pytest.mark.parametrize("name", CHECKS)
def test_the_public_door(public: Target, name: str) -> None:
    assert CHECKS[name](public) is ((name, "public") in accepted())


def test_the_table_names_only_checks_that_there_are() -> None:
    assert {check for check, _ in accepted()} <= set(CHECKS)
    assert len(accepted()) == 4


def naive(request: httpx.Request) -> httpx.Response:
    """A server that has every one of these faults."""
    text = f"{request.url} {request.content.decode('latin-1')}"
    if request.method == "GET" and "query=" not in str(request.url):
        return httpx.Response(200, html="<html>GraphiQL</html>")
    if "@aa" in text:
        return httpx.Response(200, json={"errors": [{"message": "unknown"}] * 10})
    if any(part in text for part in ("directive }", "tenat", "nods", "firts", "CITI", "Tenan ", "@skp", "Leve)")):
        return httpx.Response(200, json={"errors": [{"message": "Did you mean 'tenant'?"}]})
    if "qwerty" in text:
        return httpx.Response(200, json={"errors": [{"message": "x", "extensions": {"exception": {"stacktrace": []}}}]})
    if request.content.startswith(b"["):
        return httpx.Response(200, json=[{"data": {}}] * 10)
    return httpx.Response(200, json={"data": {"__typename": "Query"}, "extensions": {"tracing": {}}})


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_fires_at_a_server_that_has_its_fault(name: str) -> None:
    target = Target("http://naive.example", "/graphql", {})
    target.client = httpx.Client(base_url="http://naive.example", transport=httpx.MockTransport(naive))
    assert CHECKS[name](target)
