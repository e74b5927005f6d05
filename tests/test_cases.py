"""Every promise about bad input, faults and attacks has a test that names its row."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
# The rows of the promises, from the images of row 1 to the catalogs of row 60.
ROWS = range(1, 61)


def marked_rows(tree: ast.AST) -> Iterator[int]:
    """The rows that `pytest.mark.case(N)` names in a file."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and ast.unparse(node.func) == "pytest.mark.case"
            and len(node.args) == 1
        ):
            value = ast.literal_eval(node.args[0])
            assert isinstance(value, int), ast.unparse(node)
            yield value


def rows_without_a_test(trees: Iterator[ast.AST]) -> list[int]:
    found = {row for tree in trees for row in marked_rows(tree)}
    assert found <= set(ROWS), sorted(found - set(ROWS))
    return [row for row in ROWS if row not in found]


def test_every_row_has_a_test() -> None:
    files = sorted(TESTS.rglob("test_*.py"))
    assert rows_without_a_test(ast.parse(path.read_text("utf-8")) for path in files) == []


def test_a_row_without_a_test_is_listed() -> None:
    source = "\n".join(f"@pytest.mark.case({row})" for row in ROWS if row not in (7, 60))
    assert rows_without_a_test(iter([ast.parse(f"{source}\ndef test(): ...")])) == [7, 60]
    with pytest.raises(AssertionError, match="61"):
        rows_without_a_test(iter([ast.parse("pytestmark = pytest.mark.case(61)")]))
