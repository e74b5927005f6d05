"""`scripts/bench NAME [options]`: run one benchmark or evaluation and print its figures."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

from scripts.benchmarks.registry import FRONT, MUST_PASS
from scripts.docs.figures import write_figures
from scripts.support.front import option_parser, require_catalogs
from scripts.support.measuring import machine
from scripts.support.reporting import as_json, as_text

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the named benchmark; return the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    command = FRONT.select(given)
    module = command.load()
    parser = option_parser(FRONT, command, module.__doc__ or "")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument(
        "--quick", action="store_true", help="a short run on less data: figures are rough"
    )
    parser.add_argument("--docs", action="store_true", help="write the figures into their page")
    module.add_options(parser)
    options = parser.parse_args(given[1:])
    if command.needs_catalogs:
        require_catalogs(parser, options.data)
    measured = module.measure(options)
    report = replace(measured, about={"quick": options.quick, **measured.about})
    here = machine()
    print(as_json(report, here) if options.json else as_text(report, here))
    for problem in report.problems:
        print(problem, file=sys.stderr)
    if options.docs:
        for page in write_figures(module.blocks(options), report, here):
            print(f"wrote the figures of {page.name}", file=sys.stderr)
    failed = any(measure.ok is False for measure in report.measures)
    return 1 if failed and command.name in MUST_PASS else 0


if __name__ == "__main__":
    sys.exit(main())
