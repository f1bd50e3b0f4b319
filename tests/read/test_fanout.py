"""Asking many places at once: bounded, patient, one deadline around the queueing, and breakers that open and half-open.

The places are functions here; the clock is the event loop's.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from supervision.faults import Failure, TenantBroken, TenantTimedOut, TenantUnreachable
from tenants.read.fanout import Breakers, Fanout
from tenants.read.request import Limits


def deadline(seconds: float = 10.0) -> float:
    return asyncio.get_running_loop().time() + seconds


async def for_ever(_: object) -> str:
    await asyncio.Event().wait()
    return "never"


async def at_once(what: str) -> str:
    return what


def failing(fault: Failure) -> Callable[[str], Awaitable[str]]:
    async def ask(_: str) -> str:
        raise fault

    return ask


async def test_answers_come_in_the_order_of_the_asking() -> None:
    found = await Fanout(Limits()).each([("a", "1"), ("b", "2"), ("c", "3")], at_once, deadline())
    assert found == ["1", "2", "3"]


async def test_no_more_are_asked_at_once_than_are_allowed() -> None:
    now, most = 0, 0

    async def ask(_: str) -> str:
        nonlocal now, most
        now += 1
        most = max(most, now)
        for _turn in range(5):
            await asyncio.sleep(0)
        now -= 1
        return ""

    await Fanout(Limits(tenants_at_once=3)).each([(str(n), "") for n in range(20)], ask, deadline())
    assert (most, now) == (3, 0)


async def test_many_dead_places_take_one_deadline_and_not_a_patience_for_each_turn() -> None:
    fanout, began = Fanout(Limits(tenants_at_once=2, patience=0.2)), asyncio.get_running_loop().time()
    found = await fanout.each([(str(n), "") for n in range(40)], for_ever, deadline(0.5))
    assert asyncio.get_running_loop().time() - began < 1.0
    assert all(isinstance(answer, TenantTimedOut) for answer in found)


async def test_who_only_queued_is_not_held_to_have_failed() -> None:
    fanout = Fanout(Limits(tenants_at_once=1, patience=0.05, breaker_failures=1))
    found = await fanout.each([("slow", ""), ("late", ""), ("queued", "")], for_ever, deadline(0.08))
    now = asyncio.get_running_loop().time()
    assert [type(answer) for answer in found] == [TenantTimedOut] * 3
    assert fanout.breakers.open(now) == ["slow"]


async def test_a_fault_that_came_before_the_patience_was_over_counts_however_late_the_turn() -> None:
    fanout = Fanout(Limits(patience=9.0, breaker_failures=1))
    await fanout.each([("a", "")], failing(TenantUnreachable()), deadline(5.0))
    assert fanout.breakers.open(asyncio.get_running_loop().time()) == ["a"]


async def test_a_fault_is_an_answer_and_anything_else_is_raised() -> None:
    fault = TenantUnreachable()
    assert await Fanout(Limits()).each([("a", "")], failing(fault), deadline()) == [fault]

    async def ask(_: str) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Fanout(Limits()).each([("a", ""), ("b", "")], ask, deadline())


async def test_a_place_that_failed_often_is_not_asked_until_the_pause_is_over() -> None:
    fanout, asked = Fanout(Limits(breaker_failures=2, breaker_pause=60.0)), 0

    async def ask(_: str) -> str:
        nonlocal asked
        asked += 1
        raise TenantUnreachable

    for _ in range(5):
        assert isinstance((await fanout.each([("a", "")], ask, deadline()))[0], TenantUnreachable)
    assert asked == 2


def breakers() -> Breakers:
    return Breakers(Limits(breaker_failures=2, breaker_pause=5.0))


def test_after_the_pause_one_asking_decides() -> None:
    kept, fault = breakers(), TenantUnreachable()
    kept.failed("a", fault, 0.0)
    assert kept.refused("a", 0.0) is None
    kept.failed("a", fault, 1.0)
    assert kept.refused("a", 5.9) is fault
    assert kept.refused("a", 6.0) is None
    assert kept.refused("a", 6.0) is fault
    kept.answered("a")
    assert kept.refused("a", 6.0) is None
    assert not kept


def test_one_that_fails_again_after_the_pause_is_left_alone_again() -> None:
    kept, fault = breakers(), TenantTimedOut()
    for moment in (0.0, 0.0, 6.0):
        kept.refused("a", moment)
        kept.failed("a", fault, moment)
    assert kept.refused("a", 10.9) is fault
    assert kept.open(10.9) == ["a"]
    assert kept.open(11.0) == []


def test_a_database_that_answers_with_an_error_is_left_alone_at_once_and_forgotten_when_it_moves() -> None:
    kept, fault = breakers(), TenantBroken()
    kept.failed("a", fault, 0.0)
    assert kept.refused("a", 1.0) is fault
    kept.forget(["a"])
    assert kept.refused("a", 1.0) is None
