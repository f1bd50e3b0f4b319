"""The reads of one tick, batched by shape: many tenants' pages, counts or groups of one kind are one question to the engine.

Knows the engine and no field: a field asks for its own tenant, and waits for the others of its tick here.
"""

import asyncio
from collections.abc import Awaitable, Hashable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from strawberry.dataloader import DataLoader

from tenants.read.engine import Engine
from tenants.read.request import Asking, Count, Grouped, Groups, Page, Read, Shape


class Wanted(NamedTuple):
    """A read of one tenant that waits for the others of its tick."""

    what: Read | Groups
    shape: Shape | None
    asking: Asking

    @property
    def alike(self) -> Hashable:
        """Equal for reads that one statement can answer: all but their tenants."""
        return type(self.what), replace(self.what, tenants=()), id(self.shape), id(self.asking.scope), self.asking.now


class Reads:
    """What a request reads. `batching`: whether reads of single tenants wait for others alike."""

    def __init__(self, engine: Engine, batching: bool) -> None:
        self.engine, self.batching = engine, batching
        self._loader: DataLoader[Wanted, Any] | None = None

    async def page(self, read: Read, shape: Shape, asking: Asking) -> Page:
        if self.batching and len(read.tenants) == 1:
            return await self._batched(Wanted(read, shape, asking))  # type: ignore[no-any-return]
        return await self.engine.page(read, shape, asking)

    async def count(self, read: Read, asking: Asking) -> Count:
        if self.batching and len(read.tenants) == 1:
            return await self._batched(Wanted(read, None, asking))  # type: ignore[no-any-return]
        return await self.engine.count(read, asking)

    async def groups(self, groups: Groups, asking: Asking) -> Grouped:
        if self.batching and len(groups.tenants) == 1:
            return await self._batched(Wanted(groups, None, asking))  # type: ignore[no-any-return]
        return await self.engine.groups(groups, asking)

    def _batched(self, wanted: Wanted) -> Awaitable[Any]:
        if self._loader is None:
            self._loader = DataLoader(self._load, cache=False)
        return self._loader.load(wanted)

    async def _load(self, waiting: list[Wanted]) -> list[Any]:
        alike: dict[Hashable, list[int]] = {}
        for place, wanted in enumerate(waiting):
            alike.setdefault(wanted.alike, []).append(place)
        batches = [[waiting[place] for place in places] for places in alike.values()]
        answers = await asyncio.gather(*(self._answer(batch) for batch in batches), return_exceptions=True)
        found: list[Any] = [None] * len(waiting)
        for places, answer in zip(alike.values(), answers, strict=True):
            for n, place in enumerate(places):
                found[place] = answer if isinstance(answer, BaseException) else answer[n]
        return found

    async def _answer(self, batch: list[Wanted]) -> Sequence[Any]:
        """The answers in the order of the batch; what is wanted twice is read once."""
        first, whats = batch[0], [wanted.what for wanted in batch]
        once = list(dict.fromkeys(whats))
        found = dict(zip(once, await self._read(once, first.shape, first.asking), strict=True))
        return [found[what] for what in whats] if len(once) == len(whats) else [own(found[what]) for what in whats]

    async def _read(self, once: Sequence[Read | Groups], shape: Shape | None, asking: Asking) -> Sequence[Any]:
        reads = [what for what in once if isinstance(what, Read)]
        if not reads:
            return await self._grouped([what for what in once if isinstance(what, Groups)], asking)
        return await (self.engine.counts(reads, asking) if shape is None else self.engine.pages(reads, shape, asking))

    async def _grouped(self, once: list[Groups], asking: Asking) -> list[Grouped]:
        """One grouping by tenant as well, taken apart again."""
        tenants, by = [groups.tenants[0] for groups in once], once[0].by
        found = await self.engine.groups(replace(once[0], tenants=tuple(tenants), by=(*by, *OF_TENANT)), asking)
        return apart(found, tenants, len(by))


OF_TENANT = ("TENANT",)


def own(answer: Any) -> Any:
    """The same page with nodes of its own, for whoever asked fills in the tenants."""
    return replace(answer, nodes=[dict(node) for node in answer.nodes]) if isinstance(answer, Page) else answer


def apart(found: Grouped, tenants: Sequence[str], place: int) -> list[Grouped]:
    """The groups of each tenant, without the column that says so."""
    rows: dict[str, list[tuple[Any, ...]]] = {tenant: [] for tenant in tenants}
    for row in found.rows:
        rows[row[place]].append((*row[:place], *row[place + 1 :]))
    lacking = {lack.tenant: (lack,) for lack in found.missing}
    return [Grouped(rows[tenant], lacking.get(tenant, ())) for tenant in tenants]
