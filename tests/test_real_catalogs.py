"""The shipped model on real catalogs: the first searches that a shop would try."""

from __future__ import annotations

from collections import Counter
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from PIL import Image

from embeddings import Encoder, load_encoder
from indexer.build import DEFAULT_TEXT_WEIGHT, BuildReport, build_index, mix_vectors
from indexer.index import Match
from indexer.search import Engine, ImagePart, LikePart, Query, QueryPart, TextPart

pytestmark = pytest.mark.shared

PRODUCTS = 1500


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder("compact")


@pytest.fixture(scope="module")
def fashion(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog of the fashion catalog's first products, and of every dress in its first file."""
    path = tmp_path_factory.mktemp("fashion") / "fashion.parquet"
    table = pq.read_table(shared_data / "fashion-train-0000.parquet")
    rest = table[PRODUCTS:]
    dresses = rest.filter(pc.equal(rest["article_type"], "Dresses"))
    pq.write_table(pa.concat_tables([table[:PRODUCTS], dresses]), path)
    return path


@pytest.fixture(scope="module")
def report(fashion: Path, encoder: Encoder) -> BuildReport:
    return build_index(fashion, fashion.parent / "index", encoder)


@pytest.fixture(scope="module")
def engine(report: BuildReport, fashion: Path, encoder: Encoder) -> Engine:
    return Engine.open(fashion.parent / "index", encoder)


def hits(engine: Engine, *parts: QueryPart, k: int = 10) -> list[Match]:
    return list(engine.search(Query(parts=parts, k=k)).hits)


def count(found: list[Match], field: str, *values: str) -> int:
    return sum(hit.fields.get(field) in values for hit in found)


def test_every_product_is_indexed(report: BuildReport, fashion: Path) -> None:
    rows = pq.read_metadata(fashion).num_rows
    assert report.products == report.images == rows
    assert report.embedded + report.reused == rows
    assert report.quarantined == 0


def test_fields_are_typed(engine: Engine) -> None:
    fields = engine.index.manifest.fields
    assert fields["year"] == "integer"
    assert fields["title"] == "text"
    assert engine.product("15970").fields["base_colour"] == "Navy Blue"


def test_a_red_dress_query_finds_red_dresses(engine: Engine) -> None:
    found = hits(engine, TextPart("red dress"))
    assert count(found, "article_type", "Dresses") >= 6
    assert count(found, "base_colour", "Red", "Maroon", "Pink", "Orange", "Rust") >= 6


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("watch", {"Watches"}),
        ("a pair of jeans", {"Jeans"}),
        ("sneakers", {"Casual Shoes", "Sports Shoes"}),
        ("sunglasses", {"Sunglasses"}),
        ("handbag", {"Handbags", "Clutches", "Laptop Bag", "Backpacks"}),
        ("fragrance", {"Perfume and Body Mist", "Deodorant"}),
    ],
)
def test_words_find_their_kind_of_goods(engine: Engine, text: str, types: set[str]) -> None:
    assert count(hits(engine, TextPart(text)), "article_type", *types) >= 7


def test_a_filtered_query_finds_exactly_the_nearest_that_pass(
    engine: Engine, encoder: Encoder, fashion: Path
) -> None:
    conditions = {"base_colour": "Red", "year": {"gte": 2012}}
    query = Query(parts=(TextPart("dress"),), k=50, filter=conditions)
    found = engine.search(query).hits
    table = pq.read_table(fashion, columns=["id", "title", "base_colour", "year"]).to_pylist()
    passing = {
        row["id"]: row["title"]
        for row in table
        if row["base_colour"] == "Red" and row["year"] is not None and row["year"] >= 2012
    }
    vector = encoder.encode_texts(["dress"])[0]
    cosines = {}
    for product, title in passing.items():
        vector_of_image = engine.index.vector(product).astype(np.float16)
        searched = mix_vectors(
            vector_of_image, encoder.encode_texts([title])[0], DEFAULT_TEXT_WEIGHT
        )
        cosines[product] = float(searched.astype(np.float32) @ vector)
    best = sorted(cosines, key=lambda product: -cosines[product])
    assert len(found) == min(50, len(passing)) > 20
    # Stored vectors are rounded, so that the last places may change hands.
    assert {hit.id for hit in found} >= set(best[: len(found) - 2])
    assert [hit.score for hit in found] == pytest.approx(
        [cosines[product] for product in best[: len(found)]], abs=2e-3
    )


@pytest.mark.slow
def test_more_files_embed_only_what_is_new(
    shared_data: Path, encoder: Encoder, tmp_path: Path
) -> None:
    shards = tmp_path / "fashion"
    shards.mkdir()
    files = sorted(shared_data.glob("fashion-train-*.parquet"))
    build_index(files[0], tmp_path / "index", encoder)
    for file in files:
        (shards / file.name).symlink_to(file)
    report = build_index(shards, tmp_path / "index", encoder)
    assert (report.products, report.added, report.removed) == (35_598, 26_598, 0)
    # Some of the new products have a picture that another has too.
    first, *others = [set(pq.read_table(file)["image"].to_pylist()) for file in files]
    assert report.embedded == len(set.union(*others) - first)


def test_a_product_is_the_nearest_to_its_own_image(engine: Engine, fashion: Path) -> None:
    rows = pq.read_table(fashion, columns=["id", "image"])[100:110].to_pylist()
    for row in rows:
        image = Image.open(BytesIO(row["image"])).convert("RGB")
        best = hits(engine, ImagePart(image), k=3)
        assert row["id"] in [hit.id for hit in best]
        assert best[0].score > 0.99


def test_products_like_a_watch_are_watches(engine: Engine) -> None:
    watch = hits(engine, TextPart("watch"), k=1)[0]
    kinds = Counter(hit.fields["article_type"] for hit in hits(engine, LikePart(watch.id)))
    assert kinds["Watches"] >= 8


def test_unrelated_queries_have_no_confident_hit(engine: Engine) -> None:
    rng = np.random.default_rng(7)
    noise = Image.fromarray(rng.integers(0, 256, (240, 180, 3), dtype=np.uint8))
    blank = Image.new("RGB", (180, 240), (190, 200, 215))
    unrelated = (TextPart("suspension bridge"), TextPart("wqxz jkvb"), ImagePart(noise),
                 ImagePart(blank))  # fmt: skip
    for part in unrelated:
        assert engine.search(Query((part,), min_confidence=0.5)).hits == (), part
    for text in ("blue jeans", "watch", "running shoes"):
        assert len(engine.search(Query((TextPart(text),), min_confidence=0.5)).hits) >= 5, text


def test_a_shoppers_photo_finds_its_packshot_more_often_than_chance(
    shared_data: Path, encoder: Encoder, tmp_path: Path
) -> None:
    build_index(shared_data / "grocery-products-0000.parquet", tmp_path / "index", encoder)
    engine = Engine.open(tmp_path / "index", encoder)
    photos = pq.read_table(shared_data / "grocery-photos-train-0000.parquet")[::66].to_pylist()
    right = 0
    for row in photos:
        image = Image.open(BytesIO(row["image"])).convert("RGB")
        found = hits(engine, ImagePart(image), k=10)
        right += row["product_id"] in [hit.id for hit in found]
    assert right / len(photos) > 3 * 10 / 81
