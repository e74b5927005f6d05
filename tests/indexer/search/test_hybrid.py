"""Keyword and hybrid search over whole indexes: order, filters, deletions, updates, old formats."""

from __future__ import annotations

import json
import math
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from embeddings import FakeEncoder
from indexer import QueryError
from indexer.build import merge
from indexer.retrieval import idf, words
from indexer.search import Engine, Fusion, ImagePart, LikePart, Query, SearchMode, TextPart
from indexer.search.ranking import mode_of
from tests.indexer.search.conftest import Segmented
from tests.support.search_catalogs import build, search, write_catalog

GOLDEN = Path(__file__).parents[2] / "data" / "indices"
KEYWORD, HYBRID, VECTOR = SearchMode.KEYWORD, SearchMode.HYBRID, SearchMode.VECTOR
COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}


@pytest.mark.parametrize("mode", SearchMode)
def test_scores_are_cosines_in_every_mode(shop: Engine, mode: SearchMode) -> None:
    query = Query(parts=(TextPart("red shoes"),), k=9, mode=mode)
    vector = shop.embed(query.parts)
    hits = shop.search(query).hits
    assert len(hits) == (4 if mode is KEYWORD else 6)
    cosines = [float(shop.index.vector(hit.id) @ vector) for hit in hits]
    assert [hit.score for hit in hits] == pytest.approx(cosines, abs=1e-3)


def test_a_product_found_by_words_shows_its_best_image(tmp_path: Path) -> None:
    folder = tmp_path / "catalog"
    folder.mkdir()
    for name, colour in COLOURS.items():
        Image.new("RGB", (8, 8), colour).save(folder / f"{name}.png")
    rows = [
        {"id": "one", "image": ["red.png"], "title": "plain"},
        {"id": "three", "image": ["red.png", "blue.png", "green.png"], "title": "blue dress"},
    ]
    (folder / "c.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    engine = build(folder / "c.jsonl", tmp_path / "index")
    for mode in SearchMode:
        hit = engine.search(Query(parts=(TextPart("blue dress"),), k=1, mode=mode)).hits[0]
        assert (hit.id, hit.image) == ("three", 1)
        assert hit.score == pytest.approx(1, abs=1e-3)


def test_parts_count_by_weight_and_negative_ones_are_no_keywords(shop: Engine) -> None:
    assert search(shop, TextPart("puma", 1.0), TextPart("cotton", 3.0))[-1] == "b3"
    assert search(shop, TextPart("puma", 3.0), TextPart("cotton", 1.0))[0] == "b3"
    assert search(shop, "puma", TextPart("cotton", -0.5)) == ["b3"]
    assert search(shop, "shoes", LikePart("b3")) == ["AB-1234/X"]


def test_keyword_search_needs_words_and_hybrid_search_does_not(shop: Engine) -> None:
    image = ImagePart(Image.new("RGB", (4, 4), (0, 0, 255)))
    for parts in ((image,), (TextPart("red", -1.0),), (image, TextPart("red", -1.0))):
        with pytest.raises(QueryError, match="give text"):
            search(shop, *parts)
        assert search(shop, *parts, mode=HYBRID) == search(shop, *parts, mode=VECTOR)
    assert search(shop, image, "cotton dress", mode=HYBRID)[0] == "b4"


def test_hybrid_without_known_words_is_vector_search(shop: Engine) -> None:
    by_vector = search(shop, "zzzzzz red", mode=VECTOR)
    assert search(shop, "zzzzzz red", mode=HYBRID, keyword_weight=0.0) == by_vector
    unknown = search(shop, "blåbær qqqq", mode=VECTOR)
    assert search(shop, "blåbær qqqq", mode=HYBRID) == unknown


@pytest.mark.parametrize("fusion", Fusion)
def test_an_id_comes_first_in_hybrid_too(shop: Engine, fusion: Fusion) -> None:
    for text, expected in (("ab1234x", "AB-1234/X"), ("Zoë 🙂", "Zoë 🙂"), ("B3", "b3")):
        assert search(shop, text, mode=HYBRID, fusion=fusion, keyword_weight=0.9)[0] == expected


# Against brute force


def expected_scores(engine: Engine, asked: list[str]) -> dict[str, float]:
    """How many of the words, then BM25 with the whole index's idf and each segment's lengths."""
    everything = [
        (segment, segment.product_id(row), words(segment.fields(row)["title"]), segment.alive[row])
        for segment in engine.index.segments
        for row in range(segment.record.products)
    ]
    total = len(everything)
    scores = {}
    for segment in engine.index.segments:
        own = [entry for entry in everything if entry[0] is segment]
        mean = sum(len(entry[2]) for entry in own) / len(own)
        for _, product, title, alive in own:
            counts = Counter(title)
            score = 0.0
            for word in asked:
                holders = sum(word in entry[2] for entry in everything)
                damped = counts[word] + 1.2 * (0.25 + 0.75 * len(title) / mean)
                score += idf(holders, total) * counts[word] * 2.2 / damped
                score += 100.0 * (word in counts)
            if score and alive:
                scores[product] = score
    return scores


@pytest.mark.parametrize("text", ["wool", "nike shirt", "summer dress long linen"])
def test_segments_and_deletions_make_no_difference(
    segmented: Segmented, tmp_path: Path, text: str
) -> None:
    folder = shutil.copytree(segmented.folder, tmp_path / "index")
    engine = Engine.open(folder, FakeEncoder())
    expected = expected_scores(engine, text.split())
    found = search(engine, text, k=500)
    assert sorted(found) == sorted(expected)
    assert [expected[product] for product in found] == pytest.approx(
        sorted(expected.values(), reverse=True), abs=0.03
    )
    assert set(found) <= {row["id"] for row in segmented.rows}
    merge(folder, lambda name: FakeEncoder())
    assert engine.refresh()
    assert sorted(search(engine, text, k=500)) == sorted(found)


PRICES = {"lt": (0, 1, 2), "equal": (4,), "none": (), "all": tuple(range(10))}
FILTERS: dict[str, dict[str, Any] | None] = {
    "lt": {"price": {"lt": 3}}, "equal": {"price": 4}, "none": {"price": 99}, "all": None
}  # fmt: skip


@pytest.mark.parametrize("mode", [KEYWORD, HYBRID])
@pytest.mark.parametrize("fusion", Fusion)
@pytest.mark.parametrize("condition", FILTERS)
def test_filters_pages_and_facets(
    segmented: Segmented,
    monkeypatch: pytest.MonkeyPatch,
    mode: SearchMode,
    fusion: Fusion,
    condition: str,
) -> None:
    monkeypatch.setattr("indexer.search.hybrid.FUSION_DEPTH", 7)
    engine, prices = segmented.engine, PRICES[condition]
    passing = [row for row in segmented.rows if row["price"] in prices]
    wanted = [
        row["id"]
        for row in passing
        if mode is HYBRID or {"nike", "wool"} & set(row["title"].split())
    ]
    query: dict[str, Any] = {"mode": mode, "filter": FILTERS[condition], "fusion": fusion}
    whole = search(engine, "nike wool", k=500, **query)
    assert sorted(whole) == sorted(wanted)
    for size in (1, 4, 33):
        pages = [
            search(engine, "nike wool", k=size, offset=offset, **query)
            for offset in range(0, len(whole) + size, size)
        ]
        assert [product for page in pages for product in page] == whole
    counted = Query(
        parts=(TextPart("nike"),), filter=FILTERS[condition], facets=("price", "title"), mode=mode
    )
    result = engine.search(counted)
    found = [row for row in segmented.rows if "nike" in row["title"].split()]
    # Each field is counted without its own filter.
    assert dict(result.facets["price"]) == Counter(row["price"] for row in found)
    matching = [row["title"] for row in found if row["price"] in prices]
    assert dict(result.facets["title"]) == Counter(matching)
    assert (result.total, result.exact) == (len(matching), True)


@pytest.mark.parametrize("mode", [KEYWORD, HYBRID])
def test_liked_products_are_left_out(segmented: Segmented, mode: SearchMode) -> None:
    engine, liked = segmented.engine, segmented.rows[0]["id"]
    for text in ("nike wool", liked):
        plain = search(engine, text, k=500, mode=mode)
        found = search(engine, text, LikePart(liked, 1e-6), k=500, mode=mode)
        assert sorted(found) == sorted(product for product in plain if product != liked)


def test_reciprocal_rank_fusion_is_by_its_formula(segmented: Segmented) -> None:
    engine = segmented.engine
    by_words = search(engine, "blue wool shirt", k=100)
    by_vector = search(engine, "blue wool shirt", k=100, mode=VECTOR)
    for weight in (0.3, 0.5, 1.0):
        fused: dict[str, float] = {}
        for share, ranking in ((weight, by_words), (1 - weight, by_vector)):
            for rank, product in enumerate(ranking, start=1):
                fused[product] = fused.get(product, 0.0) + share / (60 + rank)
        found = search(
            engine, "blue wool shirt", k=50, mode=HYBRID, fusion=Fusion.RANKS, keyword_weight=weight
        )
        best = sorted(fused.values(), reverse=True)[:50]
        assert [fused[product] for product in found] == pytest.approx(best)


def test_fused_scores_lie_between_words_and_vector(segmented: Segmented) -> None:
    engine = segmented.engine
    titles = {row["id"]: set(row["title"].split()) for row in segmented.rows}
    by_vector = search(engine, "red nike wool", k=100, mode=VECTOR)
    assert search(engine, "red nike wool", k=100, mode=HYBRID, keyword_weight=0.0) == by_vector
    by_words = search(engine, "red nike wool", k=20, mode=HYBRID, keyword_weight=1.0)
    counts = [len(titles[product] & {"nike", "wool"}) for product in by_words]
    assert counts[0] == 2
    assert counts == sorted(counts, reverse=True)


@pytest.mark.parametrize("mode", [KEYWORD, HYBRID])
@pytest.mark.parametrize("text", ["nike wool", "red nike shirt", "wool", "zzzz puma", "b"])
def test_confidence_falls_along_the_list(segmented: Segmented, mode: SearchMode, text: str) -> None:
    engine = segmented.engine
    for filtered in (None, {"price": {"lt": 5}}):
        asked = Query(parts=(TextPart(text),), k=500, mode=mode, filter=filtered)
        hits = engine.search(asked).hits
        sure = [hit.confidence or 0.0 for hit in hits]
        assert sure == sorted(sure, reverse=True)
        products = engine.index.manifest.products
        assert all(0 <= one <= (products + 1) / (products + 2) for one in sure)


def test_hits_with_all_words_are_surer(segmented: Segmented) -> None:
    engine = segmented.engine
    alone, both = (
        engine.search(Query(parts=(TextPart("nike wool"),), k=1, mode=mode)).hits[0].confidence
        for mode in (VECTOR, HYBRID)
    )
    assert both is not None
    assert alone is not None
    assert both > alone


def test_the_default_mode_follows_the_catalog(segmented: Segmented, tmp_path: Path) -> None:
    engine = segmented.engine
    query = Query(parts=(TextPart("nike wool"),), k=20)
    assert engine.search(query).hits == engine.search(replace(query, mode=HYBRID)).hits
    assert mode_of(Engine.open(GOLDEN / "v1", FakeEncoder()).index, query) is VECTOR
    write_catalog(tmp_path / "catalog", [{"id": "a"}, {"id": "b"}])
    bare = build(tmp_path / "catalog" / "catalog.jsonl", tmp_path / "index")
    assert mode_of(bare.index, query) is VECTOR
    assert mode_of(engine.index, query) is HYBRID


# Updates, and formats of before


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_an_old_index_asks_for_a_merge_and_then_has_keywords(version: str, tmp_path: Path) -> None:
    folder = shutil.copytree(GOLDEN / version, tmp_path / "index")
    engine = Engine.open(folder, FakeEncoder())
    for mode in (KEYWORD, HYBRID):
        with pytest.raises(QueryError, match="lookalike index merge"):
            search(engine, "röd", mode=mode)
    assert search(engine, "red", mode=VECTOR, k=1) == ["red"]
    report = merge(folder, lambda name: FakeEncoder())
    assert (report.generation, report.merged) == (2, 1)
    assert engine.refresh()
    assert search(engine, "rod") == ["red"]
    assert search(engine, "色") == ["blue/1"]
    assert merge(folder, lambda name: FakeEncoder()).merged == 0


def test_an_update_of_an_old_index_writes_its_keywords(tmp_path: Path) -> None:
    folder = shutil.copytree(GOLDEN / "v2", tmp_path / "index")
    catalog = write_catalog(tmp_path / "catalog", [{"id": "new", "title": "Grün"}])
    engine = build(catalog, folder, keep_missing=True)
    assert sorted(search(engine, "green grun")) == ["green", "new"]
    assert engine.index.manifest.products == 5


@pytest.mark.parametrize(
    "version", sorted(path.name for path in GOLDEN.iterdir() if int(path.name[1:]) >= 3)
)
def test_keywords_of_golden_indices_are_found(version: str) -> None:
    engine = Engine.open(GOLDEN / version, FakeEncoder())
    assert search(engine, "rod") == ["red"]
    assert search(engine, "2012") == ["green"]
    assert search(engine, "BLUE 1") == ["blue/1"]
    assert search(engine, "蓝色") == ["blue/1"]
    assert search(engine, "boht") == ["both"]


def test_keyword_search_without_a_vector_finds_the_same(shop: Engine) -> None:
    query = Query(parts=(TextPart("shoes"), LikePart("b3")), mode=KEYWORD, k=10)
    assert not query.needs_vector
    scored = shop.search(query).hits
    bare = shop.find(query, None).hits
    assert [hit.id for hit in bare] == [hit.id for hit in scored]
    assert all(math.isnan(hit.score) and hit.confidence is None for hit in bare)
    for needing in (replace(query, mode=HYBRID), replace(query, min_confidence=0.1)):
        assert needing.needs_vector
