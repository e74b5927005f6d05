"""The MCP server: an index as tools of an assistant (Model Context Protocol)."""

from __future__ import annotations

from search_api.mcp.inner_service import InnerService
from search_api.mcp.server import http_app, serve_stdio
from search_api.mcp.tools import make_tools

__all__ = ["InnerService", "http_app", "make_tools", "serve_stdio"]
