"""Command fronts: one program with several named commands, each in a module of its own."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

__all__ = ["CACHE", "ROOT", "Command", "Front", "option_parser", "require_catalogs"]

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
_CATALOGS = ROOT.parent / "shared" / "data"
# Exit code of a wrong command line, as argparse has it.
_USAGE = 2


@dataclass(frozen=True)
class Command:
    """One command of a front.

    Attributes:
        name: What a user types.
        about: One line for `--list`.
        module: The module that has `add_options` and does the work; imported only when it runs.
        needs_catalogs: Whether nothing can be done without the shared catalogs.
    """

    name: str
    about: str
    module: str
    needs_catalogs: bool = True

    def load(self) -> ModuleType:
        """Import the command's module."""
        return import_module(self.module)


@dataclass(frozen=True)
class Front:
    """A program that runs one of several commands.

    Attributes:
        program: How users call it, such as `scripts/bench`.
        about: One line on what it does.
        commands: What it can run.
    """

    program: str
    about: str
    commands: Sequence[Command]

    def listing(self) -> str:
        """Return one line a command."""
        width = max(len(command.name) for command in self.commands) + 2
        return "\n".join(f"{command.name:{width}}{command.about}" for command in self.commands)

    def select(self, arguments: Sequence[str]) -> Command:
        """Return the command that the first argument names.

        Raises:
            SystemExit: With 0 after `--list` or `--help`, with 2 where no command has the name.
        """
        name = arguments[0] if arguments else ""
        usage = f"usage: {self.program} NAME [options], {self.program} --list"
        if name == "--list":
            print(self.listing())
            sys.exit(0)
        if name in ("-h", "--help"):
            print(f"{usage}\n\n{self.about}\n\n{self.listing()}\n")
            print(f"`{self.program} NAME --help` shows the options of one of them.")
            sys.exit(0)
        if not name:
            print(usage, file=sys.stderr)
            sys.exit(_USAGE)
        for command in self.commands:
            if command.name == name:
                return command
        print(
            f"{self.program}: there is no '{name}'. `{self.program} --list` shows the names.",
            file=sys.stderr,
        )
        sys.exit(_USAGE)


def option_parser(front: Front, command: Command, about: str) -> argparse.ArgumentParser:
    """Return a parser with the options that all commands share."""
    parser = argparse.ArgumentParser(
        prog=f"{front.program} {command.name}",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data", type=Path, default=_CATALOGS, metavar="DIR", help="folder of the shared catalogs"
    )
    parser.add_argument(
        "--cache", type=Path, default=CACHE, metavar="DIR",
        help="folder for what is kept between runs: vectors, indexes",
    )  # fmt: skip
    return parser


def require_catalogs(parser: argparse.ArgumentParser, data: Path) -> None:
    """End with a usage error where the folder lacks the shared catalogs."""
    if not any(data.glob("fashion-train-*.parquet")):
        parser.error(f"the shared catalogs are not in {data}. Name their folder with --data.")
