"""One film for all tests, made once."""

from tests.video.conftest import film

__all__ = ["film"]
