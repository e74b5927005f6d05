"""Fixtures and options that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from embeddings import FakeEncoder
from indexer.build import BuildOptions, build_index
from indexer.search import Engine

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"

# Solid pictures, so that FakeEncoder's vectors are plain: the colour, scaled to length 1.
COLOURS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "dark-red": (100, 0, 0),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="run the slow tests too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("slow") and not config.getoption("--all"):
            item.add_marker(pytest.mark.skip(reason="slow: run with scripts/test --all"))
        # In continuous integration the catalogs must be there: a skip would hide their absence.
        missing = not SHARED.is_dir() and not os.environ.get("CI")
        if item.get_closest_marker("shared") and missing:
            item.add_marker(pytest.mark.skip(reason="needs the shared catalogs (../shared/data)"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real catalogs; for tests marked `shared`."""
    assert SHARED.is_dir(), "../shared/data is missing"
    return SHARED


@pytest.fixture
def colours(tmp_path: Path) -> Path:
    """A catalog of five products, each one picture of one colour; returns its CSV file."""
    folder = tmp_path / "catalog"
    folder.mkdir()
    lines = ["id,image,title,price"]
    for number, (name, colour) in enumerate(COLOURS.items(), start=1):
        Image.new("RGB", (32, 32), colour).save(folder / f"{name}.png")
        lines.append(f"{name},{name}.png,A {name} thing,{number}.50")
    (folder / "catalog.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return folder / "catalog.csv"


@pytest.fixture
def fast_options() -> BuildOptions:
    """Build options for tests: one decoding process, pictures searched by what they show alone."""
    return BuildOptions(workers=1, text_weight=0.0)


@pytest.fixture
def engine(colours: Path, tmp_path: Path, fast_options: BuildOptions) -> Engine:
    """An engine over the colour catalog, with the fake encoder."""
    build_index(colours, tmp_path / "index", FakeEncoder(), fast_options)
    return Engine.open(tmp_path / "index", FakeEncoder())
