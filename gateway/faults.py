"""What the door itself refuses, and how every fault looks over HTTP: the only place where a fault meets a status.

Fault
├── Refusal
│   ├── MethodNotAllowed  MutationOverGet  NotAcceptable  MediaTypeUnsupported
│   ├── BodyTooLarge  AddressTooLong  BodyInvalid  RequestInvalid  PathUnknown
└── Failure
    └── AnswerTimedOut  RegistryUnreachable
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from supervision import words
from supervision.faults import Failure, Fault, Refusal


class MethodNotAllowed(Refusal):
    """This method is not allowed here."""

    code = "METHOD_NOT_ALLOWED"


class MutationOverGet(MethodNotAllowed):
    """GET only reads: send mutations by POST."""

    code = "MUTATION_OVER_GET"


class NotAcceptable(Refusal):
    """The answer can be application/graphql-response+json or application/json."""

    code = "NOT_ACCEPTABLE"


class MediaTypeUnsupported(Refusal):
    """The body must be application/json in UTF-8, not compressed."""

    code = "MEDIA_TYPE_UNSUPPORTED"


class BodyTooLarge(Refusal):
    """The body is too large."""

    code = "BODY_TOO_LARGE"


class AddressTooLong(Refusal):
    """The address is too long; send the query by POST."""

    code = "ADDRESS_TOO_LONG"


class BodyInvalid(Refusal):
    """The body is not valid JSON in UTF-8."""

    code = "BODY_INVALID"


class BodyTooSlow(Refusal):
    """The body did not arrive in time."""

    code = "BODY_TOO_SLOW"


class RequestInvalid(Refusal):
    """This is not a GraphQL request."""

    code = "REQUEST_INVALID"


class PathUnknown(Refusal):
    """There is nothing at this address."""

    code = "PATH_UNKNOWN"


class AnswerTimedOut(Failure):
    """The answer took too long; ask for less, or again later."""

    code = "ANSWER_TIMED_OUT"
    public = True


STATUSES: Mapping[str, int] = {
    "METHOD_NOT_ALLOWED": 405,
    "MUTATION_OVER_GET": 405,
    "NOT_ACCEPTABLE": 406,
    "MEDIA_TYPE_UNSUPPORTED": 415,
    "ENCODING_UNKNOWN": 415,
    "BODY_TOO_LARGE": 413,
    "BODY_TOO_SLOW": 408,
    "ADDRESS_TOO_LONG": 414,
    "PATH_UNKNOWN": 404,
    "TENANT_NOT_FOUND": 404,
    "TOKEN_MISSING": 401,
    "TOKEN_INVALID": 401,
    "SESSION_ENDED": 401,
    "TOKEN_EXPIRED": 401,
    "POLICY_CHANGED": 503,
    "ANSWER_TIMED_OUT": 504,
    "REGISTRY_UNREACHABLE": 503,
    "KEYS_UNAVAILABLE": 503,
    "LOOKUPS_EXCEEDED": 429,
    "NOTHING_PUBLISHED": 503,
    "STORE_UNREADABLE": 503,
    "OFFER_TOO_LARGE": 413,
    "VIEWERS_EXCEEDED": 503,
    "CAMERA_NOT_PUSHED": 409,
    "VIDEO_TOKEN_INVALID": 401,
    "VIDEO_TOKEN_EXPIRED": 401,
    "VIDEO_TOKEN_USED": 401,
    "HALL_NOT_FOUND": 404,
    "VIDEO_TOO_OFTEN": 429,
    "VIDEO_TOO_MANY": 429,
    "CAMERA_HOURS_OVER": 403,
    "ACTION_REFUSED": 403,
    "EVIDENCE_NOT_FOUND": 404,
    "EVIDENCE_NOT_KEPT": 409,
    "EVIDENCE_TOO_MANY": 429,
    "EVIDENCE_DISK_FULL": 507,
    "HOP_TOKEN_INVALID": 401,
    "HOP_TOKEN_EXPIRED": 401,
    "HOP_TOKEN_USED": 401,
    "HOP_LOOP": 508,
    "HOP_ROSTER_EMPTY": 409,
    "HOP_STOPPING": 503,
    "HOP_VIEWER_KEPT": 409,
    "VIDEO_VIEWER_REFUSED": 403,
    "VIDEO_BELOW_UNREACHABLE": 503,
    "VIDEO_BELOW_REFUSED": 502,
    "VIDEO_WORKER_LOST": 503,
}
"""By code; a refusal that stands not here is 400, a failure 500."""


def status(fault: Fault) -> int:
    return STATUSES.get(fault.code, 400 if isinstance(fault, Refusal) else 500)


def shown(fault: Fault, request_id: str, language: str) -> dict[str, Any]:
    """What a caller may know of a fault: all of a refusal; of a failure only that it happened, unless it is public."""
    if isinstance(fault, Refusal) or (isinstance(fault, Failure) and fault.public):
        detail = {"detail": fault.detail} if fault.detail else {}
        return {"message": words.message(fault, language), "extensions": {"code": fault.code} | detail}
    return {"message": words.told(Failure.code, "", language), "extensions": {"code": Failure.code, "id": request_id}}


def errors(fault: Fault, request_id: str, language: str) -> bytes:
    """The body of an answer that is nothing but a fault."""
    return orjson.dumps({"errors": [shown(fault, request_id, language)]})


def extra_headers(fault: Fault, allow: str = "") -> Sequence[tuple[bytes, bytes]]:
    """The headers that HTTP wants beside some statuses; what they say is English, since a header is ASCII."""
    code = status(fault)
    if code == 401:
        detail = "" if fault.code == "TOKEN_MISSING" else f', error="invalid_token", error_description="{fault.message}"'
        return [(b"www-authenticate", f'Bearer realm="mingjing"{detail}'.encode("latin-1", "replace"))]
    if code == 405:
        return [(b"allow", allow.encode())]
    if code in (408, 413):
        return [(b"connection", b"close")]
    if code == 503:
        return [(b"retry-after", b"1")]
    return []
