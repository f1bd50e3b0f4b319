"""The policy's tables through a real query: every row of both is asked of `explain` in a running gateway over a real registry.

What Casbin, the scope and the explanation answer to the same rows stands in `tests/authz`.
"""

import asyncio
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from authz import compile as compiling
from supervision.grant import Grant
from supervision.tree import Division, Level, Tree
from tenants.provision import prepare_registry, provision
from tenants.registry import Registry
from tests.authz.test_cases import GRANTS, QUESTIONS
from tests.authz.test_matrix import CELLS
from tests.matrix.world import GRANTED, Door, case, door
from tests.schema.world import fill

TREE = Tree(
    [
        Division("620000", "甘肃省", Level.PROVINCE, None),
        Division("620100", "兰州市", Level.CITY, "620000"),
        Division("620102", "城关区", Level.COUNTY, "620100"),
        Division("620102001", "酒泉路街道", Level.TOWNSHIP, "620102"),
        Division("620103", "七里河区", Level.COUNTY, "620100"),
        Division("620102002", "西园街道", Level.TOWNSHIP, "620103"),
        Division("620200", "嘉峪关市", Level.CITY, "620000"),
        Division("630000", "青海省", Level.PROVINCE, None),
    ]
)
ASKER = (Grant(subject="asker", role="auditor", path="*"), Grant(subject="asker", role="supervisor", path="*"))
CASES = (1, 7, 77)
PLACE = re.compile(r"(?:@(?P<department>[^/]+)/)?(?:#(?P<case>[0-9]+)/)?")


class Row(NamedTuple):
    """A row of a table: who, what, where, at which second; the answer and the row that decides, `-` where none does."""

    who: str
    action: str
    path: str
    at: int
    allowed: bool
    because: str


MATRIX = [
    Row(cell.role, cell.action, cell.path, 1_500, cell.allowed, f"{cell.role} {cell.row}" if cell.allowed else "-")
    for cell in CELLS
]
SITUATIONS = [Row(who, action, path, int(at), allowed == "yes", because) for who, action, path, at, allowed, because in QUESTIONS]


def question(row: Row) -> str | None:
    """The row as a field of the query. None where its place cannot be named there: an ingest source."""
    tenant = next(code for code, path in sorted(TREE.paths.items(), key=lambda one: -len(one[1])) if row.path.startswith(path))
    found = PLACE.fullmatch(row.path.removeprefix(TREE.paths[tenant]))
    if found is None:
        return None
    of = f', department: "{found["department"]}"' if found["department"] else ""
    number = f', caseNo: "NO-{found["case"]}"' if found["case"] else ""
    asked = f'actor: "{row.who}", action: "{row.action}", tenant: {tenant}{of}{number}'
    return f"explain({asked}) {{ allowed row {{ subject role path }} because }}"


UNSAID = [row for row in (*MATRIX, *SITUATIONS) if question(row) is None]


async def made(folder: Path) -> None:
    """One policy of all rows of both tables, and the cases that they speak of in every tenant."""
    url = f"sqlite:///{folder / 'registry.db'}"
    await prepare_registry(url)
    registry = await Registry.open(url)
    await registry.import_tree(TREE.divisions.values())
    await provision(registry, list(TREE.paths))
    for grant in (*ASKER, *GRANTS, *(Grant(subject=role, role=role, path=path) for role, path in GRANTED.items())):
        await registry.grant(grant)
    await registry.close()
    async with door(folder) as at:
        for tenant in TREE.paths:
            async with at.source(tenant).write(tenant) as session:
                await fill(session, {"cases": [numbered(n, tenant) for n in CASES]})


def numbered(n: int, tenant: str) -> dict[str, Any]:
    return case(n, tenant, "A") | {"id": n, "no": f"NO-{n}", "item_id": None, "department_id": None}


async def answered(folder: Path, rows: Iterable[Row]) -> dict[Row, tuple[bool, str]]:
    """What the gateway answers to them, each at its second: the gateway's clock is ours."""
    now, found = [0], dict[Row, tuple[bool, str]]()
    async with door(folder, lambda: now[0]) as at:
        for second in sorted({row.at for row in rows}):
            now[0] = second
            found |= await asked(at, [row for row in rows if row.at == second])
    return found


async def asked(at: Door, rows: list[Row]) -> dict[Row, tuple[bool, str]]:
    found = {}
    for n in range(0, len(rows), 200):
        some = [(f"q{m}", row, said) for m, row in enumerate(rows[n : n + 200]) if (said := question(row))]
        answer = await at.ask("asker", "{ " + " ".join(f"{key}: {said}" for key, _, said in some) + " }")
        assert "errors" not in answer, answer["errors"]
        for key, row, _ in some:
            told = answer["data"][key]
            because = told["row"]
            assert because is None or because["subject"] == row.who
            assert because is None or because["path"] in told["because"]
            found[row] = told["allowed"], f"{because['role']} {because['path']}" if because else "-"
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made_in = tmp_path_factory.mktemp("policy")
    asyncio.run(made(made_in))
    return made_in


def wrong(found: dict[Row, tuple[bool, str]]) -> list[str]:
    return [f"{row}: {told}" for row, told in found.items() if told != (row.allowed, row.because)]


async def test_every_cell_of_the_matrix_is_explained_as_the_table_says(folder: Path) -> None:
    found = await answered(folder, MATRIX)
    assert wrong(found) == []
    assert len(found) == len(MATRIX) - 65 == 1_755


async def test_every_situation_is_explained_with_the_row_that_decides(folder: Path) -> None:
    found = await answered(folder, SITUATIONS)
    assert wrong(found) == []
    assert len(found) == len(SITUATIONS) - 20
    assert len(SITUATIONS) >= 200


def test_what_cannot_be_asked_is_the_right_to_send_and_nothing_else() -> None:
    """`explain` names no ingest source: the door for events itself is asked in tests/ingest."""
    assert {row.action for row in UNSAID} == {"case.ingest"}
    assert all("/~" in row.path for row in UNSAID)
    assert len(UNSAID) == 65 + 20


def test_every_role_and_every_kind_of_pattern_has_a_situation() -> None:
    assert {grant.role for grant in GRANTS} == {*GRANTED, "recused"}
    kinds = {re.sub(r"[0-9]{6,12}/", "", grant.path).replace("*/@", "L@", 1)[:2] for grant in GRANTS}
    assert kinds == {"", "*", "@/", "L@", "#7", "~w", "~o"} | {f"@{code}" for code in "JG"}


async def test_a_policy_that_forgets_denials_is_seen(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    explain = compiling.explain
    forgetful = lambda grants, *more: explain([grant for grant in grants if grant.effect == "allow"], *more)  # noqa: E731
    monkeypatch.setattr("schema.policing.explain", forgetful)
    assert wrong(await answered(folder, [row for row in SITUATIONS if row.at == 1_500]))
