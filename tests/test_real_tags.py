"""Tags of real pictures by the shipped model: what a shop's people would see first."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from embeddings.clip import load_encoder
from embeddings.encoder import Encoder
from indexer.engine import encode_pictures
from indexer.tagging.examples import marks_of_values
from indexer.tagging.fitted import shipped_fit
from indexer.tagging.fitting import Examples, FitOptions, fit_taxonomy
from indexer.tagging.judging import judge_group
from indexer.tagging.tagger import Tagger
from indexer.tagging.taxonomy import BUILT_IN, Taxonomy, read_taxonomy

pytestmark = pytest.mark.shared

PICTURES = 240


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder("compact")


@pytest.fixture(scope="module")
def kinds() -> Taxonomy:
    return read_taxonomy("retail").only(["type", "audience"])


@pytest.fixture(scope="module")
def products(shared_data: Path, encoder: Encoder) -> tuple[np.ndarray, dict[str, list[str]]]:
    """Vectors and fields of some fashion products."""
    names = ["image", "article_type", "gender"]
    columns = pq.read_table(shared_data / "fashion-train-0000.parquet", columns=names)
    rows = columns.slice(0, PICTURES).to_pydict()
    pictures = [Image.open(BytesIO(data)).convert("RGB") for data in rows["image"]]
    return encode_pictures(encoder, pictures), {"type": rows["article_type"],
                                                "audience": rows["gender"]}  # fmt: skip


def test_most_products_get_their_kind(
    products: tuple[np.ndarray, dict[str, list[str]]], encoder: Encoder, kinds: Taxonomy
) -> None:
    vectors, fields = products
    for scored in Tagger(encoder, kinds).scores(vectors):
        marks, unknown = marks_of_values(scored.group, fields[scored.group.name])
        assert unknown == {}
        figures = judge_group(scored, marks[:, :-1])
        assert figures.answered > 0.5
        assert figures.accuracy > 0.6


def test_fitted_to_a_few_products_noise_and_blanks_get_no_tag(
    products: tuple[np.ndarray, dict[str, list[str]]], encoder: Encoder, kinds: Taxonomy
) -> None:
    vectors, fields = products
    truth = {group.name: marks_of_values(group, fields[group.name])[0] for group in kinds.groups}
    learnt = Examples(vectors[:160], {name: marks[:160] for name, marks in truth.items()})
    fitted = fit_taxonomy(encoder, kinds, learnt, FitOptions(steps=60, nonsense=48))
    tagger = Tagger(encoder, kinds, fitted=fitted)
    rng = np.random.default_rng(5)
    noise = Image.fromarray(rng.integers(0, 256, (200, 200, 3), dtype=np.uint8))
    nothing = [noise, Image.new("RGB", (120, 90), "#4070a0"), Image.new("RGB", (90, 90), "white")]
    assert tagger.tag(encode_pictures(encoder, nothing)) == [[], [], []]
    (found, _) = tagger.scores(vectors[160:])
    assert judge_group(found, truth["type"][160:, :-1]).answered > 0.5


def test_what_ships_is_for_the_shipped_model(encoder: Encoder) -> None:
    if not list(BUILT_IN.glob("*.safetensors")):
        pytest.skip("no fit ships; make one by scripts/fit_tags.py")
    retail = read_taxonomy("retail")
    fitted = shipped_fit(retail, encoder.spec)
    assert fitted is not None, "the model or the taxonomy changed: run scripts/fit_tags.py"
    assert all(fitted.of(group) is not None for group in retail.groups)
