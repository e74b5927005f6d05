"""The README's examples run, and find the products that it shows."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from search_api.cli import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")

# A console block: lines that begin with "$ " are commands, the others what they print.
BLOCKS = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
PRODUCT = re.compile(r"\b[a-z-]+-\d{4}\b")


def commands() -> list[tuple[str, str]]:
    """Commands of `lookalike` in the order of the README, each with the output below it."""
    found = []
    for block in BLOCKS:
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            if command.startswith("lookalike"):
                found.append((command, output))
    return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `lookalike demo --no-serve` was run."""
    folder = tmp_path_factory.mktemp("readme")
    run("lookalike demo --no-serve", folder)
    return folder


def run(command: str, folder: Path) -> str:
    """What a `lookalike` command prints, run in a folder; in this process, which has torch."""
    out = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out):
        app(shlex.split(command)[1:], standalone_mode=False)
    return out.getvalue()


def test_the_readme_has_three_examples() -> None:
    assert len(commands()) >= 3


@pytest.mark.parametrize(("command", "shown"), commands())
def test_examples_run_and_find_what_is_shown(command: str, shown: str, demo: Path) -> None:
    printed = run(command, demo)
    assert PRODUCT.findall(shown), "an example without a product shows nothing"
    # Neighbours in rank can swap where another processor rounds otherwise.
    assert set(PRODUCT.findall(shown)) <= set(PRODUCT.findall(printed))


def test_the_python_example_runs_and_finds_mugs(demo: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 1
    names: dict[str, Any] = {}
    with contextlib.chdir(demo):
        exec(blocks[0].replace("my-index", "lookalike-demo/index"), names)
    found = [hit.id for hit in names["hits"]]
    assert len(found) == 5
    assert found[0].startswith("mug-")


def test_the_readme_is_under_two_screens() -> None:
    assert len(README.splitlines()) <= 110


def test_every_link_to_a_file_leads_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
