"""`lookalike serve`, `mcp` and `keys`: the service, its tools for assistants, its API keys."""

from __future__ import annotations

from search_api.cli.service.keys import keys_app
from search_api.cli.service.mcp import mcp
from search_api.cli.service.serve import serve

__all__ = ["keys_app", "mcp", "serve"]
