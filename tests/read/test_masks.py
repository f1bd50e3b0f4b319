"""Applicants' personal data: whole where the right reaches the row's tenant and department, masked everywhere else."""

from dataclasses import replace

import pytest

from supervision.scope import Except, Part, Rows
from tenants.read import masks
from tenants.read.request import Order, Read, Shape
from tests.province import CODES, Province, part, scope_of, visible

APPLICANT = {name: mask for name, mask in masks.MASKS.items() if name.startswith("applicant_")}
COLUMNS = ("no", *APPLICANT)
SHAPE = Shape(COLUMNS, lambda rows: [dict(zip(COLUMNS, row[3 : 3 + len(COLUMNS)], strict=True)) for row in rows])
READ = Read("cases", COLUMNS, (), Order("no"), 1000, CODES)


@pytest.mark.parametrize(
    ("mask", "whole", "masked"),
    [
        (masks.names, "王小明", "王*"),
        (masks.names, "", "*"),
        (masks.idnos, "620102199001011234", "6201**********1234"),
        (masks.idnos, "12345678901", "***********"),
        (masks.phones, "13800001234", "138****1234"),
        (masks.phones, "4655", "****"),
        (masks.addresses, "甘肃省兰州市城关区东岗西路一号", "甘肃省兰州市***"),
        (masks.addresses, "城关区", "***"),
        (masks.certificates, "62010001234", "6201****234"),
    ],
)
def test_a_mask_keeps_the_shape_and_no_more(mask: masks.Mask, whole: str, masked: str) -> None:
    assert mask([whole, None]) == [masked, None]


@pytest.mark.parametrize(
    "opened",
    [
        part(),
        part("620000/*"),
        part("620000/620100/*"),
        part("620000/620100/620102/@GAJ/*", "620000/620200/*"),
        part("620000/*", but=("620000/620100/620102/@GAJ/*", "620000/620100/620103/#3/*")),
    ],
)
@pytest.mark.parametrize("column", list(APPLICANT))
async def test_a_column_is_whole_exactly_where_the_right_reaches(province: Province, column: str, opened: Part) -> None:
    action, mask = APPLICANT[column]
    scope = scope_of({"case.view": part("620000/*"), action: opened})
    reach = scope.reach(action, province.tree.paths)
    page = await province.engine.page(READ, SHAPE, province.asking(scope))
    cases = {row["no"]: row for row in province.cases(scope)}
    assert len(page.nodes) == len(cases)
    for node in page.nodes:
        case = cases[node["no"]]
        rows: Rows | bool = reach.get(case["tenant"], False)
        whole = not isinstance(rows, bool) and visible(case, rows)
        for name, (_, other) in APPLICANT.items():
            seen = case[name] if name == column and whole else (mask if name == column else other)([case[name]])[0]
            assert node[name] == seen


async def test_batched_pages_are_masked_alike(province: Province) -> None:
    scope = scope_of({"case.view": part("620000/*"), "field.applicant.name": part("620000/620100/620102/@GAJ/*")})
    asking = province.asking(scope)
    reads = [replace(READ, tenants=(tenant,)) for tenant in CODES]
    together = await province.engine.pages(reads, SHAPE, asking)
    assert [page.nodes for page in together] == [(await province.engine.page(read, SHAPE, asking)).nodes for read in reads]


def test_nothing_is_done_where_the_rights_are_whole_or_nothing_is_asked() -> None:
    paths, one = {"620000": "620000/"}, replace(READ, tenants=("620000",))
    every = scope_of({action: part("620000/*") for action, _ in masks.MASKS.values()})
    assert not masks.Masking(one, every, paths)
    assert not masks.Masking(replace(one, columns=("no",)), scope_of({}), paths)
    assert masks.Masking(one, scope_of({}), paths).columns == COLUMNS


def test_a_recused_case_and_a_row_without_department_stay_closed() -> None:
    row = ("k", "620102", 7, "x", None)
    assert not masks.opens(Except(departments=frozenset({"GAJ"})), row, True)
    assert not masks.opens(Except(cases=frozenset({7})), row, True)
    assert masks.opens(Except(cases=frozenset({7})), row, False), "an officer of the same id"
    assert masks.opens(Except(cases=frozenset({8})), row, True)


def test_an_empty_page_is_masked_too() -> None:
    held = scope_of({"field.applicant.name": part("620000/620100/620102/@GAJ/*")})
    assert masks.Masking(READ, held, {code: f"620000/620100/{code}/" for code in CODES}).rows([]) == []
