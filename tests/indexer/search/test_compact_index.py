"""An index that `compact` built in version 0.2.0, on torch: it opens on every runtime."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from embeddings import load_encoder
from indexer.search import Engine, ImagePart, Query, TextPart
from search_api.demo import draw_catalog

GOLDEN = Path(__file__).parents[2] / "data" / "compact_index"
# Of bfloat16 against the stored vectors of float32, which hold some of the title.
LEAST_SCORE = 0.98


@pytest.mark.parametrize(
    ("runtime", "precision"),
    [("auto", "auto"), ("openvino", "fp32"), ("onnx", "auto"), ("torch", "fp32")],
)
def test_it_opens_and_finds_its_products(runtime: str, precision: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(GOLDEN, tmp_path / "index"))
    encoder = load_encoder("compact", device="cpu", runtime=runtime, precision=precision)
    engine = Engine.open(folder, encoder)
    for product in draw_catalog(12, seed=7):
        found = engine.search(Query(parts=(ImagePart(product.image),), k=1)).hits[0]
        assert (found.id, found.fields["title"]) == (product.id, product.title)
        assert found.score >= LEAST_SCORE
    titles = {product.id: product.title for product in draw_catalog(12, seed=7)}
    ranks = [
        [hit.id for hit in engine.search(Query(parts=(TextPart(title),), k=12)).hits].index(id_)
        for id_, title in titles.items()
    ]
    assert sum(rank == 0 for rank in ranks) >= len(ranks) // 2
