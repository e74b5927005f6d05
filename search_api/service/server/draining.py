"""A server that stops in bounded time: it finishes answers, and does not wait long for clients."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import deque
from typing import Any

import uvicorn

__all__ = ["DrainingServer"]

# Seconds in which requests whose bodies have arrived are answered.
_ANSWER_SECONDS = 7.0
# Seconds in which a client has to send the rest of a body, or to read an answer.
_CLIENT_SECONDS = 2.0
# Seconds for the tasks of connections that were ended to notice.
_NOTICE_SECONDS = 0.3
_TICK_SECONDS = 0.05


class DrainingServer(uvicorn.Server):
    """uvicorn's server; by itself it waits equally long for all connections, and logs traces."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, finish the answers in progress, and end all connections."""
        for server in self.servers:
            server.close()
        for listening in sockets or []:
            listening.close()
        logging.getLogger("uvicorn.error").addFilter(_is_news)
        state = self.server_state
        for connection in state.connections:
            getattr(connection, "pipeline", deque()).clear()  # requests not begun
        clock = asyncio.get_running_loop().time
        start = clock()
        while state.connections or state.tasks:
            waited = clock() - start
            if waited > _ANSWER_SECONDS + _NOTICE_SECONDS or self.force_exit:
                break
            for connection in list(state.connections):
                patience = _ANSWER_SECONDS if _is_answering(connection) else _CLIENT_SECONDS
                if waited >= patience:
                    connection.transport.abort()
                else:
                    connection.shutdown()
            await asyncio.sleep(_TICK_SECONDS)
        for task in list(state.tasks):
            task.cancel()
        if not self.force_exit:
            await self.lifespan.shutdown()


def _is_answering(connection: Any) -> bool:
    """Return whether the service, not the client, has the next step to do."""
    cycle = getattr(connection, "cycle", None)
    if cycle is None or cycle.more_body or cycle.response_complete:
        return False
    return not connection.flow.write_paused


def _is_news(record: logging.LogRecord) -> bool:
    """Return whether a record is not about an application that lost its connection.

    What goes wrong in the application itself has a line of its own (`UnexpectedErrorMiddleware`).
    """
    return "ASGI" not in record.getMessage()
