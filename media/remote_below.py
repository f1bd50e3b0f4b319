"""Gateways below, asked for a worker that shows their cameras: who speaks with them lives in this process.

What a worker began to ask for and cannot end itself any more, because it has ended, is ended here.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from itertools import count
from typing import Any

from media.faults import BelowUnreachable
from media.source import Source
from media.sources.below import Below, BelowSource
from media.spoken import Said, fault_said
from media.states import Told
from supervision.faults import Fault

Say = Callable[[str, Said], None]


class Belows:
    """Of one worker. `say`: to it."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._known: dict[int, Below] = {}
        self._asked: set[int] = set()
        self._listening: dict[int, asyncio.Task[None]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._numbers = count(1)

    def number(self, below: Below) -> int:
        """By which the worker names it."""
        for number, known in self._known.items():
            if known is below:
                return number
        number = next(self._numbers)
        self._known[number] = below
        return number

    def forget(self, source: Source) -> None:
        """A source that is asked for no more."""
        below = source.below if isinstance(source, BelowSource) else None
        for number in [number for number, known in self._known.items() if known is below]:
            self._left(number)
            del self._known[number]

    def asked(self, name: str, said: Said) -> Awaitable[Any]:
        return self._ask(said["below"], said["offer"]) if name == "ask" else self._leave(said["below"])

    async def _ask(self, number: int, offer: str) -> str:
        below = self._known.get(number)
        if below is None or below.is_down:
            raise BelowUnreachable("" if below is None else below.name)
        self._asked.add(number)
        return await below.ask(offer)

    async def _leave(self, number: int) -> None:
        self._asked.discard(number)
        if (below := self._known.get(number)) is not None:
            await below.leave()

    def heard(self, name: str, said: Said) -> None:
        number = said["number"]
        if name == "listen":
            self._listening[number] = asyncio.ensure_future(self._tell(number, self._known.get(said["below"])))
        elif (task := self._listening.pop(number, None)) is not None:
            task.cancel()

    async def _tell(self, number: int, below: Below | None) -> None:
        fault = None
        try:
            async with aclosing(_states(below)) as states:
                async for told in states:
                    self._say("below", {"number": number, "told": list(told)})
        except Fault as problem:
            fault = fault_said(problem)
        self._say("below", {"number": number, "fault": fault})

    def lost(self) -> None:
        """The worker has ended."""
        for task in self._listening.values():
            task.cancel()
        self._listening.clear()
        for number in tuple(self._asked):
            self._left(number)

    def _left(self, number: int) -> None:
        """What was asked for there and is not left yet is left now."""
        if number in self._asked:
            self._asked.discard(number)
            task = asyncio.ensure_future(self._known[number].leave())
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)

    async def close(self) -> None:
        await asyncio.gather(*self._leaving, return_exceptions=True)


async def _states(below: Below | None) -> AsyncGenerator[Told, None]:
    if below is not None:
        async for told in below.states():
            yield told
