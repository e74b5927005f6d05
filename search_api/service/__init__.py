"""The HTTP service: application, server and settings."""

from __future__ import annotations

from search_api.service.app import create_app
from search_api.service.server import Serving, run, run_workers
from search_api.service.settings import Settings, read_settings

__all__ = ["Serving", "Settings", "create_app", "read_settings", "run", "run_workers"]
