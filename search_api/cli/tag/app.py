"""The command group `lookalike tag`."""

from __future__ import annotations

import typer

from search_api.cli.tag.audit import tag_audit
from search_api.cli.tag.default_command import DEFAULT_NAME, DefaultCommandGroup
from search_api.cli.tag.fit import tag_fit
from search_api.cli.tag.images import tag

__all__ = ["tag_app"]

tag_app = typer.Typer(
    cls=DefaultCommandGroup, help="Tag images by a taxonomy, or with labels of your own."
)
tag_app.command(DEFAULT_NAME)(tag)
tag_app.command("fit")(tag_fit)
tag_app.command("audit")(tag_audit)
