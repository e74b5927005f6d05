"""The `lookalike` command. Heavy modules are imported by the commands that need them."""

from __future__ import annotations

import signal
import sys

import typer

from embeddings import LookalikeError
from search_api import console
from search_api.cli import duplicates, evaluate, report  # noqa: F401 (they register their commands)
from search_api.cli.index import index_app
from search_api.cli.search import everyday_app
from search_api.cli.tags import tag_app

__all__ = ["app", "main"]

app = typer.Typer(
    name="lookalike",
    help="Visual similarity search for product catalogs: by picture, by words, with tags.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(index_app, name="index")
app.add_typer(tag_app, name="tag")
app.add_typer(everyday_app)

# What a shell reports for a command stopped by Ctrl-C: 128 + SIGINT.
_INTERRUPTED = 130


def main() -> None:
    """Run the command; errors become one line and a non-zero exit."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        app()
    except LookalikeError as error:
        console.error(error.message)
        sys.exit(_INTERRUPTED if error.code == "interrupted" else 1)
    except OSError as error:  # a full disk, a missing permission, a file where a folder should be
        console.error(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


def _interrupt(signal_number: int, frame: object) -> None:
    raise KeyboardInterrupt
