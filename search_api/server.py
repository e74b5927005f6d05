"""Running the service in this process."""

from __future__ import annotations

import logging
import socket
import sys
from contextlib import suppress

import structlog
import uvicorn

from indexer.engine import Engine
from search_api import console
from search_api.app import create_app
from search_api.errors import ServeError
from search_api.settings import Settings

__all__ = ["run"]

# How often the index folder is looked at for a new generation.
_REFRESH_SECONDS = 0.5


def run(engine: Engine, host: str, port: int, settings: Settings | None = None) -> None:
    """Serve until SIGINT or SIGTERM, then finish what is under way.

    Args:
        engine: Answers the queries.
        host: Address to listen on.
        port: Port to listen on; 0 for a free one.
        settings: By default those of the environment.

    Raises:
        ServeError: The address can't be listened on.
    """
    _configure_logs()
    engine.check()  # the first query pays for lazy set-up; no caller should
    config = uvicorn.Config(
        create_app(engine, settings or Settings()),
        host=host,
        port=port,
        access_log=False,
        log_level=logging.WARNING,
        timeout_graceful_shutdown=30,
    )
    listening = _listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listening.getsockname()[1]}"
    console.note(f"Serving {engine.index.manifest.products:,} products on {address}")
    # Having drained, uvicorn raises the signal that stopped it once more; that is no failure.
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ServeError(
            f"Can't listen on {host}:{port}: {error.strerror}. Is another server running there? "
            "Try --port 0, which takes a free one."
        ) from error


def _configure_logs() -> None:
    """One JSON object a line on standard error; JSON escapes what could forge a line."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
