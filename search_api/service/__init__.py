"""The HTTP service: application, server and settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings import lazy_exports

if TYPE_CHECKING:
    from search_api.service.app import create_app
    from search_api.service.server import Serving, Supervised, run, run_workers, supervise
    from search_api.service.serving import start_decoding
    from search_api.service.settings import Settings, read_settings
else:
    # A command imports only what it uses.
    __getattr__ = lazy_exports(
        __name__,
        {
            "search_api.service.app": ("create_app",),
            "search_api.service.server": (
                "Serving",
                "Supervised",
                "run",
                "run_workers",
                "supervise",
            ),
            "search_api.service.serving": ("start_decoding",),
            "search_api.service.settings": (
                "Settings",
                "read_settings",
            ),
        },
    )

__all__ = [
    "Serving",
    "Settings",
    "Supervised",
    "create_app",
    "read_settings",
    "run",
    "run_workers",
    "start_decoding",
    "supervise",
]
