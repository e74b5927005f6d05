"""Blocks of docs pages that commands write, each between two marks.

A block is what stands between `<!-- COMMAND -->` and `<!-- end of COMMAND -->`. The opening mark
names the command that writes the block, so that a reader knows how to make it again.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["MissingBlockError", "read_block", "write_block"]


class MissingBlockError(Exception):
    """A page lacks the marks of a block."""


def read_block(page: Path, command: str) -> str:
    """Return what stands between the marks of a command.

    Raises:
        MissingBlockError: The page lacks one of the marks.
    """
    return _split(page, command)[1].strip("\n")


def write_block(page: Path, command: str, content: str) -> bool:
    """Put new content between the marks of a command; return whether the page changed.

    Raises:
        MissingBlockError: The page lacks one of the marks.
    """
    before, old, after = _split(page, command)
    new = f"\n{content.strip()}\n"
    if new == old:
        return False
    page.write_text(f"{before}{new}{after}", "utf-8")
    return True


def _split(page: Path, command: str) -> tuple[str, str, str]:
    begin, end = f"<!-- {command} -->", f"<!-- end of {command} -->"
    before, found, rest = page.read_text("utf-8").partition(begin)
    content, closed, after = rest.partition(end)
    if not found or not closed:
        raise MissingBlockError(f"{page} lacks the marks {begin} and {end}. Add them, one a line.")
    return before + begin, content, end + after
