"""The product, put together over the measured data as its server puts it together: registry, sources, engine, schema.

Rights are compiled from a grant by the product's own policy. Knows no SQL and no HTTP.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from authz.compile import compile_scope
from bench import questions, rows, seed
from schema.context import Bounds, Context
from schema.cursor import Signer
from schema.documents import Documents
from schema.execute import GraphQLRequest, execute
from supervision.grant import Grant
from supervision.scope import Scope
from supervision.tree import Division
from tenants.provision import prepare_registry
from tenants.read.engine import Engine
from tenants.read.request import Asking, Limits
from tenants.registry import Registry, Settled
from tenants.sources.opening import open_sources

SUBJECT = "bench"
ROLE = "supervisor"
LIMITS = Limits(patience=60)
"""As the product's, but patient: the first question over 3,200 cold schemas is no measurement of the hundredth."""


async def registered(folder: Path, divisions: Sequence[Division], source: str) -> Registry:
    """A registry of these tenants, all of them there already; `source`: the URL of each, `{code}` replaced."""
    url = f"sqlite:///{folder / 'registry.db'}"
    await prepare_registry(url)
    registry = await Registry.open(url)
    codes = [division.code for division in divisions]
    await registry.import_tree(divisions)
    await registry.set_source(codes, source)
    await registry.settle([Settled(code, seed.REVISION) for code in codes], datetime.now(UTC))
    await registry.grant(Grant(subject=SUBJECT, role=ROLE, path=f"{codes[0]}/*", reason="bench", granted_by="bench"))
    await registry.refresh()
    return registry


class Product:
    """Ready to be asked, as one person who may see all of it."""

    def __init__(self, context: Any, documents: Documents) -> None:
        self._context, self._documents = context, documents

    async def prepared(self, document: str, variables: dict[str, Any]) -> bytes:
        """The way that every client's request takes."""
        return await self._whole(GraphQLRequest(document, variables))

    async def executor(self, document: str, variables: dict[str, Any]) -> bytes:
        """The same through graphql-core's executor."""
        return await self._whole(GraphQLRequest(document, variables, None, False))

    async def _whole(self, request: GraphQLRequest) -> bytes:
        """The answer; one with errors is not what is measured."""
        answer = await execute(request, self._context(), self._documents)
        assert not answer.codes, answer.codes
        return answer.body

    @classmethod
    @asynccontextmanager
    async def over(cls, divisions: Sequence[Division], source: str, held: Scope | None = None) -> AsyncIterator["Product"]:
        """Over tenants whose databases are there; `source`: the URL of each, `{code}` replaced; `held`: other rights."""
        with tempfile.TemporaryDirectory(prefix="mingjing-bench-registry-") as folder:
            registry = await registered(Path(folder), divisions, source)
            snapshot, limits = registry.snapshot, LIMITS
            sources = open_sources(snapshot.homes.values(), limits, registry.folder)
            engine = Engine(sources, snapshot.homes, snapshot.tree, limits)
            scope = held or compile_scope(SUBJECT, await registry.grants_of(SUBJECT), snapshot.version, time.time())
            signer, bounds = Signer(b"0" * 32), Bounds()

            def context() -> Context:
                deadline = asyncio.get_running_loop().time() + 60
                return Context(engine, snapshot, Asking(scope, questions.NOW, deadline), signer, bounds)

            yield cls(context, Documents())
            for opened in sources.values():
                await opened.close()
            await registry.close()

    @classmethod
    def over_postgres(cls, url: str, divisions: Sequence[Division] = rows.FEW, held: Scope | None = None) -> Any:
        return cls.over(divisions, url, held)

    @classmethod
    def over_sqlite(cls, folder: Path, held: Scope | None = None) -> Any:
        return cls.over(rows.FEW, f"sqlite:///{folder}/{{code}}.db", held)
