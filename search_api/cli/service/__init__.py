"""`lookalike serve` and `lookalike keys`: the service and its API keys."""

from __future__ import annotations

from search_api.cli.service.keys import keys_app
from search_api.cli.service.serve import serve

__all__ = ["keys_app", "serve"]
