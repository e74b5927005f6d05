"""docs/catalogs.md: its files are written, and its commands print what it shows."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.catalog.tables import opening
from scripts.benchmarks.catalogs.writers import FORMATS, Sheet
from search_api.cli import app
from tests.support.documented import Block, Command, Section, commands, sections

PAGE = (Path(__file__).parents[3] / "docs" / "catalogs.md").read_text("utf-8")
SECTIONS = sections(PAGE)
# A file is named before the block that it holds, or before the rows of its sheet.
FILE = re.compile(r"^`([\w./-]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHEET = re.compile(r"^`([\w.-]+)`, as a sheet:\n\n((?:\|.*\n)+)", re.MULTILINE)
PICTURES = ("mug.png", "cup.png", "lamp.png")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the page, and the pictures that it says are there."""
    folder = tmp_path_factory.mktemp("page")
    for place in ("pictures", "photos"):
        (folder / place).mkdir()
        for name in PICTURES:
            if place == "pictures" or f"\n{name}," in PAGE:
                (folder / place / name).write_text(name)
    for name, text in FILE.findall(PAGE):
        (folder / name).write_text(text, "utf-8")
    for name, rows in SHEET.findall(PAGE):
        header, _, *lines = [
            [cell.strip() for cell in row.strip("|").split("|")] for row in rows.splitlines()
        ]
        cells = [[float(text) if _is_number(text) else text for text in line] for line in lines]
        FORMATS["xlsx"][1](folder / name, Sheet(header, cells))
    return folder


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\d+(?:\.\d+)?", text) is not None


def _consoles() -> Iterator[tuple[Section, Command]]:
    for section in SECTIONS:
        for block in section.blocks:
            if block.language == "console":
                yield from ((section, command) for command in commands(block))


CONSOLES = list(_consoles())


def run(line: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a line of a console prints; `gzip -c FILE |` is done here."""
    if match := re.fullmatch(r"gzip -c (\S+) \| (.*)", line):
        import gzip

        data = gzip.compress((folder / match[1]).read_bytes())
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        line = match[2]
    words = shlex.split(line)
    assert words[0] == "lookalike"
    out = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out):
        app(words[1:], standalone_mode=False)
    return out.getvalue().strip()


@pytest.mark.case(57)
@pytest.mark.case(59)
@pytest.mark.parametrize(
    ("section", "command"), CONSOLES, ids=[command.line for _, command in CONSOLES]
)
def test_examples_print_what_is_shown(
    section: Section, command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with contextlib.chdir(folder):
        for block in section.blocks:
            if block.language == "python":
                exec(block.text, {})
    assert run(command.line, folder, monkeypatch) == command.shown


def test_every_format_has_its_section() -> None:
    """Each ending that a table is opened by stands in the page."""
    endings = {*opening._BY_ENDING, *opening._DELIMITED, *opening._JSON_LINES}
    spelled = {".pq", ".ipc", ".tab", ".psv", ".txt", ".tgz", ".sqlite3", ".db", ".tsv"}
    missing = [ending for ending in endings - spelled if ending not in PAGE]
    assert missing == []
    with_examples = {section.heading for section, _ in CONSOLES}
    without = {"Columns", "Variants and groups", "Object storage"}
    headings = set(re.findall(r"^## (.*)$", PAGE, re.MULTILINE))
    assert headings - without == with_examples


def test_blocks_are_of_known_kinds() -> None:
    kinds = {block.language for section in SECTIONS for block in section.blocks}
    assert kinds == {"console", "csv", "json", "xml", "python"}
    assert all(isinstance(block, Block) for section in SECTIONS for block in section.blocks)
