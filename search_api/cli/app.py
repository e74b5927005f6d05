"""The `lookalike` command: its sub-commands, and errors as exit statuses."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from embeddings import LookalikeError
from search_api import console
from search_api.cli.catalog import catalog_app
from search_api.cli.demo import demo
from search_api.cli.index import index_app
from search_api.cli.models import models_app
from search_api.cli.search import search
from search_api.cli.service import keys_app, mcp, serve
from search_api.cli.tag import tag_app
from search_api.cli.vision import anomaly_app, detect, moderate, read

__all__ = ["app", "main", "run_command"]

# Exit status after Ctrl-C, as shells report it: 128 + SIGINT.
_INTERRUPTED = 130


def _print_version(requested: bool) -> None:  # noqa: FBT001 (typer passes the flag's value)
    if requested:
        from importlib.metadata import version

        console.say(f"lookalike {version('lookalike')}")
        raise typer.Exit


def _root(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Visual similarity search for product catalogs: by image, by words, with tags."""


app = typer.Typer(
    name="lookalike",
    callback=_root,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(catalog_app, name="catalog")
app.add_typer(index_app, name="index")
app.add_typer(tag_app, name="tag")
app.add_typer(models_app, name="models")
app.add_typer(keys_app, name="keys")
app.add_typer(anomaly_app, name="anomaly")
for command in (search, serve, mcp, demo, detect, moderate, read):
    app.command()(command)


def main() -> None:
    """Run the command of this process; SIGTERM stops it as Ctrl-C does."""
    signal.signal(signal.SIGTERM, _interrupt)
    run_command()


def run_command(arguments: Sequence[str] | None = None) -> None:
    """Run the command; an error becomes one line on standard error.

    Args:
        arguments: What follows `lookalike` on the command line; by default this process's.

    Raises:
        SystemExit: Always. Status 0 after success, 1 after an error, 2 after a usage error, 130
            after an interruption.
    """
    try:
        app(args=arguments)
    except LookalikeError as error:
        console.error(error.message)
        sys.exit(_INTERRUPTED if error.code == "interrupted" else 1)
    except OSError as error:  # a full disk, a missing permission, a file in place of a folder
        console.error(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


def _interrupt(_signal_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
