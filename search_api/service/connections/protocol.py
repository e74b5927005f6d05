"""uvicorn's HTTP protocol within limits: sizes and counts of heads, deadlines, least pace.

uvicorn bounds neither the size nor the time of a head or a body. This class stands in its seam
`http=`: it feeds uvicorn's parser piece by piece, notes how far each request is, and answers by
itself what must not reach the application.
"""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from search_api.service.admission import address_group
from search_api.service.connections.guard import ConnectionGuard, ConnectionLimits, Phase
from search_api.service.connections.refusals import (
    BAD_REQUEST,
    HEAD_TOO_LARGE,
    MAX_HEAD,
    MAX_HEADERS,
    TOO_MANY,
    Refusal,
    answer_bytes,
)

__all__ = ["STATE", "GuardedProtocol"]

STATE = "connections"
"""Name of the guard in the state that the application's lifespan gives."""

# Bytes that the parser gets at once: between two pieces, sizes are checked.
_PIECE = 16 * 2**10
# Requests that may wait on one connection while one is answered.
_MAX_PIPELINED = 16


class _RefusedError(Exception):
    """Stops the parser; it reports this as an error of its own."""


class GuardedProtocol(HttpToolsProtocol):
    """One connection.

    Attributes:
        address: Group of addresses that it comes from.
        phase: What it waits for.
        since: When the phase began, by the guard's clock.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._guard: ConnectionGuard = app_state[STATE]
        self.address = ""
        self.phase = Phase.HEAD
        self.since = self._guard.now()
        self._refusal: Refusal | None = None
        self._is_deaf = False
        self._head_bytes = 0
        self._messages = 0
        self._trailers = 0
        self._body_bytes = 0
        self._overhead = 0  # bytes of a chunked body since the last of its content
        self._window = (self.since, 0)  # when the pace was measured last, and the body's bytes then
        self._unsent = (self.since, 0)  # the same for the bytes that the client has to read

    @property
    def is_busy(self) -> bool:
        """Whether an answer is in progress."""
        return self.cycle is not None and not self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection in, or refuse it."""
        super().connection_made(transport)
        self.address = address_group(self.client[0] if self.client else None)
        if not self._guard.add(self):
            self._head_bytes = 1
            self._refuse(TOO_MANY)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._guard.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, piece by piece."""
        if self._is_deaf:
            return
        self._unset_keepalive_if_required()
        if self.phase is Phase.IDLE:
            self._begin(Phase.HEAD)
            self._head_bytes = 0
        view = memoryview(data)
        for start in range(0, len(view), _PIECE):
            if self._is_deaf or self.transport.is_closing():
                return
            self._feed(view[start : start + _PIECE])

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._trailers = 0
        if self.phase is not Phase.HEAD:
            self._begin(Phase.HEAD)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note a header field; fields after a body are left out."""
        if self.phase is Phase.BODY:
            self._trailers += 1
            if self._trailers > MAX_HEADERS:
                self._stop(HEAD_TOO_LARGE)
            return
        if len(self.headers) >= MAX_HEADERS:
            self._stop(HEAD_TOO_LARGE)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start answering a request."""
        fields = sum(len(name) + len(value) + 4 for name, value in self.headers)
        if len(self.url) + fields > MAX_HEAD:
            self._stop(HEAD_TOO_LARGE)
        if len(self.pipeline) >= _MAX_PIPELINED:
            self._stop(TOO_MANY)
        super().on_headers_complete()
        self._body_bytes = self._overhead = 0
        self._begin(Phase.BODY)
        self._window = (self.since, 0)

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that a request has arrived."""
        super().on_message_complete()
        self._messages += 1
        self._begin(Phase.ANSWER if self.is_busy else Phase.IDLE)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        if self.phase is Phase.ANSWER and not self.is_busy:
            self._begin(Phase.IDLE)

    def shutdown(self) -> None:
        """Finish a request that is in progress; close a connection without one."""
        if not self.is_busy:
            self.abort()
            return
        self.cycle.keep_alive = False
        self._is_deaf = self._is_deaf or self.phase is not Phase.BODY

    def end(self, refusal: Refusal) -> None:
        """Refuse the request in progress, if it can still be answered, and close."""
        if self._is_deaf:
            return  # it ends already
        self._refuse(refusal)

    def abort(self) -> None:
        """Close at once."""
        self._is_deaf = True
        self.transport.abort()

    def is_too_slow(self, now: float, limits: ConnectionLimits) -> bool:
        """Return whether less of the body arrived than the pace demands."""
        begun, before = self._window
        if now - begun < limits.window_seconds:
            return False
        if self.cycle.response_complete:
            return True  # the client sends on what was refused
        arrived = self._body_bytes - before
        self._window = (now, self._body_bytes)
        return not self.flow.read_paused and arrived < limits.rate * limits.window_seconds

    def is_unread(self, now: float, limits: ConnectionLimits) -> bool:
        """Return whether the client does not read its answer."""
        begun, before = self._unsent
        size = self.transport.get_write_buffer_size()
        if not size or size > before:
            self._unsent = (now, size)
            return False
        if now - begun < limits.window_seconds:
            return False
        self._unsent = (now, size)
        return before - size < limits.rate * limits.window_seconds

    def _begin(self, phase: Phase) -> None:
        self._guard.move(self, phase)

    def _stop(self, refusal: Refusal) -> None:
        self._refusal = refusal
        raise _RefusedError

    def _feed(self, piece: memoryview) -> None:
        messages, body = self._messages, self._body_bytes
        if self.phase is Phase.HEAD:
            self._head_bytes += len(piece)
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            # Answered as if it had not asked for another protocol; what follows can't be read.
            self._is_deaf = True
            self.cycle.keep_alive = False
            return
        except httptools.HttpParserError:
            self._refuse(self._refusal or BAD_REQUEST)
            return
        if self.phase is Phase.HEAD:
            if messages != self._messages:
                self._head_bytes = 1  # its part of the piece, after another request, is not known
            if self._head_bytes > MAX_HEAD:
                self._refuse(HEAD_TOO_LARGE)
        elif self.phase is Phase.BODY:
            self._overhead = self._overhead + len(piece) if body == self._body_bytes else 0
            if self._overhead > MAX_HEAD:
                self._refuse(BAD_REQUEST)

    def _refuse(self, refusal: Refusal) -> None:
        """Answer in place of the application, if nothing else is being answered, and close."""
        self._guard.count(refusal.reason)
        self._is_deaf = True
        if self.transport.is_closing():
            return
        request_id = uuid4().hex[:16]
        nothing_asked = self.phase is Phase.HEAD and not self._head_bytes
        if (nothing_asked or self.phase is Phase.BODY) and not self.is_busy:
            self.abort()  # or there would be a second answer to the same request
            return
        if self.is_busy:
            if self.pipeline or self.phase is not Phase.BODY or self.cycle.response_started:
                # An earlier answer is in progress, which this one would be mixed with.
                self.cycle.keep_alive = False
                return
            state = self.cycle.scope["state"]
            state["refused"] = refusal.status
            request_id = state.get("request_id", request_id)
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        more = self.server_state.default_headers
        with_body = self.parser.get_method() != b"HEAD"
        self.transport.write(
            answer_bytes(refusal, request_id, self._guard.headers, more, with_body=with_body)
        )
        # Closing now would reset the connection while the client still sends, and the answer would
        # be lost (RFC 9112, 9.6).
        self.transport.write_eof()
        self.flow.resume_reading()
        self._begin(Phase.LINGER)
