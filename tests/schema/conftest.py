"""The world in real databases, behind an engine: SQLite files, schemas of PostgreSQL, and both at once."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from schema.context import Bounds, Context
from schema.cursor import Signer
from schema.documents import Documents
from schema.execute import Answer, GraphQLRequest, execute
from schema.limits import QueryLimits
from supervision.scope import Scope
from tenants.read.engine import Engine
from tenants.read.request import Asking, Limits
from tenants.sources.opening import open_sources
from tenants.sources.source import Source
from tests.schema.world import CODES, NOW, TREE, World, fill, made_world, scope
from tests.sources.databases import make_file, make_schemas

EVERYTHING = scope("620000/")
LIMITS = Limits(patience=2.0)
ROOMY = QueryLimits(query_tokens=100_000, query_aliases=10_000, query_directives=10_000, query_fields=100_000)
"""For queries that a generator makes; the limits have tests of their own."""


@dataclass(repr=False)
class Province:
    """An opened world. `ask` answers a query as a door would."""

    world: World
    engine: Engine
    folder: Path
    documents: Documents = field(default_factory=lambda: Documents(ROOMY))
    signer: Signer = field(default_factory=lambda: Signer(b"k" * 32))
    bounds: Bounds = field(default_factory=Bounds)
    states: dict[str, str] = field(default_factory=lambda: dict.fromkeys(CODES, "ACTIVE"))
    reason: str = "OperationalError: unable to open /srv/620103.db"

    def __repr__(self) -> str:
        """Short: hypothesis tells it with every example."""
        return f"Province({self.folder})"

    def context(self, rights: Scope = EVERYTHING, within: float = 5.0, **more: Any) -> Context:
        asking = Asking(rights, more.pop("now", NOW), asyncio.get_running_loop().time() + within)
        tenants = {code: SimpleNamespace(state=state, reason=self.reason) for code, state in self.states.items()}
        registry: Any = SimpleNamespace(tree=TREE, tenants=tenants)
        return replace(Context(self.engine, registry, asking, self.signer, self.bounds, "en"), **more)

    async def answer(self, text: str, variables: Any = None, rights: Scope = EVERYTHING, prepared: bool = True) -> Answer:
        request = GraphQLRequest(text, variables, None, prepared)
        return await execute(request, self.context(rights), self.documents)

    async def ask(self, text: str, variables: Any = None, rights: Scope = EVERYTHING, **more: Any) -> Any:
        """The data and the errors, as read from JSON."""
        told = orjson.loads((await self.answer(text, variables, rights, **more)).body)
        return told.get("data"), told.get("errors", [])

    async def data(self, text: str, variables: Any = None, rights: Scope = EVERYTHING) -> Any:
        data, errors = await self.ask(text, variables, rights)
        assert errors == []
        return data


def watch(engine: Engine, monkeypatch: pytest.MonkeyPatch, *names: str) -> list[tuple[str, Any]]:
    """What the engine is asked from now on: the method, and its first argument."""
    asked: list[tuple[str, Any]] = []

    def watched(name: str, done: Any) -> Any:
        def ask(what: Any, *rest: Any) -> Any:
            asked.append((name, what))
            return done(what, *rest)

        return ask

    for name in names:
        monkeypatch.setattr(engine, name, watched(name, getattr(engine, name)))
    return asked


async def opened(world: World, homes: dict[str, str], sources: dict[str, Source], folder: Path) -> AsyncIterator[Province]:
    for code, home in homes.items():
        async with sources[home].write(code) as session:
            await fill(session, world.rows[code])
    yield Province(world, Engine(sources, homes, TREE, LIMITS), folder)
    for source in sources.values():
        await source.close()


def files(folder: Path, codes: Iterable[str]) -> dict[str, str]:
    for code in codes:
        make_file(folder / f"{code}.db")
    return dict.fromkeys(codes, f"sqlite:///{folder}")


@pytest.fixture(params=["sqlite", "postgres", "mixed"])
async def province(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Province]:
    """All kinds of places a tenant can live in."""
    in_files = {"sqlite": CODES, "postgres": (), "mixed": CODES[::2]}[request.param]
    homes = files(tmp_path, in_files)
    if others := tuple(code for code in CODES if code not in homes):
        url = request.getfixturevalue("postgres")
        await make_schemas(url, others)
        homes |= dict.fromkeys(others, url)
    async for one in opened(made_world(), homes, open_sources(homes.values(), LIMITS), tmp_path):
        yield one


@pytest.fixture
async def county(tmp_path: Path) -> AsyncIterator[Province]:
    """The cheapest place, for what does not depend on it."""
    homes = files(tmp_path, CODES)
    async for one in opened(made_world(), homes, open_sources(homes.values(), LIMITS), tmp_path):
        yield one
