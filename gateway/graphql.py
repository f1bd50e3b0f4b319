"""GraphQL over HTTP: what a request says, and in which media type the answer goes. Executes nothing, knows no token.

Follows the GraphQL-over-HTTP specification. A body that is not such a request is refused with a 4xx in either media
type; a well-formed one that fails before execution is 400 in application/graphql-response+json and 200 in the older
application/json, whose clients cannot tell our 400 from a proxy's.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from unicodedata import category
from urllib.parse import parse_qsl

import orjson

from gateway.faults import BodyInvalid, MediaTypeUnsupported, NotAcceptable, RequestInvalid
from supervision.faults import Refusal

RESPONSE_JSON = "application/graphql-response+json"
LEGACY_JSON = "application/json"
CHARSET = "; charset=utf-8"
OFFERED = {RESPONSE_JSON: RESPONSE_JSON, LEGACY_JSON: LEGACY_JSON, "application/*": LEGACY_JSON, "*/*": LEGACY_JSON}
"""What an entry of Accept gets. For the wildcards and without the header: what every client of old reads."""

PARAMETERS = 16
"""More parameters in an address are not looked at."""

UNWRITABLE = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
"""Kinds of characters that a reason may not hold: control, formatting, halves of a pair, line and paragraph ends."""


class Asked(NamedTuple):
    """One GraphQL request."""

    document: str
    operation: str | None
    variables: dict[str, Any] | None
    reason: str = ""
    """Why it is asked, as the asker says (`extensions.reason`)."""


class ReasonInvalid(Refusal):
    """The reason cannot be taken."""

    code = "REASON_INVALID"


def media_type(accept: bytes | None) -> str:
    """The best media type that the client takes. Raises NotAcceptable."""
    if accept is None:
        return LEGACY_JSON
    chosen = _chosen(accept) if len(accept) <= 256 else _chosen.__wrapped__(accept)
    if chosen is None:
        raise NotAcceptable()
    return chosen


@lru_cache(maxsize=256)
def _chosen(accept: bytes) -> str | None:
    refused = set()
    best, chosen = 0.0, None
    for name, weight in map(weighed, accept.decode("latin-1").lower().split(",")):
        if weight == 0:
            refused.add(name)
        if weight > best and name in OFFERED:
            best, chosen = weight, OFFERED[name]
    if chosen in refused:
        return next((offer for offer in (LEGACY_JSON, RESPONSE_JSON) if offer not in refused), None)
    return chosen


def weighed(entry: str) -> tuple[str, float]:
    """A media range, or a language, and its weight; 0 for what we could not write."""
    name, *parameters = (part.strip() for part in entry.split(";"))
    weight = 1.0
    for key, _, value in (parameter.partition("=") for parameter in parameters):
        if key.strip() == "q":
            weight = _quality(value)
        elif key.strip() == "charset" and value.strip(' "') not in ("utf-8", "utf8"):
            return f"{name};{value}", 0.0
    return name, weight


def _quality(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0


def check_content_type(content_type: bytes | None, encoding: bytes | None) -> None:
    """Raises MediaTypeUnsupported for what is not JSON in UTF-8 as it is."""
    name, *parameters = (content_type or b"").lower().split(b";")
    charsets = [value.strip(b' "') for key, _, value in (p.partition(b"=") for p in parameters) if key.strip() == b"charset"]
    plain = encoding is None or encoding.strip().lower() == b"identity"
    if name.strip() != b"application/json" or not plain or any(c not in (b"utf-8", b"utf8") for c in charsets):
        raise MediaTypeUnsupported()


def from_body(body: bytes) -> Asked:
    """The request in a JSON body."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError as problem:
        raise BodyInvalid(f"{problem.msg} at byte {problem.pos}" if body else "it is empty") from None
    if not isinstance(told, dict):
        raise RequestInvalid("the body must be an object with `query`")
    return _asked(told)


def from_address(query_string: bytes) -> Asked:
    """The request in the parameters of an address."""
    try:
        pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=PARAMETERS)
    except ValueError:
        raise RequestInvalid("the parameters of the address cannot be read") from None
    told: dict[str, Any] = dict(pairs)
    if len(told) < len(pairs):
        raise RequestInvalid("a parameter stands twice")
    for name in ("variables", "extensions"):
        if told.get(name):
            told[name] = _json(name, told[name])
        elif name in told:
            del told[name]
    return _asked(told)


def _json(name: str, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise RequestInvalid(f"`{name}` must be an object in JSON") from None


def _asked(told: dict[str, Any]) -> Asked:
    document, operation, variables, extensions = map(told.get, ("query", "operationName", "variables", "extensions"))
    if not isinstance(document, str) or not document:
        raise RequestInvalid("`query` must be a text")
    if operation is not None and not isinstance(operation, str):
        raise RequestInvalid("`operationName` must be a text")
    for name, value in (("variables", variables), ("extensions", extensions)):
        if value is not None and not isinstance(value, dict):
            raise RequestInvalid(f"`{name}` must be an object")
    return Asked(document, operation or None, variables, reason_of(extensions or {}))


def reason_of(extensions: Mapping[str, Any]) -> str:
    """Empty where none is given. Raises ReasonInvalid for what is no line of text."""
    reason = extensions.get("reason")
    if reason is None:
        return ""
    if not isinstance(reason, str) or any(category(letter) in UNWRITABLE for letter in reason):
        raise ReasonInvalid("`extensions.reason` is one line of text, without control characters")
    return reason.strip()
