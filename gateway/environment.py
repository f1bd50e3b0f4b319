"""The environment beside the settings: names that are none, and the language to speak where a setting cannot be used."""

from collections.abc import Mapping
from dataclasses import fields

from gateway.config import Config
from gateway.setting import PREFIX
from supervision.words import LANGUAGES

ELSEWHERE = frozenset({"MINGJING_SHARED_DATA"})
"""Not settings: what the tests read."""


def language_in(environ: Mapping[str, str]) -> str:
    """The language of the command line, even where a setting cannot be used."""
    named = environ.get("MINGJING_LANGUAGE", LANGUAGES[0])
    return named if named in LANGUAGES else LANGUAGES[0]


def unknown(environ: Mapping[str, str]) -> list[str]:
    """Variables that look like settings and are none: misspelt, most likely."""
    names = {PREFIX + f.name.upper() for f in fields(Config)} | ELSEWHERE
    return sorted(name for name in environ if name.startswith(PREFIX) and name not in names)
