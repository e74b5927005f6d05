"""The README's commands run, and find the products that it says they find."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")

# A console block: lines that begin with "$ " are commands, the others what they print.
BLOCKS = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
PRODUCT = re.compile(r"\b[a-z-]+-\d{4}\b")


def commands() -> list[tuple[str, str]]:
    """Commands of `lookalike` in the README's order, each with the output shown under it."""
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
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "100"}
    done = subprocess.run(
        shlex.split(command), cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_readme_has_three_examples() -> None:
    assert len(commands()) >= 3


@pytest.mark.parametrize(("command", "shown"), commands())
def test_examples_run_and_find_what_is_shown(command: str, shown: str, demo: Path) -> None:
    printed = run(command, demo)
    assert PRODUCT.findall(shown), "an example without a product shows nothing"
    # Neighbours in rank can swap where another processor rounds otherwise.
    assert set(PRODUCT.findall(shown)) <= set(PRODUCT.findall(printed))


def test_the_readme_is_under_two_screens() -> None:
    assert len(README.splitlines()) <= 110


def test_every_link_to_a_file_leads_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
