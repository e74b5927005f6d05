"""An index of two segments and an older generation, to be damaged in copies."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from indexer.storage import Layout
from tests.support.numbered_catalogs import build, write_catalog


@pytest.fixture(scope="session")
def two_generations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generation 1 of ten old products; live, 3 of two segments that 1 has no part in.

    Generation 3 has 60 products titled "new", and p7 alone is "newest", in a segment of its own.
    """
    folder = tmp_path_factory.mktemp("faults")
    with pytest.MonkeyPatch.context() as patch:
        # Small segments stay, as large ones would.
        patch.setattr("indexer.build.update._SMALL", 0)
        build(write_catalog(folder / "catalog", 10, "old"), folder / "index")
        catalog = write_catalog(folder / "catalog", 60, "new")
        build(catalog, folder / "index")
        catalog.write_text(catalog.read_text().replace("p7,7.bmp,new", "p7,7.bmp,newest"))
        build(catalog, folder / "index")
    Layout(folder / "index").manifest(2).unlink()
    return folder / "index"


@pytest.fixture
def damaged(two_generations: Path, tmp_path: Path) -> Path:
    """A copy of that index, to be damaged."""
    return shutil.copytree(two_generations, tmp_path / "index")
