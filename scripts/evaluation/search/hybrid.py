"""Keyword and hybrid search: titles and other queries for products, and the time that they take."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from embeddings import Encoder, FloatArray, encode_many_texts
from indexer.index import Index
from indexer.search import (
    KEYWORD_WEIGHT,
    Engine,
    Fusion,
    Query,
    SearchMode,
    SearchScope,
    TextPart,
    TextSearch,
)
from indexer.storage import QueryKind
from scripts.docs.figures import Grid, Listing
from scripts.evaluation.compact.measures import SHOP_WORDS
from scripts.evaluation.search.derived_index import (
    derived_index,
    enlarged,
    some_products,
    without_titles,
)
from scripts.evaluation.search.setting import Setting
from scripts.support.measuring import Measure
from scripts.training.data.catalogs import SetRows

__all__ = ["TABLES", "measure"]

# A product found after this many places counts as not found.
_PLACES = 100
# Held-back products that are searched for by other words than their title.
_SAMPLE = 1000
# Products of the index that is timed, and queries.
_LATENCY_PRODUCTS, _QUICK_LATENCY_PRODUCTS = 100_000, 20_000
_LATENCY_QUERIES = 300
_LATENCY_ROUNDS = 3
# Words that describe products and are rare in their titles; sentences are left out.
_OTHER_WORDS = {word: types for word, types in SHOP_WORDS.items() if " of " not in word}
# Products of a brand and a type that it takes to be a query, and brands for each word.
_LEAST_OF_BRAND = 10
_BRANDS = 8
# Letters of words that are mistyped, at least.
_LONG_WORD = 5

_MODES = {
    "vector": "vector",
    "keyword": "keyword",
    "hybrid": "hybrid",
    "hybrid_by_ranks": "hybrid by ranks",
}
TABLES = (
    Grid(
        "{row}_{column}",
        {
            "title_mrr": "title",
            "title_not_indexed_mrr": "title, titles not indexed, other fields are",
            "half_title_mrr": "half of the title's words",
            "mistyped_title_mrr": "title with two words mistyped",
            "brand_attributes_mrr": "brand, gender, colour, type",
            "brand_other_word_precision_10": 'precision@10 of brand and type: "nike sneakers"',
        },
        _MODES,
        "query",
    ),
    Listing(
        {
            "title_hybrid_gain": "title: hybrid against the better of both",
            "title_not_indexed_hybrid_gain": "title not indexed: the same",
            "title_mrr_ceiling": "title: the best that any order could reach",
            "hybrid_latency_ratio": "time of a hybrid search against one by vector",
            "hybrid_latency_ratio_without_encoding": "the same without embedding the words",
            "vector_ms": "vector search, ms (median)",
            "keyword_ms": "keyword search, ms",
            "hybrid_ms": "hybrid search, ms",
            "encoding_ms": "embedding the words, ms",
        }
    ),
)

Ranker = Callable[[str, FloatArray], Sequence[str]]


@dataclass(frozen=True)
class _Queries:
    """Texts, the vector of each, and the id of the product that each is for."""

    texts: Sequence[str]
    vectors: FloatArray
    wanted: Sequence[str]

    @classmethod
    def of(cls, texts: Sequence[str], wanted: Sequence[str], encoder: Encoder) -> _Queries:
        """Embed the texts."""
        return cls(texts, encode_many_texts(encoder, texts), wanted)


def measure(setting: Setting) -> list[Measure]:
    """Take all figures; derived indexes are kept in the cache."""
    rows, encoder, folder = setting.rows, setting.encoder, setting.folder
    whole = setting.everything.index
    # The model was trained on the other products with their titles. Of products with a common title
    # it would put the held-back ones last, which says nothing of a catalog that it never saw.
    ids = {rows.columns["id"][row] for row in rows.held}
    held = derived_index(folder / "held-texts", encoder, lambda: some_products(whole, ids))
    untitled = derived_index(folder / "untitled", encoder, lambda: without_titles(held))
    count = _QUICK_LATENCY_PRODUCTS if setting.quick else _LATENCY_PRODUCTS
    large = derived_index(folder / "large", encoder, lambda: enlarged(whole, count))
    return [
        *_titles(held, untitled, rows, encoder),
        *_other_forms(held, rows, encoder),
        *_brands(whole, rows, encoder),
        *_latency(Engine(encoder, large), rows),
    ]


def _titles(held: Index, untitled: Index, rows: SetRows, encoder: Encoder) -> list[Measure]:
    wanted = rows.held.tolist()
    titles = rows.columns["title"]
    queries = _Queries.of(
        [titles[row] or "" for row in wanted], [rows.columns["id"][r] for r in wanted], encoder
    )
    found = {
        (name, mode): _mrr(queries, ranker)
        for name, index in (("title", held), ("title_not_indexed", untitled))
        for mode, ranker in _rankers(index).items()
    }
    measures = []
    for name in ("title", "title_not_indexed"):
        best = max(found[name, "keyword"], found[name, "vector"])
        gain = found[name, "hybrid"] / best - 1
        measures.append(Measure(f"{name}_hybrid_gain", gain, 0.05))
        measures += [Measure(f"{name}_mrr_{mode}", found[name, mode]) for mode in _MODES]
    # Of n products with the same title each place is right for one of them.
    counts = Counter(titles[row] for row in wanted)
    harmonic = np.cumsum(1 / np.arange(1, 1 + max(counts.values())))
    ceiling = np.mean([harmonic[counts[titles[r]] - 1] / counts[titles[r]] for r in wanted])
    measures.append(Measure("title_mrr_ceiling", float(ceiling)))
    return measures


def _other_forms(index: Index, rows: SetRows, encoder: Encoder) -> list[Measure]:
    rng = random.Random(0)
    sample = sorted(rng.sample(rows.held.tolist(), min(_SAMPLE, len(rows.held))))
    columns = rows.columns
    wanted = [columns["id"][row] for row in sample]
    titles = [columns["title"][row] or "" for row in sample]
    forms = {
        "half_title": [_half(title, rng) for title in titles],
        "mistyped_title": [_mistyped(title, rng) for title in titles],
        "brand_attributes": [_brand_attributes(columns, row) for row in sample],
    }
    measures = []
    for name, texts in forms.items():
        queries = _Queries.of(texts, wanted, encoder)
        for mode, ranker in _rankers(index).items():
            measures.append(Measure(f"{name}_mrr_{mode}", _mrr(queries, ranker)))
    return measures


def _brands(index: Index, rows: SetRows, encoder: Encoder) -> list[Measure]:
    """Measure precision@10, on brand and type, of a brand with a word that titles seldom have."""
    ids, types = rows.columns["id"], rows.columns["article_type"]
    brands = [(title or "").partition(" ")[0] for title in rows.columns["title"]]
    about = {i: (brand, kind) for i, brand, kind in zip(ids, brands, types, strict=True)}
    queries = []
    for word, kinds in _OTHER_WORDS.items():
        counts = Counter(brand for brand, kind in zip(brands, types, strict=True) if kind in kinds)
        queries += [
            (brand, word, kinds)
            for brand, count in counts.most_common(_BRANDS)
            if count >= _LEAST_OF_BRAND
        ]
    texts = [f"{brand.lower()} {word}" for brand, word, _ in queries]
    vectors = encode_many_texts(encoder, texts)
    measures = []
    for mode, ranker in _rankers(index).items():
        shares = []
        for (brand, _, kinds), text, vector in zip(queries, texts, vectors, strict=True):
            found = [about[product] for product in ranker(text, vector)[:10]]
            shares.append(sum(b == brand and kind in kinds for b, kind in found) / 10)
        measures.append(Measure(f"brand_other_word_precision_10_{mode}", float(np.mean(shares))))
    return measures


def _latency(engine: Engine, rows: SetRows) -> list[Measure]:
    """Compare the median time of a hybrid search with one by vector alone, taken in turn."""
    rng = random.Random(1)
    sample = rng.sample(rows.held.tolist(), min(_LATENCY_QUERIES, len(rows.held)))
    queries = [_half(rows.columns["title"][row] or "x", rng) for row in sample]
    times: dict[SearchMode, list[float]] = {mode: [] for mode in SearchMode}
    encoding = []
    for text in queries:
        parts = (TextPart(text),)
        encoding.append(_best_seconds(partial(engine.embed, parts)))
        for mode in SearchMode:
            query = Query(parts=parts, k=20, mode=mode)
            times[mode].append(_best_seconds(partial(engine.search, query)))
    medians = {mode: 1000 * float(np.median(some)) for mode, some in times.items()}
    vector, hybrid = medians[SearchMode.VECTOR], medians[SearchMode.HYBRID]
    words = 1000 * float(np.median(encoding))
    return [
        Measure("hybrid_latency_ratio", hybrid / vector, 2.0, "lower"),
        Measure(
            "hybrid_latency_ratio_without_encoding",
            (hybrid - words) / (vector - words),
            better="lower",
        ),
        *(Measure(f"{mode}_ms", ms, better="lower") for mode, ms in medians.items()),
        Measure("encoding_ms", words, better="lower"),
    ]


def _best_seconds(work: Callable[[], object]) -> float:
    """Return the time of the quickest of a few runs: other work on the machine counts less."""
    best = float("inf")
    for _ in range(_LATENCY_ROUNDS):
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return best


def _rankers(index: Index) -> dict[str, Ranker]:
    """Return the ways to rank products, each from a text and its vector to ids, best first."""

    def words(text: str, vector: FloatArray) -> TextSearch:
        return TextSearch(index, [(text, 1.0)], vector, SearchScope())

    def fused(fusion: Fusion, weight: float) -> Ranker:
        return lambda text, vector: index.ids(
            words(text, vector).hybrid(_PLACES, weight, fusion, QueryKind.TEXT)
        )

    return {
        "vector": lambda _, vector: index.ids(index.nearest(vector, _PLACES)),
        "keyword": lambda text, vector: index.ids(words(text, vector).by_keywords(_PLACES)),
        "hybrid": fused(Fusion.SCORES, KEYWORD_WEIGHT),
        "hybrid_by_ranks": fused(Fusion.RANKS, 0.5),
    }


def _mrr(queries: _Queries, ranker: Ranker) -> float:
    """Return the mean reciprocal rank of the products that queries are for."""
    total = 0.0
    for text, vector, wanted in zip(queries.texts, queries.vectors, queries.wanted, strict=True):
        found = ranker(text, vector)
        total += 1 / (1 + found.index(wanted)) if wanted in found else 0.0
    return total / len(queries.texts)


def _half(title: str, rng: random.Random) -> str:
    """Return a random half of a title's words."""
    kept = [word for word in title.split() if rng.random() < 0.5]
    return " ".join(kept) or title


def _mistyped(title: str, rng: random.Random) -> str:
    """Return a title with mistakes in two long words: letters swapped, left out or doubled."""
    found = title.split()
    long = [place for place, word in enumerate(found) if len(word) >= _LONG_WORD and word.isalpha()]
    for place in rng.sample(long, min(2, len(long))):
        word = found[place]
        at = rng.randrange(1, len(word) - 1)
        found[place] = rng.choice(
            (
                word[:at] + word[at + 1] + word[at] + word[at + 2 :],
                word[:at] + word[at + 1 :],
                word[: at + 1] + word[at:],
            )
        )
    return " ".join(found)


def _brand_attributes(columns: Mapping[str, Sequence[str | None]], row: int) -> str:
    brand = (columns["title"][row] or "").partition(" ")[0]
    known = [columns[name][row] for name in ("gender", "base_colour", "article_type")]
    return " ".join([brand, *(word for word in known if word)]).lower()
