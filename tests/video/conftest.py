"""One film for all tests, made once; and where cameras are shown."""

import os
from pathlib import Path

import pytest

from tests.video.watching import SETTINGS, film_of


@pytest.fixture(autouse=True)
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the gateway's own process; in workers, where a test is marked `in_both`, or every test with MINGJING_VIDEO_WORKERS."""
    workers = getattr(request, "param", int(os.environ.get("MINGJING_VIDEO_WORKERS", "0")))
    if workers:
        for name, value in {"video_workers": workers, "video_worker_silent_after": 60.0}.items():
            monkeypatch.setitem(SETTINGS, name, value)


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film_of(tmp_path_factory.mktemp("films"))
