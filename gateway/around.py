"""What stands around every door: who may read answers from a page, what is said where no door is, and that the process lives.

Knows no door.
"""

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

from gateway.config import Config
from gateway.faults import MethodNotAllowed, PathUnknown, errors, extra_headers, status
from gateway.language import language_of, spoken
from gateway.log import told
from gateway.recorder import record_of
from gateway.setting import SettingInvalid
from supervision.faults import Failure, Fault, Refusal


class RequestUnreadable(Refusal):
    """The request cannot be read."""

    code = "REQUEST_UNREADABLE"


def cors(config: Config) -> list[Middleware]:
    if "*" in config.cors_origins:
        raise SettingInvalid("MINGJING_CORS_ORIGINS takes no *: name the origins")
    if not config.cors_origins:
        return []
    headers = ["Authorization", "Content-Type", "X-Request-Id"]
    methods, shown = ["GET", "POST", "DELETE"], ["X-Request-Id", "Retry-After", "Location", "Link"]
    origins = list(config.cors_origins)
    return [Middleware(CORSMiddleware, allow_origins=origins, allow_methods=methods, allow_headers=headers, expose_headers=shown)]


async def healthy(_: Request) -> Response:
    """The process answers."""
    return Response(b'{"healthy":true}', media_type="application/json")


async def not_served(request: Request, problem: HTTPException) -> Response:
    """What the routing refuses, in our words."""
    kinds = {404: PathUnknown, 405: MethodNotAllowed}
    return _refused(request, kinds.get(problem.status_code, RequestUnreadable)(), (problem.headers or {}).get("Allow", ""))


async def broken(request: Request, problem: Exception) -> Response:
    """A mistake of ours. The server's own log tells it too, when it is raised on."""
    record = record_of(request.scope)
    line = {"level": "error", "event": "failure", "request": record.request_id, "id": record.request_id}
    request.app.state.log(line | told(problem))
    return _refused(request, Failure(), "")


def _refused(request: Request, fault: Fault, allow: str) -> Response:
    record = record_of(request.scope)
    record.codes.append(fault.code)
    headers = {name.decode(): value.decode() for name, value in extra_headers(fault, allow)}
    language = language_of(request.scope, request.app.state.language)
    headers |= {name.decode(): value.decode() for name, value in spoken(language)}
    return Response(errors(fault, record.request_id, language), status(fault), headers, media_type="application/json")
