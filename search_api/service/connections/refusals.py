"""Answers that the server itself gives, before or instead of the application, as bytes of HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

__all__ = [
    "BAD_REQUEST",
    "HEAD_TOO_LARGE",
    "SLOW_BODY",
    "SLOW_HEAD",
    "TOO_MANY",
    "Refusal",
    "answer_bytes",
]

MAX_HEAD = 64 * 2**10
MAX_HEADERS = 100


@dataclass(frozen=True)
class Refusal:
    """Why a connection is refused or ended.

    Attributes:
        status: Status of the answer.
        code: Code of the error.
        message: What the client is told.
        reason: What metrics and the log call it.
        retry_after: Seconds after which to try again, if that helps.
    """

    status: int
    code: str
    message: str
    reason: str
    retry_after: int | None = None


BAD_REQUEST = Refusal(
    400, "bad_request", "This is not a valid HTTP/1.1 request.", reason="bad_request"
)
HEAD_TOO_LARGE = Refusal(
    431,
    "head_too_large",
    f"The request's head is larger than {MAX_HEAD // 2**10} KiB or has more than {MAX_HEADERS} "
    "header fields; send fewer or shorter ones.",
    reason="head_too_large",
)
SLOW_HEAD = Refusal(
    408,
    "request_timeout",
    "The request's head did not arrive in time; send it again at once.",
    reason="slow_head",
)
SLOW_BODY = Refusal(
    408,
    "request_timeout",
    "The request's body came too slowly, or stopped; send it again, or send a smaller image.",
    reason="slow_body",
)
TOO_MANY = Refusal(
    503,
    "overloaded",
    "The service has more connections than it can serve; try again shortly.",
    reason="refused",
    retry_after=1,
)


def answer_bytes(
    refusal: Refusal,
    request_id: str,
    headers: Mapping[str, str],
    more: Iterable[tuple[bytes, bytes]],
    *,
    with_body: bool = True,
) -> bytes:
    """Return the whole answer; it says that the connection will be closed.

    Args:
        refusal: What the client is told.
        request_id: Id of the request.
        headers: Headers of every answer.
        more: Further headers, encoded.
        with_body: Whether the body follows its headers; not in an answer to HEAD.
    """
    content = {"code": refusal.code, "message": refusal.message, "request_id": request_id}
    body = json.dumps(content, separators=(",", ":")).encode()
    own = {
        "content-type": "application/json",
        "content-length": str(len(body)),
        "connection": "close",
        "x-request-id": request_id,
        **{name.lower(): value for name, value in headers.items()},
    }
    if refusal.retry_after is not None:
        own["retry-after"] = str(refusal.retry_after)
    phrase = HTTPStatus(refusal.status).phrase
    lines = [f"HTTP/1.1 {refusal.status} {phrase}".encode()]
    lines += [b"%b: %b" % pair for pair in more]
    lines += [f"{name}: {value}".encode() for name, value in own.items()]
    return b"\r\n".join([*lines, b"", body if with_body else b""])
