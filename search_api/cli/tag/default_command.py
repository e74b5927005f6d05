"""A command group with a default command."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

__all__ = ["DEFAULT_NAME", "DefaultCommandGroup"]

DEFAULT_NAME = "pictures"


class DefaultCommandGroup(TyperGroup):
    """A group that runs its default command unless another command is named.

    So `lookalike tag photo.jpg` works beside `lookalike tag fit` and `lookalike tag audit`. A file
    with the name of a command is given as `./fit`. The group's help is the default command's.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Insert the default command's name in front."""
        if not args or args[0] not in self.commands:
            args = [DEFAULT_NAME, *(args or ["--help"])]
        return super().parse_args(ctx, args)
