"""Options, hypothesis profiles and the fixtures that all tests share.

Expensive things are made once a session and shared read-only; a test that writes gets a copy.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

# Read when torch and faiss load: beside other work, OpenMP threads that spin at every barrier keep
# each other from the processors. 64 images took `compact` 17 seconds, and 1.4 with passive waiting.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from embeddings import FakeEncoder
from indexer.build import BuildOptions, build_index
from indexer.search import Engine

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"

# They start real commands with the real model; begun last, they would end alone.
LONGEST = ("tests/test_readme.py", "tests/scripts/crashes", "tests/search_api/client")

# Solid images, so that FakeEncoder's vectors are plain: the colour, scaled to length 1.
COLOURS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "dark-red": (100, 0, 0),
}

# No deadline: a busy machine is not a failure. The same examples run each time, so that a change
# fails by what it changes; with --all, others each time.
settings.register_profile(
    "default",
    deadline=None,
    max_examples=50,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile(
    "thorough", settings.get_profile("default"), max_examples=300, derandomize=False
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="run the slow tests too")


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("thorough" if config.getoption("--all") else "default")


@pytest.hookimpl(optionalhook=True)  # where xdist is left out
def pytest_xdist_auto_num_workers() -> int:
    """One process more than processors: tests also wait for other processes and for disks."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    everything = config.getoption("--all")
    for item in items:
        shared = item.get_closest_marker("shared")
        if (shared or item.get_closest_marker("slow")) and not everything:
            item.add_marker(pytest.mark.skip(reason="slow: run with scripts/test --all"))
        elif shared and not SHARED.is_dir():
            item.add_marker(pytest.mark.skip(reason="needs the shared catalogs (../shared/data)"))
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_disks() -> Iterator[None]:
    """Flush nothing to disks: killed processes lose nothing by it, only a power cut would."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real catalogs; for tests marked `shared`."""
    return SHARED


@pytest.fixture(scope="session")
def fast_options() -> BuildOptions:
    """Build options for tests: decoding in this process, no titles in the vectors."""
    return BuildOptions(workers=0, text_weight=0.0)


@pytest.fixture(scope="session")
def colour_catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a catalog of five products, each one image of one colour; read-only."""
    folder = tmp_path_factory.mktemp("colours") / "catalog"
    folder.mkdir()
    lines = ["id,image,title,price"]
    for number, (name, colour) in enumerate(COLOURS.items(), start=1):
        Image.new("RGB", (32, 32), colour).save(folder / f"{name}.png")
        lines.append(f"{name},{name}.png,A {name} thing,{number}.50")
    (folder / "catalog.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


@pytest.fixture(scope="session")
def colour_index(
    colour_catalog: Path, tmp_path_factory: pytest.TempPathFactory, fast_options: BuildOptions
) -> Path:
    """The index of the colour catalog, by the fake encoder; read-only."""
    index = tmp_path_factory.mktemp("colour-index") / "index"
    build_index(colour_catalog / "catalog.csv", index, FakeEncoder(), fast_options)
    return index


@pytest.fixture
def colours(colour_catalog: Path, tmp_path: Path) -> Path:
    """A copy of the colour catalog that a test may change; returns its CSV file."""
    shutil.copytree(colour_catalog, tmp_path / "catalog")
    return tmp_path / "catalog" / "catalog.csv"


@pytest.fixture
def engine(colour_index: Path, tmp_path: Path) -> Engine:
    """An engine over a copy of the colour index, in `tmp_path / "index"`."""
    shutil.copytree(colour_index, tmp_path / "index")
    return Engine.open(tmp_path / "index", FakeEncoder())
