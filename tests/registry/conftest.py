"""A registry of its own for each test, in a SQLite file and in a PostgreSQL database: one suite runs over both."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from supervision.tree import Division, Level
from tenants.provision import prepare_registry
from tenants.registry import Registry


def division(code: str, parent: str | None = None, name: str = "", line: int = 0) -> Division:
    level = Level.PROVINCE if parent is None else Level.CITY if code.endswith("00") else Level.COUNTY
    return Division(code, name or f"division {code}", level, parent, line)


LANZHOU = [
    division("620000"),
    division("620100", "620000"),
    division("620200", "620000"),
    division("620102", "620100"),
    division("620103", "620100"),
]


@pytest.fixture(params=["sqlite", "postgres"])
def registry_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a registry may be made."""
    return f"sqlite:///{tmp_path}/registry/registry.db" if request.param == "sqlite" else request.getfixturevalue("postgres")


@pytest.fixture
async def registry(registry_url: str) -> AsyncIterator[Registry]:
    """An open registry over the small tree of Lanzhou, no tenant provisioned."""
    await prepare_registry(registry_url)
    opened = await Registry.open(registry_url)
    await opened.import_tree(LANZHOU)
    yield opened
    await opened.close()


@pytest.fixture
def template(registry: Registry, registry_url: str, tmp_path: Path) -> str:
    """Where its tenants are: files where the registry is a file, schemas beside it where it is in PostgreSQL."""
    return f"sqlite:///{tmp_path}/tenants/{{code}}.db" if registry.folder else registry_url


@pytest.fixture
def housed(registry: Registry, template: str) -> Callable[..., object]:
    """Sets the sources of some tenants."""
    return lambda *codes: registry.set_source(codes, template)
