"""The command group `lookalike index`."""

from __future__ import annotations

import typer

from search_api.cli.index.adapt import index_adapt
from search_api.cli.index.build import index_build
from search_api.cli.index.duplicates import index_duplicates
from search_api.cli.index.evaluate import index_evaluate
from search_api.cli.index.generations import index_prune, index_rollback, index_verify
from search_api.cli.index.info import index_info
from search_api.cli.index.merge import index_merge
from search_api.cli.index.quarantine import index_quarantine
from search_api.cli.index.report import index_report
from search_api.cli.index.retag import index_retag

__all__ = ["index_app"]

index_app = typer.Typer(help="Build, inspect and maintain an index.", no_args_is_help=True)
for name, command in {
    "build": index_build,
    "info": index_info,
    "verify": index_verify,
    "merge": index_merge,
    "retag": index_retag,
    "adapt": index_adapt,
    "rollback": index_rollback,
    "prune": index_prune,
    "duplicates": index_duplicates,
    "evaluate": index_evaluate,
    "report": index_report,
    "quarantine": index_quarantine,
}.items():
    index_app.command(name)(command)
