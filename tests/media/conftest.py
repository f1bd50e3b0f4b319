"""Films that the product makes itself, and a relay on loopback that is closed at the end."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from media.film import make
from media.relay import Relay
from tests.media.peers import LOOPBACK

SMALL: dict[str, Any] = {"size": (320, 180), "bits": 300_000, "seconds": 4}


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A film with these properties, made once: `films(bf="2")`."""
    folder = tmp_path_factory.mktemp("films")
    made: dict[str, Path] = {}

    def film(**options: Any) -> Path:
        name = repr(sorted(options.items()))
        if name not in made:
            made[name] = folder / f"{len(made)}.{options.pop('container', 'mp4')}"
            make(made[name], **{**SMALL, **options})
        return made[name]

    return film


@pytest.fixture
def film(films: Callable[..., Path]) -> Path:
    return films()


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    relay = Relay(LOOPBACK)
    yield relay
    await relay.close()
