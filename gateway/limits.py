"""A body read in bounded memory: what is too large is cut before it is read. Knows nothing of its content."""

from starlette.types import Message, Receive, Scope

from gateway.faults import BodyInvalid, BodyTooLarge


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first header of this (lower-case) name."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return None


def declared(scope: Scope, most: int) -> None:
    """Refuses by the length that a client announces, before a byte of the body is taken."""
    length = header(scope, b"content-length")
    if length is not None and (not length.isdigit() or len(length) > 18 or int(length) > most):
        raise BodyTooLarge(f"at most {most} bytes")


async def body(scope: Scope, receive: Receive, most: int) -> bytes:
    """The whole body. Raises BodyTooLarge as soon as it is, or BodyInvalid where the client went away. Sets no time limit."""
    declared(scope, most)
    message = await _next(receive)
    if not message.get("more_body", False) and len(message.get("body", b"")) <= most:
        return bytes(message.get("body", b""))
    parts = bytearray(message.get("body", b""))
    while message.get("more_body", False) and len(parts) <= most:
        message = await _next(receive)
        parts += message.get("body", b"")
    if len(parts) > most:
        raise BodyTooLarge(f"at most {most} bytes")
    return bytes(parts)


async def _next(receive: Receive) -> Message:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise BodyInvalid("it ends too early")
    return message
