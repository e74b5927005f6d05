"""A page of documentation as commands to run, and the output that it shows for each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Block", "Command", "Section", "agrees", "commands", "sections", "table"]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Stands for what a page leaves out: the rest of a list or of an object, or a whole text.
_MORE = "…"


@dataclass(frozen=True)
class Block:
    """A fenced block: its language and its text."""

    language: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command of a console block, and the output shown for it."""

    line: str
    shown: str


@dataclass(frozen=True)
class Section:
    """A heading of the second level with its blocks; the heading of the first section is empty."""

    heading: str
    blocks: tuple[Block, ...]


def sections(page: str) -> list[Section]:
    """Return all sections with blocks, in order."""
    found = []
    for part in re.split(r"^## ", f"\n{page}", flags=re.MULTILINE):
        heading, _, text = part.partition("\n")
        blocks = tuple(Block(*match.groups()) for match in _FENCE.finditer(text))
        if blocks:
            found.append(Section(heading.strip(), blocks))
    return found


def commands(block: Block) -> Iterator[Command]:
    """Yield the commands of a console block, which begin with `$ `."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        line, _, shown = part.partition("\n")
        yield Command(line, shown.strip())


def table(page: str, *columns: str) -> list[list[str]]:
    """Return the rows of the one table with these columns, without backticks."""
    head = re.escape("| " + " | ".join(columns) + " |")
    (rows,) = re.findall(rf"^{head}\n\|[-|]+\n((?:\|.*\n)+)", page, re.MULTILINE)
    return [
        [cell.strip().replace("`", "") for cell in row.strip("|").split("|")]
        for row in rows.splitlines()
    ]


def agrees(shown: str, printed: str) -> None:
    """Check that output agrees with what a page shows.

    JSON must have the same members of the same types, and other lines must be equal except for
    numbers, which depend on the model and the machine. Words and HTTP statuses must be equal. Parts
    that the page leaves out may be anything.
    """
    (left, left_rest), (right, right_rest) = _split(shown), _split(printed)
    assert (left is None) == (right is None), printed
    if left is not None:
        _compare(left, right, "answer")
    assert [*map(_masked, left_rest)] == [*map(_masked, right_rest)]


def _split(text: str) -> tuple[Any, list[str]]:
    """Return the JSON at the beginning of a text, if any, and its other lines."""
    if not text.startswith("{"):
        return None, text.split("\n") if text else []
    # As JSON: one more item, or one more member.
    filled = re.sub(rf"{_MORE}(?=\s*\])", f'"{_MORE}"', text)
    filled = re.sub(rf"(?<!\"){_MORE}(?=\s*\}})", f'"{_MORE}": null', filled)
    value, end = json.JSONDecoder().raw_decode(filled)
    return value, filled[end:].strip().split("\n") if filled[end:].strip() else []


def _compare(shown: Any, got: Any, place: str) -> None:
    if isinstance(shown, dict):
        assert isinstance(got, dict), place
        wanted = set(shown) - {_MORE}
        assert wanted <= set(got) if _MORE in shown else wanted == set(got), (place, got)
        for name in wanted:
            _compare(shown[name], got[name], f"{place}.{name}")
    elif isinstance(shown, list):
        assert isinstance(got, list), place
        more = bool(shown) and shown[-1] == _MORE
        wanted = shown[:-1] if more else shown
        assert len(got) >= len(wanted) if more else len(got) == len(wanted), (place, got)
        for number, item in enumerate(wanted):
            _compare(item, got[number], f"{place}.{number}")
    elif isinstance(shown, str):
        assert isinstance(got, str), place
        assert shown == _MORE or _masked(shown) == _masked(got), place
    elif isinstance(shown, bool) or shown is None or place.endswith(".status"):
        assert got == shown, place
    else:
        assert isinstance(got, int | float), place
        assert not isinstance(got, bool), place


def _masked(line: str) -> str:
    """Return a line with its numbers masked; an HTTP status stays."""
    return line if re.fullmatch(r"[1-5]\d\d", line) else re.sub(r"\d+(\.\d+)?", "0", line)
