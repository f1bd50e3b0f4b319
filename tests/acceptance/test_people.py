"""What `make acceptance only=people` proves of a province, proved of a city and its counties."""

from collections.abc import Iterator
from copy import deepcopy

import pytest

from acceptance._brute import World
from acceptance._figures import Figures
from acceptance._hidden import differing
from acceptance._served import Served, served
from acceptance.people import Person, check, hidden

CITY, COUNTY = "620300", "620302"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("people") / "data", "--within", CITY, "--cases", "15") as running:
        yield running


@pytest.fixture(scope="module")
def world(demo: Served) -> World:
    return World(demo.folder)


def missed(figures: Figures, demo: Served, world: World, person: str) -> list[str]:
    check(figures, Person(demo, world, person), (20, 3), 1)
    return figures.missed


@pytest.mark.parametrize("person", [CITY, COUNTY])
def test_all_that_a_supervisor_is_told_agrees_with_brute_force(demo: Served, world: World, person: str) -> None:
    assert missed(Figures(), demo, world, person) == []
    hidden(figures := Figures(), Person(demo, world, person))
    assert figures.missed == []


@pytest.mark.parametrize(
    ("table", "column", "value"), [("cases", "paid", 7), ("case_events", "note", "?"), ("officers", "name", "?")]
)
def test_one_value_that_differs_is_seen(demo: Served, world: World, table: str, column: str, value: object) -> None:
    changed = deepcopy(world)
    changed.files[COUNTY][table][0][column] = value
    assert missed(Figures(), demo, changed, COUNTY) == [f"{COUNTY} 金川区: differences from brute force"]


def test_a_case_that_is_left_out_is_seen(demo: Served, world: World) -> None:
    changed = deepcopy(world)
    del changed.files[COUNTY]["cases"][0]
    assert missed(Figures(), demo, changed, COUNTY) == [f"{COUNTY} 金川区: differences from brute force"]


def test_a_tenant_within_reach_is_not_answered_like_one_that_does_not_exist(demo: Served) -> None:
    compared, differ = differing(demo, CITY, [COUNTY])
    assert 0 < differ <= compared
