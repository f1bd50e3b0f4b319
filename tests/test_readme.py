"""What the README and the glossary say is so: links lead somewhere, commands and targets exist, queries are valid."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from graphql import GraphQLEnumType, GraphQLSchema, build_schema, parse, validate

from gateway.__main__ import COMMANDS, GROUPS
from supervision.wire import kinds

ROOT = Path(__file__).parent.parent
READMES = ("README.md", "README.zh-CN.md")


@pytest.fixture(scope="module")
def api() -> GraphQLSchema:
    return build_schema((ROOT / "schema.graphql").read_text())


@pytest.mark.parametrize("name", [*READMES, "CHANGELOG.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))])
def test_every_link_leads_to_a_file(name: str) -> None:
    page = ROOT / name
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose)
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("name", READMES)
def test_every_command_exists(name: str) -> None:
    text = (ROOT / name).read_text()
    assert set(re.findall(r"(?:`|bin/)mingjing ([a-z]+)\b", text)) <= {*COMMANDS, *GROUPS}


@pytest.mark.parametrize("name", READMES)
def test_every_make_target_exists_and_help_names_it(name: str) -> None:
    helped = subprocess.run(["make", "-s", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    targets = set(re.findall(r"^  make (\w+) ", helped, re.MULTILINE))
    phony = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[0].split()
    assert targets == set(phony)
    assert set(re.findall(r"`?make ([a-z]+)\b", "\n".join(code(name)))) <= targets


@pytest.mark.parametrize("name", READMES)
def test_every_query_is_valid(name: str, api: GraphQLSchema) -> None:
    bodies = [json.loads(body) for body in re.findall(r"""'(\{"query": .+\})'""", (ROOT / name).read_text())]
    assert len(bodies) == 10
    for body in bodies:
        assert validate(api, parse(body["query"])) == []


@pytest.mark.parametrize("name", READMES)
def test_every_public_query_is_valid(name: str) -> None:
    public = build_schema((ROOT / "public.graphql").read_text())
    queries = re.findall(r"'query=(\{.+\})'", (ROOT / name).read_text())
    assert len(queries) == 2
    assert [error for query in queries for error in validate(public, parse(query))] == []


def test_both_languages_show_the_same_commands() -> None:
    english, chinese = ([uncommented(line) for line in code(name)] for name in READMES)
    assert [line for line in english if line.isascii()] == [line for line in chinese if line.isascii()] != []


def code(name: str) -> list[str]:
    """The lines of the shell blocks."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / name).read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


def uncommented(line: str) -> str:
    return re.sub(r"\s*(^|\s)#.*", "", line).replace("/别处", "/elsewhere").replace("查询", "QUERY")


def test_the_glossary_names_what_the_api_has(api: GraphQLSchema) -> None:
    rows = re.findall(r"^\|.*\| ([^|]*) \|$", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE)
    names = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    assert names - known(api) == set()
    assert len(names) > 60


def known(api: GraphQLSchema) -> set[str]:
    """Types, `Type.field`, enum values; kinds of events on the wire."""
    found = set(api.type_map)
    for name, type_ in api.type_map.items():
        found |= {f"{name}.{field}" for field in getattr(type_, "fields", {})}
        found |= set(type_.values) if isinstance(type_, GraphQLEnumType) else set()
    return found | set(kinds())
