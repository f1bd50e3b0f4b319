"""One film for all tests, made once; and where cameras are shown."""

from tests.video.conftest import film, place

__all__ = ["film", "place"]
