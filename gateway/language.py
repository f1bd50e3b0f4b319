"""In which language an answer speaks: by the client's Accept-Language, else by the setting. Knows no sentence."""

from collections.abc import Sequence
from functools import lru_cache

from starlette.types import Scope

from gateway.graphql import weighed
from gateway.limits import header
from supervision.words import LANGUAGES

VARY = b"accept-language"
LONGEST = 256
"""Bytes of a header that is looked at."""


def language_of(request: Scope, default: str) -> str:
    """The language for this request."""
    asked = header(request, VARY)
    return default if asked is None or len(asked) > LONGEST else chosen(asked, default)


@lru_cache(maxsize=256)
def chosen(asked: bytes, default: str) -> str:
    """The language of ours that weighs most, the default where they weigh alike; what we do not speak is passed over."""
    weights: dict[str, float] = {}
    for tag, weight in map(weighed, asked.decode("latin-1").lower().split(",")):
        primary = tag.partition("-")[0]
        weights[primary] = max(weight, weights.get(primary, 0.0))
    rest = weights.get("*", 0.0)
    return max((default, *LANGUAGES), key=lambda language: weights.get(language, rest))


def spoken(language: str) -> Sequence[tuple[bytes, bytes]]:
    """The headers that say which language it is, and that another could have been had."""
    return [(b"content-language", language.encode()), (b"vary", VARY)]
