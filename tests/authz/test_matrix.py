"""Every role, every action, every relation: one reviewed table, run through Casbin, the scope and the explanation."""

from pathlib import Path
from typing import NamedTuple

import pytest

from authz.compile import compile_scope, explain
from authz.policy import ACTIONS, ROLES
from supervision.grant import Grant
from tests.authz.reference import enforcer

ROLES_PAGE = Path(__file__).parents[2] / "docs/roles.md"
PLACES = {
    "own": "620000/620100/@A/#1/",
    "other department": "620000/620100/@B/#1/",
    "below": "620000/620100/620102/@A/#1/",
    "sibling": "620000/620200/@A/#1/",
    "above": "620000/@A/#1/",
}
"""Where somebody stands to a place, and the place; an ingest source instead of a department where events are sent."""


class Cell(NamedTuple):
    """One question of the table. `row`: the one row of the policy that there is."""

    role: str
    action: str
    row: str
    relation: str
    allowed: bool

    @property
    def path(self) -> str:
        path = PLACES[self.relation]
        return path.partition("@")[0] + "~w/!applied/" if self.action == "case.ingest" else path


def cells() -> list[Cell]:
    lines = Path(__file__).with_name("matrix.tsv").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return [
        Cell(role, action, row, relation, answer == "yes")
        for role, action, row, *answers in rows
        for relation, answer in zip(PLACES, answers, strict=True)
    ]


CELLS = cells()


@pytest.mark.parametrize("role", sorted(ROLES))
def test_every_cell_is_answered_as_the_table_says(role: str) -> None:
    mine = [cell for cell in CELLS if cell.role == role]
    grant = Grant(subject="u", role=role, path=mine[0].row, id=7)
    casbin, scope = enforcer([grant]), compile_scope("u", [grant], 1, 1)
    for cell in mine:
        decision = explain([grant], "u", cell.action, cell.path, 1)
        answers = scope.can(cell.action, cell.path), casbin.enforce("u", cell.action, cell.path, "1"), decision.allowed
        assert set(answers) == {cell.allowed}, cell
        assert (decision.because == grant) is cell.allowed


def test_the_table_has_every_role_and_action() -> None:
    assert {(cell.role, cell.action) for cell in CELLS} == {(role, action) for role in ROLES for action in ACTIONS}
    assert len(CELLS) > 1_500


def test_nobody_reaches_a_sibling_or_a_superior() -> None:
    assert not [cell for cell in CELLS if cell.allowed and cell.relation in ("sibling", "above")]


def test_the_page_of_roles_says_what_the_code_says() -> None:
    told = {}
    for line in ROLES_PAGE.read_text("utf-8").splitlines():
        cells_ = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells_) == 4:
            role, _, actions, _ = cells_
            told[role.strip("`")] = {action.strip(" `") for action in actions.split(",")}
    assert told == {role: set(actions) for role, actions in ROLES.items()}
