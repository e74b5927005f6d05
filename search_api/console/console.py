"""Messages of the `lookalike` command: results on standard output, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Timer
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

__all__ = [
    "err",
    "error",
    "fail",
    "for_terminal",
    "note",
    "out",
    "print_json",
    "say",
    "waiting",
]

out = Console(highlight=False)
"""Standard output: results, so that they can be piped."""

err = Console(stderr=True, highlight=False)
"""Standard error: notes, progress and errors."""

# Exit status of a usage error, as click and most Unix commands have it.
_USAGE_ERROR = 2

# A shorter wait needs no spinner.
_SPINNER_SECONDS = 0.5


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object in one line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def say(message: str) -> None:
    """Print a result in one line."""
    out.print(escape(message), soft_wrap=True)


def note(message: str) -> None:
    """Print a remark on standard error."""
    err.print(escape(message), style="dim", soft_wrap=True)


def error(message: str) -> None:
    """Print an error in one line on standard error."""
    err.print(f"[bold red]error:[/] {escape(' '.join(message.split()))}", soft_wrap=True)


def fail(message: str) -> NoReturn:
    """Print a usage error and end the command.

    Raises:
        typer.Exit: Always, with exit status 2.
    """
    error(message)
    raise typer.Exit(_USAGE_ERROR)


@contextmanager
def waiting(activity: str) -> Iterator[None]:
    """Show a spinner on standard error, if the context lasts for more than half a second."""
    status = err.status(f"{activity} …")
    timer = Timer(_SPINNER_SECONDS, status.start)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        status.stop()


def for_terminal(text: str, max_length: int = 200) -> str:
    """Make catalog text safe to print: no markup, no control characters, bounded length."""
    plain = "".join(char if char.isprintable() else "�" for char in text[:max_length])
    return escape(plain)
