"""Walks while the world changes: rows come in, a tenant joins. What was there all along comes exactly once, in order.

Hypothesis draws orders, page sizes and moments of change.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenants.read.request import Order, Position
from tests.province import CODES, Province, reopened, tree_of
from tests.read.walking import NO, cases_by, in_order, position

ORDERS = st.builds(Order, st.sampled_from(["due_at", "no", "charged", "closed_at", "last_event_at"]), st.booleans())
SIZES = st.lists(st.integers(1, 60), min_size=1, max_size=4)


async def walked(province: Province, order: Order, sizes: list[int], backward: bool, change: Callable[[int], object]) -> list[str]:
    """Case numbers in the order they came; `change` is called, and awaited, between pages."""
    found: list[str] = []
    past: Position | None = None
    for n in range(600):
        read = cases_by(order, CODES, sizes[n % len(sizes)], past=past, backward=backward)
        page = await province.engine.page(read, NO, province.asking())
        assert not page.missing
        mine = [node["no"] for node in page.nodes]
        found += mine[::-1] if backward else mine
        if not page.more:
            return found
        past = position(page.rows[0 if backward else -1])
        await change(n)  # type: ignore[misc]
    raise AssertionError("the walk does not end")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(["sqlite", "postgres", "mixed"]), order=ORDERS, sizes=SIZES, backward=st.booleans())
def test_any_walk_equals_brute_force(
    written: Callable[[str], Province], kind: str, order: Order, sizes: list[int], backward: bool
) -> None:
    async def go() -> None:
        async def nothing(_: int) -> None: ...

        async with reopened(built) as province:
            expected = [row["no"] for row in in_order(province.cases(province.everything()), order)]
            assert await walked(province, order, sizes, backward, nothing) == (expected[::-1] if backward else expected)

    built = written(kind)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(go())).result()


async def test_rows_that_come_in_meanwhile_move_nothing_else(fresh_province: Province) -> None:
    province = fresh_province

    async def more(n: int) -> None:
        await province.add(CODES[n % len(CODES)], 2)

    for order in (Order("due_at"), Order("closed_at", descending=True)):
        for backward in (False, True):
            before = {row["no"] for row in province.cases(province.everything())}
            found = await walked(province, order, [11, 3], backward, more)
            everything = [row["no"] for row in in_order(province.cases(province.everything()), order)]
            place = {no: n for n, no in enumerate(everything[::-1] if backward else everything)}
            assert before <= set(found)
            assert len(found) == len(set(found))
            assert [place[no] for no in found] == sorted(place[no] for no in found)


async def test_a_tenant_that_joins_meanwhile_moves_nothing_else(fresh_province: Province) -> None:
    province, joining = fresh_province, "620103"
    homes = {tenant: home for tenant, home in province.homes.items() if tenant != joining}
    tree = tree_of(homes)
    province.engine.look(province.sources, homes, tree)

    async def join(n: int) -> None:
        if n == 2:
            province.engine.look(province.sources, province.homes, province.tree)

    order = Order("due_at")
    found = await walked(province, order, [9], False, join)
    everything = [row["no"] for row in in_order(province.cases(province.everything()), order)]
    assert {no for no in everything if not no.startswith(joining)} <= set(found)
    assert [no for no in everything if no in set(found)] == found
    assert any(no.startswith(joining) for no in found)


async def test_a_page_after_a_row_that_is_gone_goes_on_from_its_place(fresh_province: Province) -> None:
    """A cursor names a place, not a row."""
    province, order = fresh_province, Order("no")
    everything = [row["no"] for row in in_order(province.cases(province.everything()), order)]
    read = replace(cases_by(order, CODES, 5), past=Position("620102-00003x", "620102", 999_999))
    page = await province.engine.page(read, NO, province.asking())
    assert [node["no"] for node in page.nodes] == [no for no in everything if no > "620102-00003x"][:5]
