"""Server processes: one that serves an engine, several that share a port, and their supervision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings import lazy_exports

if TYPE_CHECKING:
    from search_api.service.server.running import Serving, run, run_workers
    from search_api.service.server.supervision import Supervised, supervise
else:
    # The process that supervises stays small.
    __getattr__ = lazy_exports(
        __name__,
        {
            "search_api.service.server.running": ("Serving", "run", "run_workers"),
            "search_api.service.server.supervision": ("Supervised", "supervise"),
        },
    )

__all__ = ["Serving", "Supervised", "run", "run_workers", "supervise"]
