"""ASGI middleware: keys, refusals before the body is read, logs and metrics."""

from __future__ import annotations

from search_api.service.middleware.access import document_keys
from search_api.service.middleware.logs import configure_logs
from search_api.service.middleware.metrics import CONTENT_TYPE, Metrics, Stage, shared_by_workers
from search_api.service.middleware.order import add_middleware
from search_api.service.middleware.request import (
    error_response,
    request_id_of,
    security_headers,
)
from search_api.service.middleware.trace import current_trace

__all__ = [
    "CONTENT_TYPE",
    "Metrics",
    "Stage",
    "add_middleware",
    "configure_logs",
    "current_trace",
    "document_keys",
    "error_response",
    "request_id_of",
    "security_headers",
    "shared_by_workers",
]
