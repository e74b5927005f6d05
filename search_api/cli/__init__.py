"""The `lookalike` command; heavy modules are imported by the commands that need them."""

from __future__ import annotations

from search_api.cli.app import app, main, run_command

__all__ = ["app", "main", "run_command"]
