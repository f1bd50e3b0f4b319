"""Both ends of a channel in this process: calls and answers, files that go along, the end of whoever says what is no message."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import pytest

from media.channel import HEAD, MESSAGE_MOST, WAITING_MOST, Channel, ChannelLost
from media.faults import CameraRefused, OfferInvalid
from media.spoken import fault_heard, fault_said


class End:
    """One end, which does what its calls are named by."""

    def __init__(self, end: socket.socket) -> None:
        self.said: list[Any] = []
        self.cancelled, self.over, self.begun = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.channel = Channel(end, self, fault_said, fault_heard)

    def heard(self, name: str, said: dict[str, Any]) -> None:
        self.said.append((name, said))

    def asked(self, name: str, said: dict[str, Any], files: list[int]) -> Awaitable[Any]:
        return getattr(self, name)(said, files)  # type: ignore[no-any-return]

    def lost(self) -> None:
        self.over.set()

    async def double(self, said: dict[str, Any], _: list[int]) -> Any:
        return said["value"] * 2

    async def refuse(self, said: dict[str, Any], _: list[int]) -> Any:
        raise OfferInvalid("it is empty")

    async def fail(self, said: dict[str, Any], _: list[int]) -> Any:
        fault = CameraRefused("It is off.")
        fault.soon = True
        raise fault

    async def wait(self, said: dict[str, Any], _: list[int]) -> Any:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()

    async def write(self, said: dict[str, Any], files: list[int]) -> Any:
        with os.fdopen(files.pop(), "wb") as out:
            return out.write(said["text"].encode())


@pytest.fixture
async def ends() -> AsyncIterator[tuple[End, End]]:
    made = [End(end) for end in socket.socketpair()]
    yield made[0], made[1]
    for one in made:
        one.channel.close()
        await one.channel.settled()


async def test_calls_go_both_ways_and_what_is_large_comes_whole(ends: tuple[End, End]) -> None:
    large = "x" * (MESSAGE_MOST // 4)
    asked = [(ends[0], large), (ends[1], "b"), (ends[0], 3), (ends[1], large)]
    found = await asyncio.gather(*(end.channel.call("double", {"value": value}) for end, value in asked))
    assert found == [2 * value for _, value in asked]


async def test_what_is_said_comes_in_order(ends: tuple[End, End]) -> None:
    for n in range(5_000):
        ends[0].channel.say("n", {"n": n})
    await ends[0].channel.call("double", {"value": 1})
    assert ends[1].said == [("n", {"n": n}) for n in range(5_000)]


async def test_a_fault_comes_back_as_what_it_is(ends: tuple[End, End]) -> None:
    with pytest.raises(OfferInvalid) as refused:
        await ends[0].channel.call("refuse", {})
    assert refused.value.detail == "it is empty"
    with pytest.raises(CameraRefused) as failed:
        await ends[0].channel.call("fail", {})
    assert (failed.value.detail, failed.value.soon) == ("It is off.", True)


async def test_who_is_cancelled_here_is_cancelled_there(ends: tuple[End, End]) -> None:
    asked = asyncio.ensure_future(ends[0].channel.call("wait", {}))
    await ends[1].begun.wait()
    asked.cancel()
    await asyncio.wait_for(ends[1].cancelled.wait(), 20)
    await asyncio.gather(asked, return_exceptions=True)


async def test_a_file_goes_along_and_ours_can_be_closed(ends: tuple[End, End], tmp_path: Path) -> None:
    calls = []
    for n in range(20):
        with (tmp_path / str(n)).open("wb") as out:
            calls.append(asyncio.ensure_future(ends[0].channel.call("write", {"text": str(n) * 9_000}, [out.fileno()])))
            await asyncio.sleep(0)
    await asyncio.gather(*calls)
    assert all((tmp_path / str(n)).read_text() == str(n) * 9_000 for n in range(20))


async def test_files_that_nobody_takes_are_closed(ends: tuple[End, End], tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    await ends[0].channel.call("double", {"value": 1}, [theirs])
    os.close(theirs)
    assert await asyncio.to_thread(os.read, ours, 1) == b"", "no end of it is open any more"
    os.close(ours)


async def test_the_end_of_one_is_told_to_the_other_and_to_who_waits(ends: tuple[End, End]) -> None:
    asked = asyncio.ensure_future(ends[0].channel.call("wait", {}))
    await ends[1].begun.wait()
    ends[1].channel.close()
    with pytest.raises(ChannelLost):
        await asyncio.wait_for(asked, 20)
    await asyncio.wait_for(ends[0].over.wait(), 20)
    assert ends[1].cancelled.is_set() or await ends[1].cancelled.wait()
    with pytest.raises(ChannelLost):
        await ends[0].channel.call("double", {"value": 1})
    ends[0].channel.say("n", {})


WRONG = {
    "no JSON": b"\0\0\0\2{{",
    "no message": b"\0\0\0\2[]",
    "no call": b"\0\0\0\2{}",
    "too large": (MESSAGE_MOST + 1).to_bytes(HEAD, "big"),
    "files that did not come": b'\0\0\0\x30{"call":1,"do":"write","said":{},"files":1     }',
}


@pytest.mark.parametrize("what", WRONG)
async def test_what_is_no_message_is_its_end(what: str) -> None:
    ours, theirs = socket.socketpair()
    end = End(ours)
    theirs.send(WRONG[what])
    await asyncio.wait_for(end.over.wait(), 20)
    theirs.close()


async def test_calls_that_nobody_answers_are_bounded(ends: tuple[End, End], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("media.channel.DOING_MOST", 20)
    asked = [asyncio.ensure_future(ends[0].channel.call("wait", {})) for _ in range(21)]
    found = await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 20)
    assert {type(one) for one in found} == {ChannelLost}
    assert ends[1].over.is_set()


async def test_who_takes_nothing_is_not_waited_for_without_bound() -> None:
    ours, theirs = socket.socketpair()
    end = End(ours)
    for _ in range(WAITING_MOST // 1_000_000 + 2):
        end.channel.say("n", {"text": "x" * 1_000_000})
    assert end.channel.is_over
    assert end.over.is_set()
    theirs.close()
