"""The map: what it adds, its file, and files that are none of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from indexer import DamagedIndexError
from indexer.adaptation import AdaptationMap
from indexer.adaptation.ridge import Scaling


@pytest.fixture
def learned() -> AdaptationMap:
    scaling = Scaling(np.zeros(2, np.float32), np.ones(2, np.float32))
    return AdaptationMap(scaling, np.array([[0, 0, 1], [0, 0, 0]], np.float32))


def test_what_features_mean_is_added_to_the_vector(learned: AdaptationMap) -> None:
    vectors = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0]], np.float16)
    features = np.array([[1, 5], [0, 5], [np.nan, 0]], np.float32)
    root = np.sqrt(0.5)
    wanted = [[root, 0, root], [1, 0, 0], [0, 1, 0]]
    np.testing.assert_allclose(learned.apply(vectors, features), wanted, atol=1e-3)
    assert learned.apply(vectors[:0], features[:0]).shape == (0, 3)


def test_many_images_are_mapped_as_one_is(learned: AdaptationMap) -> None:
    rng = np.random.default_rng(0)
    vectors, features = rng.normal(size=(9000, 3)), rng.normal(size=(9000, 2))
    together = learned.apply(vectors, features)
    alone = learned.apply(vectors[8500:8501], features[8500:8501])
    np.testing.assert_allclose(together[8500:8501], alone, atol=1e-6)


def test_its_file_is_read_as_it_was_written(learned: AdaptationMap, tmp_path: Path) -> None:
    file = tmp_path / "map.safetensors"
    file.write_bytes(learned.to_bytes("model"))
    read = AdaptationMap.read(file, "model", 3)
    np.testing.assert_array_equal(read.weights, learned.weights)
    assert (read.width, read.dim) == (2, 3)
    assert learned.to_bytes("model") == file.read_bytes()


def test_other_files_are_refused(learned: AdaptationMap, tmp_path: Path) -> None:
    file = tmp_path / "map.safetensors"
    content = learned.to_bytes("model")
    file.write_bytes(content)
    with pytest.raises(DamagedIndexError, match="another model"):
        AdaptationMap.read(file, "other", 3)
    with pytest.raises(DamagedIndexError, match="4 numbers"):
        AdaptationMap.read(file, "model", 4)
    for broken in (b"", content[:20], content[:-8], b"x" * 100):
        file.write_bytes(broken)
        with pytest.raises(DamagedIndexError, match="can be read"):
            AdaptationMap.read(file, "model", 3)
    with pytest.raises(DamagedIndexError, match="can be read"):
        AdaptationMap.read(tmp_path / "none", "model", 3)
    infinite = AdaptationMap(learned.scaling, np.full((2, 3), np.inf, np.float32))
    file.write_bytes(infinite.to_bytes("model"))
    with pytest.raises(DamagedIndexError, match="does not hold"):
        AdaptationMap.read(file, "model", 3)
