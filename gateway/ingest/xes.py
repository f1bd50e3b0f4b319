"""XES (IEEE 1849), the event logs of process mining: one row an event, with its case's attributes under `case:`.

Entities and document types are refused, whatever they say. Holds one trace at a time.
"""

from collections.abc import Iterator
from typing import IO
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from gateway.ingest.fields import Row
from supervision.faults import Refusal

PLAIN = frozenset({"string", "date", "int", "float", "boolean", "id"})


class XesRefused(Refusal):
    """The file is no XES that can be read."""

    code = "XES_INVALID"


class XmlForbidden(XesRefused):
    """The XML brings a document type or entities with it; XES needs neither: take them out."""

    code = "XML_FORBIDDEN"


def events_of(content: IO[bytes]) -> Iterator[tuple[int, Row]]:
    """The events of a log, numbered from 1. Raises XesRefused."""
    number = 0
    try:
        for trace in _traces(content):
            of_case = {f"case:{key}": value for key, value in _attributes(trace)}
            for event in trace:
                if _name(event) == "event":
                    number += 1
                    yield number, of_case | dict(_attributes(event))
    except ParseError as error:
        raise XesRefused(f"(line {error.position[0]}, column {error.position[1]})") from None
    except DefusedXmlException:
        raise XmlForbidden from None
    except (LookupError, ValueError) as error:  # an encoding that the parser does not know, or one of several bytes, as GB 18030
        raise XesRefused(f"({error}; UTF-8 is read in any case)") from None


def _traces(content: IO[bytes]) -> Iterator[Element]:
    """Each trace when it is whole; what came before it is forgotten."""
    parents: list[Element] = []
    for what, element in iterparse(content, ("start", "end"), forbid_dtd=True):
        if what == "start":
            parents.append(element)
            continue
        parents.pop()
        if _name(element) == "trace":
            yield element
        if len(parents) == 1:
            parents[0].clear()


def _attributes(element: Element) -> Iterator[tuple[str, str]]:
    return ((child.get("key", ""), child.get("value", "")) for child in element if _name(child) in PLAIN)


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]
