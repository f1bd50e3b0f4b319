"""One film for all tests, made once."""

from pathlib import Path

import pytest

from tests.video.watching import film_of


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film_of(tmp_path_factory.mktemp("films"))
