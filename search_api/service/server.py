"""Running the service in this process."""

from __future__ import annotations

import gc
import logging
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from embeddings import LookalikeError
from indexer.index import Index
from indexer.search import Engine
from search_api import console
from search_api.service.app import create_app
from search_api.service.errors import ServeError
from search_api.service.middleware import configure_logs, shared_by_workers
from search_api.service.settings import Settings, read_settings

__all__ = ["Serving", "run", "run_workers"]

_NOT_STARTED = "The service did not start; the lines above say why."

# Loading a model takes seconds, of which other processes have their share.
_START_SECONDS = 60


@dataclass(frozen=True)
class Serving:
    """What each of several processes opens for itself; picklable.

    Attributes:
        index: The index folder.
        model: The model's name.
        device: As for `embeddings.clip.load_encoder`.
        precision: As for `embeddings.clip.load_encoder`.
        threads: Processors that the model of one process uses.
        settings: Of the service.
    """

    index: Path
    model: str
    device: str
    precision: str
    threads: int
    settings: Settings

    def __call__(self) -> FastAPI:
        """The service of one process; ends the process, with a line that says why, if it can't."""
        from embeddings import clip

        configure_logs(self.settings.log_format)
        _take_turns()
        try:
            encoder = clip.load_encoder(self.model, device=self.device, precision=self.precision)
            clip.use_threads(self.threads)
            app = create_app(Engine.open(self.index, encoder), self.settings)
            _keep_what_is()
            return app
        except LookalikeError as error:
            console.error(error.message)
            # This code tells the supervisor that another try would end the same way.
            sys.exit(STARTUP_FAILURE)


def run_workers(serving: Serving, host: str, port: int, workers: int) -> None:
    """Serve with several processes that share a port and the index's mapped files.

    Raises:
        ServeError: The address can't be listened on, or the processes don't start.
        LookalikeError: There is no index.
    """
    configure_logs(serving.settings.log_format)
    products = Index.open(serving.index).manifest.products
    config = _config(serving, host, port)
    config.workers, config.factory = workers, True
    config.timeout_worker_healthcheck = _START_SECONDS
    listening = _listen(host, port)
    _announce(listening, host, products)
    supervisor = Multiprocess(config, [listening])
    with shared_by_workers():
        supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise ServeError(_NOT_STARTED)


def run(engine: Engine, host: str, port: int, settings: Settings | None = None) -> None:
    """Serve until SIGINT or SIGTERM, then finish what is under way.

    Args:
        engine: Answers the queries.
        host: Address to listen on.
        port: Port to listen on; 0 for a free one.
        settings: By default those of the environment.

    Raises:
        ServeError: The address can't be listened on, or the first query fails.
    """
    settings = settings or read_settings()
    configure_logs(settings.log_format)
    _take_turns()
    config = _config(create_app(engine, settings), host, port)
    listening = _listen(host, port)
    _announce(listening, host, engine.index.manifest.products)
    _keep_what_is()
    try:
        # Having drained, uvicorn raises the signal that stopped it once more; that is no failure.
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])
    except SystemExit:
        raise ServeError(_NOT_STARTED) from None


def _take_turns() -> None:
    """Let threads take turns at the interpreter more often.

    With Python's own 5 milliseconds, the event loop can wait that long behind each thread, and the
    model at each of its steps: a tenth gave 11 and 23% more uploads a second, in two rounds of
    32 clients on two cores.
    """
    sys.setswitchinterval(0.0005)


def _keep_what_is() -> None:
    """Take what start-up made, which stays, out of the garbage collector's rounds.

    With torch loaded these are some hundred thousand objects, and a full round over them stops
    every thread.
    """
    gc.collect()
    gc.freeze()


def _config(app: FastAPI | Serving, host: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        log_config=None,  # what `configure_logs` has set up
        log_level=logging.WARNING,
        timeout_graceful_shutdown=30,
    )


def _announce(listening: socket.socket, host: str, products: int) -> None:
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listening.getsockname()[1]}"
    console.note(f"Serving {products:,} products on {address}")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ServeError(
            f"Can't listen on {host}:{port}: {error.strerror}. Is another server running there? "
            "Try --port 0, which takes a free one."
        ) from error
