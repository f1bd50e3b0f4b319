"""The words that people read: each code's sentence in Chinese and in English, out of the catalogues in `supervision/messages`.

The detail (what was found, what to do) is English in every language. Knows no request: whoever answers says the language.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple

from supervision.faults import Fault

LANGUAGES = ("zh", "en")
"""By their BCP 47 tags; the first is the default."""


class Words(NamedTuple):
    """One language's catalogue."""

    codes: Mapping[str, str]
    """Code → sentence."""
    phrases: Mapping[str, str]
    """Sentences that stand for no code."""
    forms: Mapping[str, str]
    """How a sentence and what follows it are put together."""


@cache
def words(language: str) -> Words:
    """The catalogue of a language that is one of LANGUAGES."""
    read = tomllib.loads((files("supervision.messages") / f"{language}.toml").read_text("utf-8"))
    return Words(*(MappingProxyType(read[part]) for part in Words._fields))


def told(code: str, detail: str, language: str) -> str:
    """The sentence of a code, and the detail if there is one."""
    return detailed(words(language).codes[code], detail, language)


def message(fault: Fault, language: str) -> str:
    """What a fault says."""
    return told(fault.code, fault.detail, language)


def detailed(sentence: str, detail: str, language: str) -> str:
    """Some details stand in brackets already, which Chinese brings by itself."""
    if not detail:
        return sentence
    bare = detail[1:-1] if language != "en" and detail.startswith("(") and detail.endswith(")") else detail
    return words(language).forms["with_detail"].format(sentence=sentence, detail=bare)


def advised(said: str, phrase: str, language: str) -> str:
    """A sentence, followed by another one that says what to do."""
    return words(language).forms["with_advice"].format(told=said, advice=words(language).phrases[phrase])
