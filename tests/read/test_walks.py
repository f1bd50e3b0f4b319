"""Any walk equals the order by brute force, without loss or repeat: in files, in shards, and in both."""

from random import Random

import pytest

from tenants.read.request import Order
from tests.province import CODES, Province
from tests.read.walking import cases_by, flat, in_order, walk

ORDERS = ("due_at", "no", "charged", "last_event_at", "closed_at")


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("column", ORDERS)
async def test_a_walk_is_the_order_without_loss_or_repeat(
    province: Province, column: str, descending: bool, backward: bool
) -> None:
    order, asking, random = Order(column, descending), province.asking(), Random(7)
    expected = [row["no"] for row in in_order(province.cases(asking.scope), order)]
    for sizes in ([1000], [7], [1, 2, 40], [random.randrange(1, 30) for _ in range(5)]):
        pages = await walk(province, cases_by(order, CODES, 1, backward=backward), asking, sizes)
        assert flat(pages, backward) == expected
