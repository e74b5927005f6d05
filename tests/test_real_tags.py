"""Tags of real images by the shipped model: the first that a shop would see."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from embeddings import Encoder, load_encoder
from indexer.build import BuildOptions, build_index
from indexer.index import TagChoice
from indexer.quality import evaluate_group
from indexer.search import Engine, encode_images
from indexer.tagging import Tagger, marks_of_values, shipped_fit
from indexer.tagging.fitting import Examples, FitOptions, fit_taxonomy
from indexer.tagging.taxonomy import BUILT_IN, Group, Taxonomy, read_taxonomy

pytestmark = pytest.mark.shared

PRODUCTS = 240


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
    rows = columns.slice(0, PRODUCTS).to_pydict()
    images = [Image.open(BytesIO(data)).convert("RGB") for data in rows["image"]]
    fields = {"type": rows["article_type"], "audience": rows["gender"]}
    return encode_images(encoder, images), fields


def test_most_products_get_their_kind(
    products: tuple[np.ndarray, dict[str, list[str]]], encoder: Encoder, kinds: Taxonomy
) -> None:
    vectors, fields = products
    for scored in Tagger(encoder, kinds).scores(vectors):
        marks, unknown = marks_of_values(scored.group, fields[scored.group.name])
        assert unknown == {}
        figures = evaluate_group(scored, marks[:, :-1])
        assert figures.answered > 0.5
        assert figures.accuracy > 0.6


def test_fitted_to_a_few_products_noise_and_blanks_get_no_tag(
    products: tuple[np.ndarray, dict[str, list[str]]], encoder: Encoder, kinds: Taxonomy
) -> None:
    vectors, fields = products
    truth = {group.name: marks_of_values(group, fields[group.name])[0] for group in kinds.groups}
    examples = Examples(vectors[:160], {name: marks[:160] for name, marks in truth.items()})
    fitted = fit_taxonomy(encoder, kinds, examples, FitOptions(negatives=48))
    tagger = Tagger(encoder, kinds, fitted=fitted)
    rng = np.random.default_rng(5)
    noise = Image.fromarray(rng.integers(0, 256, (200, 200, 3), dtype=np.uint8))
    nothing = [noise, Image.new("RGB", (120, 90), "#4070a0"), Image.new("RGB", (90, 90), "white")]
    assert tagger.tag(encode_images(encoder, nothing)) == [[], [], []]
    (found, _) = tagger.scores(vectors[160:])
    assert evaluate_group(found, truth["type"][160:, :-1]).answered > 0.5


def test_what_ships_is_for_the_shipped_model(encoder: Encoder) -> None:
    if not list(BUILT_IN.glob("*.safetensors")):
        pytest.skip("no fit ships; make one with `scripts/train tags`")
    retail = read_taxonomy("retail")
    fitted = shipped_fit(retail, encoder.spec)
    assert fitted is not None, "the model or the taxonomy changed: run `scripts/train tags`"
    assert all(fitted.of(group) is not None for group in retail.groups)


def test_images_alone_are_faceted_by_colour_and_type(
    shared_data: Path, encoder: Encoder, tmp_path: Path
) -> None:
    names = ["id", "image", "article_type", "base_colour"]
    columns = pq.read_table(shared_data / "fashion-train-0000.parquet", columns=names)
    rows = columns.slice(0, 120).to_pylist()
    folder = tmp_path / "images"
    folder.mkdir()
    for row in rows:
        (folder / f"{row['id']}.jpg").write_bytes(row["image"])
    retail = read_taxonomy("retail")
    build_index(
        folder, tmp_path / "index", encoder, BuildOptions(workers=0, tags=TagChoice(retail))
    )
    index = Engine.open(tmp_path / "index", encoder).index
    colour, kind = (retail.only([name]).groups[0] for name in ("colour", "type"))
    colours, kinds = [], []
    for row in rows:
        fields = index.fields(f"{row['id']}.jpg")
        named = fields.get("tag_colour") or [None]
        colours.append(named[0] == _known(colour, row["base_colour"]))
        if fields.get("tag_type"):
            kinds.append(_known(kind, row["article_type"]) in fields["tag_type"])
    assert np.mean(colours) > 0.6
    assert len(kinds) > 0.7 * len(rows)
    assert np.mean(kinds) > 0.7


def _known(group: Group, value: str) -> str | None:
    """The label of a group that a catalog's value stands for."""
    marks, _ = marks_of_values(group, [value])
    places = np.flatnonzero(marks[0, :-1])
    return group.labels[places[0]].name if len(places) else None
