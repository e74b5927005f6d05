"""Serving in this process, or in several that share a port."""

from __future__ import annotations

import gc
import logging
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from embeddings import LookalikeError, load_encoder
from indexer.index import Index
from indexer.search import Engine
from indexer.storage import Manifest, is_mapped
from search_api import console
from search_api.service.app import create_app
from search_api.service.connections import GuardedProtocol
from search_api.service.errors import ServeError
from search_api.service.middleware import configure_logs, shared_by_workers
from search_api.service.server.draining import DrainingServer
from search_api.service.server.listening import listen
from search_api.service.server.supervision import Supervised
from search_api.service.serving import start_decoding
from search_api.service.settings import Settings, read_settings

__all__ = ["Serving", "run", "run_workers"]

_NOT_STARTED = "The service did not start; the lines above say why."

# Seconds; loading a model is slow while other processes load theirs.
_START_SECONDS = 60

_SWITCH_SECONDS = 0.0005

# Connections that wait to be accepted. All of them may be accepted before the first of those that
# make room is closed, so this is less than the descriptors kept spare.
_BACKLOG = 128


@dataclass(frozen=True)
class Serving:
    """What each of several server processes opens; picklable.

    Attributes:
        index: The index folder.
        model: The model's name.
        device: As for `embeddings.load_encoder`.
        precision: As for `embeddings.load_encoder`.
        runtime: As for `embeddings.load_encoder`.
        devices: As for `embeddings.load_encoder`.
        threads: Number of processors that the model of one process uses.
        settings: Settings of the service.
    """

    index: Path
    model: str
    device: str
    precision: str
    runtime: str
    devices: str
    threads: int
    settings: Settings

    def __call__(self) -> FastAPI:
        """Make the service of one process; if that fails, print the reason and end the process."""
        configure_logs(self.settings.log_format)
        _switch_threads_often()
        start_decoding()
        try:
            encoder = load_encoder(
                self.model,
                device=self.device,
                precision=self.precision,
                runtime=self.runtime,
                devices=self.devices,
                threads=self.threads,
                notify=console.note,
            )
            app = create_app(Engine.open(self.index, encoder), self.settings)
        except LookalikeError as error:
            console.error(error.message)
            # This exit code tells the supervisor that another attempt would fail too.
            sys.exit(STARTUP_FAILURE)
        _freeze_garbage_collection()
        return app


def run_workers(serving: Serving, host: str, port: int, workers: int) -> None:
    """Serve with several processes, which share a port and the memory-mapped files of the index.

    Raises:
        ServeError: The address is not available, or the processes don't start.
        LookalikeError: There is no index.
    """
    configure_logs(serving.settings.log_format)
    products = Index.open(serving.index).manifest.products
    config = _config(serving, host, port, serving.settings)
    config.workers, config.factory = workers, True
    config.timeout_worker_healthcheck = _START_SECONDS
    listening = listen(host, port)
    _announce(listening, host, products)
    supervisor = Multiprocess(config, [listening])
    with shared_by_workers():
        supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise ServeError(_NOT_STARTED)


def run(
    engine: Engine,
    host: str,
    port: int,
    settings: Settings | None = None,
    supervised: Supervised | None = None,
    extend: Callable[[FastAPI], ASGIApp] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, then finish the requests in progress.

    Args:
        engine: Answers the queries.
        host: Address to listen on.
        port: Port to listen on; 0 for a free one.
        settings: Settings of the service; by default those of the environment.
        supervised: What `supervise` gives; without it, this process serves alone.
        extend: Adds to the application, its start and its end included.

    Raises:
        ServeError: The address is not available, or the warm-up fails.
    """
    settings = settings or read_settings()
    configure_logs(settings.log_format)
    _switch_threads_often()
    app = create_app(engine, settings)
    config = _config(extend(app) if extend else app, host, port, settings)
    listening = listen(host, port) if supervised is None else supervised.listening
    if supervised is None or not supervised.restarts:
        _announce(listening, host, engine.index.manifest.products)
    _freeze_garbage_collection()
    if supervised is not None:
        supervised.is_ready(settings.drain_seconds, _maps_files(engine.served))
    try:
        # After draining, uvicorn raises the signal that stopped it again, which is not a failure.
        with suppress(KeyboardInterrupt):
            DrainingServer(config).run(sockets=[listening])
    except SystemExit:
        raise ServeError(_NOT_STARTED) from None


def _maps_files(manifest: Manifest) -> bool:
    return any(
        is_mapped(file.bytes) for segment in manifest.segments for file in segment.files.values()
    )


def _switch_threads_often() -> None:
    """Let threads switch more often.

    With Python's default of 5 ms, the event loop can wait that long for each thread, and the model
    at each of its steps. A tenth of it gave 11% and 23% more uploads a second, in two rounds of 32
    clients on two cores.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)


def _freeze_garbage_collection() -> None:
    """Exclude the objects of start-up, which stay, from garbage collection.

    With torch, these are some hundred thousand objects, and a full collection stops every thread.
    """
    gc.collect()
    gc.freeze()


def _config(app: ASGIApp | Serving, host: str, port: int, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=GuardedProtocol,
        ws="none",
        backlog=_BACKLOG,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        access_log=False,
        log_config=None,  # `configure_logs` has set it up
        log_level=logging.WARNING,
        timeout_graceful_shutdown=7,
    )


def _announce(listening: socket.socket, host: str, products: int) -> None:
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listening.getsockname()[1]}"
    console.note(f"Serving {products:,} products on {address}")
