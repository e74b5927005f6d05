"""An index that the tests of calibration share, read-only."""

from __future__ import annotations

from pathlib import Path

import pytest

from embeddings import FakeEncoder
from indexer.build import BuildOptions, build_index
from tests.support.colour_shop import write_colour_shop


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index of a colour shop of 90 products."""
    folder = tmp_path_factory.mktemp("confidence")
    catalog = write_colour_shop(folder / "shop", 90)
    build_index(catalog, folder / "index", FakeEncoder(), BuildOptions(workers=0))
    return folder / "index"
