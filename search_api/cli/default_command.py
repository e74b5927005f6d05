"""A group of commands one of which is meant where none is named."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

__all__ = ["DEFAULT_NAME", "DefaultCommandGroup"]

DEFAULT_NAME = "pictures"


class DefaultCommandGroup(TyperGroup):
    """Takes `GROUP ARGUMENTS` for `GROUP pictures ARGUMENTS`, unless a command is named.

    So `lookalike tag photo.jpg` tags, beside `lookalike tag fit` and `lookalike tag audit`; a file
    of the name of a command is given as `./fit`. The group's help is the default command's.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default command's name in front."""
        if not args or args[0] not in self.commands:
            args = [DEFAULT_NAME, *(args or ["--help"])]
        return super().parse_args(ctx, args)
