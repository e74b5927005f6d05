"""`scripts/train NAME [options]`: make one of the files that ship with the project."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from scripts.support.front import Command, Front, option_parser, require_catalogs

__all__ = ["FRONT", "main"]

FRONT = Front(
    "scripts/train",
    "Train or fit the files that ship with Lookalike, from the shared catalogs.",
    (
        Command(
            "compact", "the shipped model, embeddings/data/compact", "scripts.training.compact"
        ),
        Command(
            "colours",
            "colour names and the colour classifier, indexer/colours/data",
            "scripts.training.colours",
        ),
        Command(
            "tags",
            "the built-in taxonomy's fit to the shipped model, indexer/tagging/data",
            "scripts.training.tags",
        ),
        Command(
            "detectors",
            "the detectors of faces and items, embeddings/vision/data, from their packages",
            "scripts.training.detectors",
            needs_catalogs=False,
        ),
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the named training; return the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    command = FRONT.select(given)
    module = command.load()
    parser = option_parser(FRONT, command, module.__doc__ or "")
    module.add_options(parser)
    options = parser.parse_args(given[1:])
    if command.needs_catalogs:
        require_catalogs(parser, options.data)
    module.train(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
