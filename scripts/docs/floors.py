"""The diagram of the floors in docs/architecture.md, drawn from the import contracts.

`python -m scripts.docs.floors` writes it between its marks; `--check` fails where the page is out
of date. The order of the floors comes from `tool.importlinter` in pyproject.toml, what each folder
is from its first line, and what it imports from the code.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import grimp

from scripts.docs.marked_blocks import read_block, write_block

__all__ = ["COMMAND", "PAGE", "Storey", "main", "read_storeys", "render"]

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "architecture.md"
COMMAND = "python -m scripts.docs.floors"

# Names of a floor with their widths.
Row = Sequence[tuple[str, int]]

# Columns of text between the outer walls of the diagram.
_WIDTH = 76


@dataclass(frozen=True)
class Storey:
    """A package and the order of what it holds.

    Attributes:
        container: The package, or an empty text for the packages themselves.
        floors: The names on each floor, top down; a floor imports only what lies below it.
    """

    container: str
    floors: tuple[tuple[str, ...], ...]

    def module(self, name: str) -> str:
        """Return the dotted name of one of its folders or files."""
        return f"{self.container}.{name}" if self.container else name

    @property
    def modules(self) -> list[str]:
        """Dotted names of everything it holds, top down."""
        return [self.module(name) for floor in self.floors for name in floor]


def read_storeys(pyproject: Path) -> list[Storey]:
    """Read the contracts of type `layers`."""
    settings = tomllib.loads(pyproject.read_text("utf-8"))["tool"]["importlinter"]
    return [
        Storey(container, tuple(_names(layer) for layer in contract["layers"]))
        for contract in settings["contracts"]
        if contract["type"] == "layers"
        for container in contract.get("containers", [""])
    ]


def _names(layer: str) -> tuple[str, ...]:
    """Split `a | b` into names; a name in parentheses is an optional one."""
    return tuple(part.strip().strip("()") for part in re.split(r"[|:]", layer))


def render(storeys: Sequence[Storey], root: Path = ROOT) -> str:
    """Return the block in Markdown: for each package its diagram and a table of its folders."""
    packages = next(storey.modules for storey in storeys if not storey.container)
    sections = []
    for storey in storeys:
        graph = grimp.build_graph(*packages, cache_dir=None)
        title = f"### `{storey.container}`" if storey.container else "### Packages"
        diagram = "\n".join(["```text", *_diagram(storey.floors), "```"])
        sections += [title, diagram, "\n".join(_table(storey, graph, root))]
    return "\n\n".join(sections)


def _diagram(floors: Sequence[Sequence[str]]) -> list[str]:
    """Draw one row of boxes a floor."""
    rows = [_cells(floor) for floor in floors]
    lines = [_wall([], rows[0])]
    for row, below in zip(rows, [*rows[1:], []], strict=True):
        lines.append("│" + "│".join(f" {name}".ljust(width) for name, width in row) + "│")
        lines.append(_wall(row, below))
    return lines


def _cells(floor: Sequence[str]) -> Row:
    """Share the width out among the names of a floor."""
    room = _WIDTH - (len(floor) - 1)
    share = room // len(floor)
    return [*((name, share) for name in floor[:-1]), (floor[-1], room - share * (len(floor) - 1))]


def _wall(above: Row, below: Row) -> str:
    """Draw the line between two floors; outside the diagram there are no cells."""
    up, down = _partitions(above), _partitions(below)
    joints = {(True, True): "┼", (True, False): "┴", (False, True): "┬", (False, False): "─"}
    line = "".join(joints[column in up, column in down] for column in range(_WIDTH))
    left, right = ("┌", "┐") if not above else ("└", "┘") if not below else ("├", "┤")
    return f"{left}{line}{right}"


def _partitions(row: Row) -> set[int]:
    """Return the columns that have a partition between two cells of a floor."""
    return set(accumulate((width + 1 for _, width in row[:-1]), initial=-1)) - {-1}


def _table(storey: Storey, graph: grimp.ImportGraph, root: Path) -> list[str]:
    modules = storey.modules
    for module in modules:
        if module in graph.modules:
            graph.squash_module(module)
    lines = ["| module | subject | imports |", "|---|---|---|"]
    for module in modules:
        imported = graph.find_modules_directly_imported_by(module)
        below = [_short(each, storey) for each in modules if each in imported and each != module]
        named = ", ".join(f"`{name}`" for name in below) or "-"
        subject = _subject(root, module)
        lines.append(f"| `{_short(module, storey)}` | {subject} | {named} |")
    return lines


def _short(module: str, storey: Storey) -> str:
    return module.removeprefix(f"{storey.container}.")


def _subject(root: Path, module: str) -> str:
    """Return the first line of a module's docstring, without its full stop."""
    path = root.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    docstring = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
    first = docstring.partition("\n\n")[0].replace("\n", " ")
    return first.rstrip(".").replace("|", "\\|")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the block, or check it; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if out of date")
    options = parser.parse_args(arguments)
    content = render(read_storeys(ROOT / "pyproject.toml"))
    if not options.check:
        write_block(PAGE, COMMAND, content)
    elif read_block(PAGE, COMMAND) != content:
        print(f"{PAGE.relative_to(ROOT)} is out of date; run {COMMAND}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
