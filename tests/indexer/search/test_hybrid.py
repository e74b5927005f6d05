"""Keyword and hybrid search over whole indexes: order, filters, deletions, updates, old formats."""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from embeddings import FakeEncoder
from indexer import QueryError
from indexer.build import BuildOptions, build_index, merge
from indexer.index import Index
from indexer.retrieval import idf, words
from indexer.search import (
    Engine,
    Fusion,
    ImagePart,
    LikePart,
    Query,
    QueryPart,
    SearchMode,
    TextPart,
)

GOLDEN = Path(__file__).parents[2] / "data" / "indices"
KEYWORD, HYBRID = SearchMode.KEYWORD, SearchMode.HYBRID
VOCABULARY = ("nike", "puma", "shirt", "dress", "wool", "summer", "cotton", "linen", "long")
COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}


def write_catalog(folder: Path, rows: list[dict[str, Any]]) -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(40):
        colour = tuple(np.random.default_rng(number).integers(0, 255, 3).tolist())
        Image.new("RGB", (4, 4), colour).save(folder / f"{number}.png")
    path = folder / "catalog.jsonl"
    lines = [json.dumps({"image": f"{n % 40}.png", **row}) + "\n" for n, row in enumerate(rows)]
    path.write_text("".join(lines))
    return path


def build(catalog: Path, index: Path, **options: Any) -> Engine:
    options = {"workers": 1, "text_weight": 0.0, **options}
    build_index(catalog, index, FakeEncoder(), BuildOptions(**options))
    return Engine.open(index, FakeEncoder())


def search(engine: Engine, *parts: QueryPart | str, **query: Any) -> list[str]:
    given = tuple(TextPart(part) if isinstance(part, str) else part for part in parts)
    query = {"mode": KEYWORD, "k": 10, **query}
    return [hit.id for hit in engine.search(Query(parts=given, **query)).hits]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    titles = {
        "AB-1234/X": "Nike men's running shoes",
        "b2": "Nike cotton shirt",
        "b3": "Puma running shoe, model XJ-9000",
        "b4": "Cotton dress for summer, see AB-1234/X",
        "Zoë 🙂": "Skirt",
        "b6": "蓝色裙子",
    }
    colours = ["Navy Blue", "Red", "Navy Blue", "Red", "Green", "Blue"]
    rows = [
        {"id": key, "title": title, "colour": colour}
        for (key, title), colour in zip(titles.items(), colours, strict=True)
    ]
    folder = tmp_path_factory.mktemp("shop")
    return build(write_catalog(folder / "catalog", rows), folder / "index")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shoes", ["AB-1234/X", "b3"]),
        ("NIKE", ["b2", "AB-1234/X"]),
        ("navy nike shoes", ["AB-1234/X", "b3", "b2"]),
        ("nike shirt red", ["b2", "AB-1234/X", "b4", "Zoë 🙂"]),
        ("man", ["AB-1234/X"]),
        ("ab-1234/x", ["AB-1234/X", "b4"]),
        ("AB1234X", ["AB-1234/X", "b4"]),
        ("ab 1234 x", ["AB-1234/X", "b4"]),
        ("xj9000", ["b3"]),
        ("XJ 9000", ["b3"]),
        ("nike XJ-9000", ["b3", "b2", "AB-1234/X"]),
        ("zoe", ["Zoë 🙂"]),
        ("Zoë 🙂", ["Zoë 🙂"]),
        ("裙子", ["b6"]),
        ("蓝", ["b6"]),
        ("runing", ["AB-1234/X", "b3"]),
        ("nkie shrit", ["b2", "AB-1234/X"]),
        ("skirt", ["Zoë 🙂", "b2"]),
        ("xj9001", []),
        ("for", ["b4"]),
        ("the of with", []),
        ("", []),
        ("!? -- 🙂 \ud800", []),
        ('title:nike AND (NOT "puma', ["b3", "b2", "AB-1234/X"]),
    ],
)
def test_what_words_find_in_order(shop: Engine, text: str, expected: list[str]) -> None:
    assert search(shop, text)[: len(expected)] == expected
    if len(expected) != 2 or "x" not in text.lower():
        assert len(search(shop, text)) == len(expected)


def test_scores_are_cosines_in_every_mode(shop: Engine) -> None:
    for mode in SearchMode:
        query = Query(parts=(TextPart("red shoes"),), k=9, mode=mode)
        vector = shop.embed(query.parts)
        hits = shop.search(query).hits
        assert hits
        for hit in hits:
            assert hit.score == pytest.approx(float(shop.index.vector(hit.id) @ vector), abs=1e-3)


def test_the_best_picture_stands_for_a_product_found_by_words(tmp_path: Path) -> None:
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


def test_keywords_want_words_and_hybrid_does_without(shop: Engine) -> None:
    picture = ImagePart(Image.new("RGB", (4, 4), (0, 0, 255)))
    for parts in ((picture,), (TextPart("red", -1.0),), (picture, TextPart("red", -1.0))):
        with pytest.raises(QueryError, match="give text"):
            search(shop, *parts)
        vector = search(shop, *parts, mode=SearchMode.VECTOR)
        assert search(shop, *parts, mode=HYBRID) == vector
    assert search(shop, picture, "cotton dress", mode=HYBRID)[0] == "b4"


def test_hybrid_without_known_words_is_vector_search(shop: Engine) -> None:
    text = "zzzzzz red"
    assert search(shop, text, mode=HYBRID, keyword_weight=0.0) == search(
        shop, text, mode=SearchMode.VECTOR
    )
    assert search(shop, "blåbær qqqq", mode=HYBRID)[0]


@pytest.mark.parametrize("fusion", Fusion)
def test_an_id_comes_first_in_hybrid_too(shop: Engine, fusion: Fusion) -> None:
    for text, expected in (("ab1234x", "AB-1234/X"), ("Zoë 🙂", "Zoë 🙂"), ("B3", "b3")):
        assert search(shop, text, mode=HYBRID, fusion=fusion, keyword_weight=0.9)[0] == expected


# Against brute force


def random_rows(count: int, seed: int) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    return [
        {
            "id": f"{chr(97 + n % 26)}{chr(97 + n // 26)}",
            "title": " ".join(rng.choices(VOCABULARY, k=rng.randrange(1, 7))),
            "price": rng.randrange(10),
            "image": f"{n % 40}.png",
        }
        for n in range(count)
    ]


@pytest.fixture
def several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Engine, list[dict[str, Any]]]:
    """Three segments, of which the first has deleted rows; and the rows there are, in order."""
    monkeypatch.setattr("indexer.build.update._SMALL", 0)
    rows = random_rows(200, 0)
    index = tmp_path / "index"
    build(write_catalog(tmp_path / "catalog", rows[:120]), index)
    build(write_catalog(tmp_path / "catalog", rows[:170]), index)
    del rows[20:40]
    rows[3]["title"] = "summer linen"
    engine = build(write_catalog(tmp_path / "catalog", rows), index)
    assert len(engine.index.segments) == 3
    return engine, rows


def stored(engine: Engine) -> list[tuple[str, bool]]:
    """Ids in the order of segments and rows, and whether they are there still."""
    return [
        (segment.product_id(row), bool(segment.alive[row]))
        for segment in engine.index.segments
        for row in range(segment.record.products)
    ]


def expected_order(engine: Engine, asked: list[str]) -> list[tuple[float, str]]:
    """By how many of the words, then by BM25 with the whole index's idf and segments' lengths."""
    everything = [
        (segment, segment.product_id(row), words(segment.fields(row)["title"]), segment.alive[row])
        for segment in engine.index.segments
        for row in range(segment.record.products)
    ]
    total = len(everything)
    found = []
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
                found.append((score, product))
    return sorted(found, key=lambda pair: -pair[0])


@pytest.mark.parametrize("text", ["wool", "nike shirt", "summer dress long linen"])
def test_segments_and_deletions_make_no_difference(
    several: tuple[Engine, list[dict[str, Any]]], text: str
) -> None:
    engine, rows = several
    expected = expected_order(engine, text.split())
    found = search(engine, text, k=500)
    scores = {product: score for score, product in expected}
    assert set(found) == set(scores)
    assert [scores[product] for product in found] == pytest.approx(
        [score for score, _ in expected], abs=0.03
    )
    assert set(found) <= {row["id"] for row in rows}
    merge(engine._path, lambda name: FakeEncoder())  # type: ignore[arg-type]
    assert engine.refresh()
    assert set(search(engine, text, k=500)) == set(found)


@pytest.mark.parametrize("mode", [KEYWORD, HYBRID])
@pytest.mark.parametrize("fusion", Fusion)
def test_filters_pages_and_exclusions(
    several: tuple[Engine, list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    mode: SearchMode,
    fusion: Fusion,
) -> None:
    monkeypatch.setattr("indexer.search.hybrid.DEPTH", 7)
    engine, rows = several
    prices = {row["id"]: row["price"] for row in rows}
    titles = {row["id"]: set(row["title"].split()) for row in rows}
    for condition in ({"price": {"lt": 3}}, {"price": 4}, {"price": 99}, None):
        least = condition or {"price": {"gte": 0}}
        wanted = {
            product
            for product, price in prices.items()
            if price in {"{'lt': 3}": (0, 1, 2), "4": (4,), "99": ()}.get(
                str(least["price"]), range(10)
            )
            and (mode is HYBRID or titles[product] & {"nike", "wool"})
        }  # fmt: skip
        query: dict[str, Any] = {"mode": mode, "filter": condition, "fusion": fusion}
        whole = search(engine, "nike wool", k=500, **query)
        assert len(whole) == len(set(whole))
        assert set(whole) == wanted
        for size in (1, 4, 33):
            pages = [
                search(engine, "nike wool", k=size, offset=offset, **query)
                for offset in range(0, len(whole) + size, size)
            ]
            assert [product for page in pages for product in page] == whole
        facets = engine.search(
            Query(parts=(TextPart("nike"),), filter=condition, facets=("price",), mode=mode)
        ).facets
        assert sum(count for _, count in facets["price"]) == sum(
            price in {"{'lt': 3}": (0, 1, 2), "4": (4,), "99": ()}.get(
                str(least["price"]), range(10)
            )
            for price in prices.values()
        )  # fmt: skip
    liked = rows[0]["id"]
    assert liked not in search(engine, "nike wool", LikePart(liked), k=500, mode=mode)
    assert liked not in search(engine, liked, LikePart(liked), k=500, mode=mode)


def test_reciprocal_rank_fusion_is_by_its_formula(
    several: tuple[Engine, list[dict[str, Any]]],
) -> None:
    engine, _ = several
    by_words = search(engine, "blue wool shirt", k=100)
    by_vector = search(engine, "blue wool shirt", k=100, mode=SearchMode.VECTOR)
    for weight in (0.3, 0.5, 1.0):
        fused: dict[str, float] = {}
        for share, ranking in ((weight, by_words), (1 - weight, by_vector)):
            for rank, product in enumerate(ranking, start=1):
                fused[product] = fused.get(product, 0.0) + share / (60 + rank)
        found = search(
            engine, "blue wool shirt", k=50, mode=HYBRID, fusion=Fusion.RANKS, keyword_weight=weight
        )
        best = sorted(fused.values(), reverse=True)[: len(found)]
        assert [fused[product] for product in found] == pytest.approx(best)


def test_fused_scores_lie_between_words_and_vector(
    several: tuple[Engine, list[dict[str, Any]]],
) -> None:
    engine, rows = several
    titles = {row["id"]: set(row["title"].split()) for row in rows}
    by_vector = search(engine, "red nike wool", k=100, mode=SearchMode.VECTOR)
    assert search(engine, "red nike wool", k=100, mode=HYBRID, keyword_weight=0.0) == by_vector
    by_words = search(engine, "red nike wool", k=20, mode=HYBRID, keyword_weight=1.0)
    counts = [len(titles[product] & {"nike", "wool"}) for product in by_words]
    assert counts[0] == 2
    assert counts == sorted(counts, reverse=True)


# Updates, and formats of before


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_an_index_of_before_is_told_to_merge_and_then_has_keywords(
    version: str, tmp_path: Path
) -> None:
    folder = shutil.copytree(GOLDEN / version, tmp_path / "index")
    engine = Engine.open(folder, FakeEncoder())
    for mode in (KEYWORD, HYBRID):
        with pytest.raises(QueryError, match="lookalike index merge"):
            search(engine, "röd", mode=mode)
    assert search(engine, "red", mode=SearchMode.VECTOR, k=1) == ["red"]
    report = merge(folder, lambda name: FakeEncoder())
    assert (report.generation, report.merged) == (2, 1)
    assert engine.refresh()
    assert search(engine, "rod") == ["red"]
    assert search(engine, "色") == ["blue/1"]
    assert merge(folder, lambda name: FakeEncoder()).merged == 0


def test_an_update_of_an_index_of_before_writes_its_keywords(tmp_path: Path) -> None:
    folder = shutil.copytree(GOLDEN / "v2", tmp_path / "index")
    catalog = write_catalog(tmp_path / "catalog", [{"id": "new", "title": "Grün"}])
    engine = build(catalog, folder, keep_missing=True)
    assert sorted(search(engine, "green grun")) == ["green", "new"]
    assert Index.open(folder).manifest.products == 5


def test_golden_keywords_are_found_for_ever() -> None:
    for path in sorted(GOLDEN.iterdir()):
        if int(path.name[1:]) < 3:
            continue
        engine = Engine.open(path, FakeEncoder())
        assert search(engine, "rod") == ["red"]
        assert search(engine, "2012") == ["green"]
        assert search(engine, "BLUE 1") == ["blue/1"]
        assert search(engine, "蓝色") == ["blue/1"]
        assert search(engine, "boht") == ["both"]


# Whatever people type


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.text(), mode=st.sampled_from([KEYWORD, HYBRID]))
@example(text="\ud800", mode=KEYWORD)
@example(text="a" * 100_000, mode=KEYWORD)
@example(text="é" * 5000 + " 1" * 5000, mode=HYBRID)
@example(text=" ".join(f"{n}a-{n}" for n in range(200_000)), mode=KEYWORD)
@example(text="-nike +shoe \\ /.*/ [a TO b] ~2 ^9 \x00", mode=HYBRID)
def test_no_text_is_wrong(shop: Engine, text: str, mode: SearchMode) -> None:
    # The encoder is not what is tested, and a text without letters it knows cancels out.
    picture = ImagePart(Image.new("RGB", (2, 2), (9, 9, 200)))
    search(shop, picture, TextPart(text, 1e-6), mode=mode)
