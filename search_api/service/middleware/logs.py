"""Logging set-up: JSON objects, one a line, or plain lines for a person."""

from __future__ import annotations

import logging
import sys
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

from search_api.service.settings import LogFormat

__all__ = ["configure_logs"]


def configure_logs(form: LogFormat = LogFormat.JSON, stream: TextIO | None = None) -> None:
    """Set up structlog and the standard library's logging, which uvicorn uses, for this process.

    Control characters are escaped in both formats, so that a caller's text can't forge a line.

    Args:
        form: Format of the lines.
        stream: Destination; standard error by default.
    """
    stream = stream or sys.stderr
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    last: list[Processor]
    if form is LogFormat.JSON:
        last = [structlog.processors.JSONRenderer(default=str)]
    else:
        plain = structlog.dev.plain_traceback
        last = [_escape, structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain)]
    structlog.configure(
        processors=[*before, *last],
        # Each line is one write, so that lines of several processes don't mix.
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
            foreign_pre_chain=before,
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _escape(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Escape control characters; the lines of a stack trace are kept, and indented."""
    trace = event.pop("exception", None)
    escaped = {name: _printable(value) for name, value in event.items()}
    if trace is not None:
        lines = (f"    | {_printable(line)}" for line in str(trace).splitlines())
        escaped["exception"] = "\n".join(lines)
    return escaped


def _printable(value: Any) -> Any:
    if isinstance(value, dict):
        return {_printable(name): _printable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_printable(each) for each in value]
    if not isinstance(value, str):
        return value
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in value
    )
