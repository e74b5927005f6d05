"""The diagram of the floors: contracts read, floors drawn, the page's block replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.docs.floors import Storey, read_storeys, render
from scripts.docs.marked_blocks import MissingBlockError, read_block, write_block

CONTRACTS = """
[[tool.importlinter.contracts]]
type = "layers"
layers = ["indexer", "embeddings"]

[[tool.importlinter.contracts]]
type = "acyclic_siblings"
ancestors = ["indexer"]

[[tool.importlinter.contracts]]
type = "layers"
containers = ["indexer"]
layers = ["catalog | (colours)", "errors"]
"""


def test_contracts_are_read_top_down(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(CONTRACTS, "utf-8")
    assert read_storeys(tmp_path / "pyproject.toml") == [
        Storey("", (("indexer",), ("embeddings",))),
        Storey("indexer", (("catalog", "colours"), ("errors",))),
    ]


def test_a_package_is_drawn_with_its_real_imports() -> None:
    storeys = [
        Storey("", (("indexer",), ("embeddings",))),
        Storey("indexer", (("catalog", "colours"), ("errors",))),
    ]
    drawn = render(storeys).partition("### `indexer`")[2]
    diagram, table = drawn.split("```text\n")[1].split("\n```\n\n")
    assert diagram.splitlines() == [
        f"┌{'─' * 37}┬{'─' * 38}┐",
        f"│ catalog{' ' * 29}│ colours{' ' * 30}│",
        f"├{'─' * 37}┴{'─' * 38}┤",
        f"│ errors{' ' * 69}│",
        f"└{'─' * 76}┘",
    ]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    assert [(module, imports) for module, _, imports in rows] == [
        ("`catalog`", "`errors`"),
        ("`colours`", "`errors`"),
        ("`errors`", "-"),
    ]
    assert all(subject for _, subject, _ in rows)


def test_a_block_is_replaced_and_the_rest_is_kept(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n<!-- make it -->\nold\n<!-- end of make it -->\n\nWords.\n", "utf-8")
    assert write_block(page, "make it", "new\n")
    assert page.read_text("utf-8") == (
        "# Page\n\n<!-- make it -->\nnew\n<!-- end of make it -->\n\nWords.\n"
    )
    assert read_block(page, "make it") == "new"
    assert not write_block(page, "make it", "new")


def test_a_page_without_the_marks_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n<!-- make it -->\n", "utf-8")
    with pytest.raises(MissingBlockError, match="<!-- end of make it -->"):
        write_block(page, "make it", "new")
