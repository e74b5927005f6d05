"""The socket that a server listens on."""

from __future__ import annotations

import socket

__all__ = ["listen"]


def listen(host: str, port: int) -> socket.socket:
    """Listen on an address.

    Raises:
        ServeError: It is not available.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        from search_api.service.errors import ServeError  # imports much

        raise ServeError(
            f"Can't listen on {host}:{port}: {error.strerror}. Is another server running there? "
            "Try --port 0 for a free port."
        ) from error
