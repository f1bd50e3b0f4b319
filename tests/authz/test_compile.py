"""The scope, the explanation, Casbin and the oracle give one answer, over policies that come from a generator biased to allows.

Here a few thousand decisions; `make acceptance only=policy` asks hundreds of thousands.
"""

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from authz.compile import compile_scope
from authz.policy import ACTIONS
from supervision.grant import FOREVER, Grant
from supervision.pattern import Pattern, parsed, under
from supervision.scope import Except, Scope
from tests.authz import differential
from tests.authz.listing import lists
from tests.authz.oracle import Extent, Held, Place, Tenant, allowed
from tests.authz.policies import CASES, DEPARTMENTS, PLACES, SUBJECTS, TENANTS, grant, path_text, policy, question, tenant_text

SEEDS = range(300)


def test_oracle_casbin_scope_and_explanation_agree() -> None:
    seen = differential.agreed(SEEDS, questions=20)
    assert seen[True] > 2_000
    assert seen[False] > 1_000


async def test_lists_and_counts_by_sql_agree_with_the_oracle_too(tmp_path: Path, postgres: str) -> None:
    for url in (None, postgres):
        async with lists(tmp_path, url) as judge:
            seen = await differential.listed(judge, SEEDS)
        assert seen["shown"] > 100
        assert seen["empty"] > 30


@pytest.mark.parametrize("fault", differential.FAULTS)
async def test_a_seeded_fault_is_caught(fault: str, tmp_path: Path) -> None:
    async with lists(tmp_path) as judge:
        with differential.FAULTS[fault](), pytest.raises(AssertionError):
            await differential.every(judge, range(600))


def test_the_rows_that_a_list_shows_are_those_a_check_of_each_allows() -> None:
    for seed in SEEDS:
        r = Random(seed)
        rows = policy(r)
        subject, action, _, now = question(r, rows)
        scope = compile_scope(subject, [grant(row, n) for n, row in enumerate(rows)], 1, now)
        for tenant in TENANTS:
            places = [Place(tenant, department, case) for department in (*DEPARTMENTS, None) for case in CASES]
            want = {place for place in places if allowed(rows, subject, action, place, now)}
            if recused_from_a_department(rows, subject, action, tenant, now):
                want = {place for place in want if place.department}  # a case that has none yet may be of that one
            assert listed(scope, action, places) == want, (seed, tenant.code)


def recused_from_a_department(rows: list[Held], subject: str, action: str, tenant: Tenant, now: int) -> bool:
    denials = [replace(row, allow=True) for row in rows if not row.allow and row.extent in (Extent.DEPARTMENT, Extent.LINE)]
    return any(allowed([row], subject, action, Place(tenant, str(row.of)), now) for row in denials)


def listed(scope: Scope, action: str, places: list[Place]) -> set[Place]:
    """What a list of the tenant's rows shows, as `Rows` say it."""
    reach = scope.reach(action, {"t": tenant_text(places[0].tenant)})
    return {place for place in places if "t" in reach and shown(reach["t"], place)}


def shown(rows: object, place: Place) -> bool:
    if rows is None:
        return True
    if isinstance(rows, Except):
        but = place.case in rows.cases or place.department in rows.departments or (bool(rows.departments) and not place.department)
        return not but and (rows.only is None or place.department in rows.only)
    assert isinstance(rows, frozenset)
    return place.department in rows


def test_a_scope_says_the_same_until_its_boundary() -> None:
    for seed in SEEDS:
        r = Random(seed)
        rows, now = [grant(row, n) for n, row in enumerate(policy(r))], r.randint(0, 9)
        scope = compile_scope("u1", rows, 1, now)
        assert scope.until > now
        for later in range(now, int(min(scope.until, 16))):
            assert compile_scope("u1", rows, 1, later).parts == scope.parts
        assert scope.until == FOREVER or any(scope.until in (g.not_before, g.expires) for g in rows if g.subject == "u1")


def test_recusal_wins_over_everything() -> None:
    for seed in SEEDS:
        r = Random(seed)
        rows = policy(r)
        subject, _, place, now = question(r, rows)
        shut = Grant(subject=subject, role="recused", path=tenant_text(place.tenant) + "*", expires=99, effect="deny")
        scope = compile_scope(subject, [*(grant(row, n) for n, row in enumerate(rows)), shut], 1, now)
        assert not any(scope.can(action, path_text(place)) for action in ACTIONS)


def test_what_a_scope_covers_every_place_of_it_allows() -> None:
    """Nobody can hand on more than they hold: what is covered is allowed at every place that the pattern covers."""
    covered = 0
    for seed in SEEDS:
        r = Random(seed)
        rows = policy(r)
        subject, action, _, now = question(r, rows)
        scope = compile_scope(subject, [grant(row, n) for n, row in enumerate(rows)], 1, now)
        for other in policy(r):
            text = grant(other, 0).path
            pattern = parsed(text)
            if pattern is not None and pattern.what[:1] != "#" and scope.covers(pattern, (action,)):
                covered += 1
                places = [place for place in PLACES if under(path_text(place), text)]
                assert all(allowed(rows, subject, action, place, now) for place in places), (seed, text)
    assert covered > 40


def test_patterns_that_meet_have_a_place_in_common_and_those_that_cover_have_all() -> None:
    r = Random(7)
    texts = {grant(row, 0).path for _ in range(200) for row in policy(r)}
    held = {text: {path_text(place) for place in PLACES if under(path_text(place), text)} for text in texts}
    for one in texts:
        for other in texts:
            mine, theirs = parsed(one), parsed(other)
            assert mine is not None
            assert theirs is not None
            if mine.covers(theirs):
                assert held[other] <= held[one], (one, other)
            if held[one] & held[other]:
                assert mine.meets(theirs), (one, other)


def test_who_is_nobody_reaches_nothing() -> None:
    assert compile_scope("nobody", [Grant(subject=SUBJECTS[0], role="supervisor", path="*")], 1, 0).parts == {}


def test_an_exact_grant_of_a_tenant_shows_the_tenant_and_no_row_of_it() -> None:
    scope = compile_scope("u", [Grant(subject="u", role="supervisor", path="620000/620100/")], 1, 0)
    assert scope.reach("tenant.view", {"620100": "620000/620100/", "620102": "620000/620100/620102/"}) == {"620100": frozenset()}
    assert not scope.can("case.view", "620000/620100/@A/#1/")


def test_a_recusal_inside_a_tenant_leaves_out_its_rows_alone() -> None:
    rows = [
        Grant(subject="u", role="supervisor", path="620000/*"),
        Grant(subject="u", role="recused", path="620000/620100/@A/*", effect="deny"),
        Grant(subject="u", role="recused", path="620000/620100/@B/#7/*", effect="deny"),
    ]
    reach = compile_scope("u", rows, 1, 0).reach("case.view", {"p": "620000/", "c": "620000/620100/"})
    assert reach == {"p": None, "c": Except(frozenset({"A"}), frozenset({7}))}


def test_a_recusal_from_one_case_of_the_only_department() -> None:
    rows = [
        Grant(subject="u", role="clerk", path="620000/@A/*"),
        Grant(subject="u", role="recused", path="620000/#7/*", effect="deny"),
    ]
    reach = compile_scope("u", rows, 1, 0).reach("case.view", {"p": "620000/"})
    assert reach == {"p": Except(cases=frozenset({7}), only=frozenset({"A"}))}


def test_a_line_of_duty_reaches_one_department_of_every_tenant_below() -> None:
    scope = compile_scope("u", [Grant(subject="u", role="inspector", path="620000/620100/*/@GAJ/*")], 1, 0)
    paths = {"p": "620000/", "c": "620000/620100/", "d": "620000/620100/620102/"}
    assert scope.reach("case.view", paths) == {"c": frozenset({"GAJ"}), "d": frozenset({"GAJ"})}


def test_the_row_that_opened_a_tenant_is_known() -> None:
    rows = [
        Grant(subject="u", role="inspector", path="620000/620100/@GAJ/*", id=3),
        Grant(subject="u", role="supervisor", path="620000/*", id=2),
    ]
    scope = compile_scope("u", rows, 1, 0)
    found = [scope.because("case.view", path) for path in ("620000/620100/", "620000/620200/", "630000/")]
    assert [row and row.id for row in found] == [2, 2, None]
    assert scope.because("case.ingest", "620000/620100/") is None


@pytest.mark.parametrize(
    "text", ["", "/", "620000", "@A/*", "620000/@A/", "620000/~w/", "620000/*/", "620000/*/#7/*", "6200/*", "**"]
)
def test_what_is_no_pattern_covers_nothing(text: str) -> None:
    assert parsed(text) is None
    assert not under("620000/@A/#7/", text)


def test_a_case_is_told_by_its_id_alone() -> None:
    assert parsed("620000/@A/#07/*") == parsed("620000/#7/*") == Pattern("620000/", False, "#7/")
