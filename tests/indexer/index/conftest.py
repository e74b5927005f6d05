"""Indices that the tests of this folder share: read-only, or copied where a test writes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from embeddings import FakeEncoder
from indexer.build import BuildOptions, build_index
from indexer.index import Index
from tests.support.random_indices import write_random_index


@pytest.fixture(scope="session")
def two_builds(
    colour_catalog: Path, tmp_path_factory: pytest.TempPathFactory, fast_options: BuildOptions
) -> Path:
    """The colour index in two generations; only the second knows `blue` as "changed"."""
    root = tmp_path_factory.mktemp("two-builds")
    catalog = shutil.copytree(colour_catalog, root / "catalog") / "catalog.csv"
    build_index(catalog, root / "index", FakeEncoder(), fast_options)
    catalog.write_text(catalog.read_text().replace("A blue thing", "changed"))
    build_index(catalog, root / "index", FakeEncoder(), fast_options)
    return root / "index"


@pytest.fixture
def folder(two_builds: Path, tmp_path: Path) -> Path:
    """A copy of `two_builds`, to be changed."""
    return shutil.copytree(two_builds, tmp_path / "index")


@pytest.fixture(scope="session")
def colour_generations(two_builds: Path) -> Index:
    """The index of `two_builds`, opened."""
    return Index.open(two_builds)


@pytest.fixture(scope="session")
def random_index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    """Two segments of 800 random vectors of products with fields n and odd; some have several."""
    return Index.open(write_random_index(tmp_path_factory.mktemp("random"), images=800))


@pytest.fixture(scope="session")
def stored_vectors(random_index: Index) -> list[tuple[int, np.ndarray]]:
    """The number n of the owner of each image of `random_index`, and its vector as float32."""
    return [
        (int(segment.product_id(owner)[1:]), vector.astype(np.float32))
        for segment in random_index.segments
        for owner, vector in zip(segment.image_product.tolist(), segment.vectors, strict=True)
    ]
