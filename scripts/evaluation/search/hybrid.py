"""Keyword and hybrid search measured: titles and other queries for products, and the time taken."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embeddings import Encoder, FloatArray
from indexer.build import build_index, stored_products
from indexer.catalog import FieldType
from indexer.index import Index, NewImage, NewProduct, index_exists, new_segment_id, write_segment
from indexer.retrieval import NeighbourOptions, build_neighbours
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
from indexer.storage import (
    EncoderRecord,
    Layout,
    QueryKind,
    SegmentLayout,
    adopt_segment,
    new_generation,
    publish,
)
from scripts.evaluation.compact.measures import SHOP_WORDS
from scripts.support.measuring import Measure
from scripts.training.data.catalogs import FASHION, SetRows, read_rows

__all__ = ["hybrid_measures"]

# A product found after this many places counts as not found.
_PLACES = 100
_BATCH = 64
# Held-back products asked for by other words than their title.
_SAMPLE = 1000
_LATENCY_PRODUCTS = 100_000
_LATENCY_QUERIES = 300
# Words that a product's pictures show and its title seldom has; sentences are left out.
_OTHER_WORDS = {word: types for word, types in SHOP_WORDS.items() if " of " not in word}

Ranker = Callable[[str, FloatArray], list[str]]


@dataclass(frozen=True)
class _Asked:
    """Queries, the vector of each, and the product that each is for."""

    texts: Sequence[str]
    vectors: FloatArray
    wanted: Sequence[str]


def hybrid_measures(data: Path, cache: Path, encoder: Encoder) -> list[Measure]:
    """All figures; what they are measured on is built in `cache` once."""
    rows = read_rows(data, FASHION)
    whole = _fashion_index(data, cache / "fashion", encoder)
    # The shipped model has seen the other products with their titles: of all that have a title in
    # common it would put those held back last, which says nothing of a catalog that it never saw.
    ids = {rows.columns["id"][row] for row in rows.held}
    held = _derived_index(cache / "held", encoder, lambda: _some(whole, ids))
    untitled = _derived_index(cache / "untitled", encoder, lambda: _without_titles(held))
    measures = _title_measures(held, untitled, rows, encoder)
    measures += _other_forms(held, rows, encoder)
    measures += _brands(whole, rows, encoder)
    large = _derived_index(cache / "large", encoder, lambda: _enlarged(whole))
    return measures + _latency(Engine(encoder, large), rows)


def _title_measures(
    whole: Index, untitled: Index, rows: SetRows, encoder: Encoder
) -> list[Measure]:
    held = rows.held.tolist()
    titles = rows.columns["title"]
    asked = _asked(
        [titles[row] or "" for row in held], [rows.columns["id"][r] for r in held], encoder
    )
    found = {
        (name, mode): _mrr(asked, ranker)
        for name, index in (("title", whole), ("title_not_indexed", untitled))
        for mode, ranker in _rankers(index).items()
    }
    measures = []
    for name in ("title", "title_not_indexed"):
        best = max(found[name, "keyword"], found[name, "vector"])
        gain = found[name, "hybrid"] / best - 1
        measures.append(Measure(f"{name}_hybrid_gain", gain, 0.05))
        measures += [Measure(f"{name}_mrr_{mode}", found[name, mode]) for mode in _rankers(whole)]
    # Of n products with the same title each place is right for one of them.
    counts = Counter(titles[row] for row in held)
    harmonic = np.cumsum(1 / np.arange(1, 1 + max(counts.values())))
    ceiling = np.mean([harmonic[counts[titles[r]] - 1] / counts[titles[r]] for r in held])
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
        asked = _asked(texts, wanted, encoder)
        for mode, ranker in _rankers(index).items():
            measures.append(Measure(f"{name}_mrr_{mode}", _mrr(asked, ranker)))
    return measures


def _brands(index: Index, rows: SetRows, encoder: Encoder) -> list[Measure]:
    """Precision@10, on brand and type together, of a brand and a word that titles seldom have."""
    ids, types = rows.columns["id"], rows.columns["article_type"]
    brands = [(title or "").partition(" ")[0] for title in rows.columns["title"]]
    about = {i: (brand, kind) for i, brand, kind in zip(ids, brands, types, strict=True)}
    queries = []
    for word, kinds in _OTHER_WORDS.items():
        counts = Counter(brand for brand, kind in zip(brands, types, strict=True) if kind in kinds)
        queries += [(b, word, kinds) for b, count in counts.most_common(8) if count >= 10]
    texts = [f"{brand.lower()} {word}" for brand, word, _ in queries]
    vectors = _embed(texts, encoder)
    measures = []
    for mode, ranker in _rankers(index).items():
        shares = []
        for (brand, _, kinds), text, vector in zip(queries, texts, vectors, strict=True):
            found = [about[product] for product in ranker(text, vector)[:10]]
            shares.append(sum(b == brand and kind in kinds for b, kind in found) / 10)
        measures.append(Measure(f"brand_other_word_precision_10_{mode}", float(np.mean(shares))))
    return measures


def _latency(engine: Engine, rows: SetRows) -> list[Measure]:
    """Median time of a hybrid search to that of one by vector alone, taken in turn."""
    rng = random.Random(1)
    queries = [
        _half(rows.columns["title"][row] or "x", rng)
        for row in rng.sample(rows.held.tolist(), _LATENCY_QUERIES)
    ]
    taken: dict[SearchMode, list[float]] = {mode: [] for mode in SearchMode}
    encoding = []
    for text in queries:
        parts = (TextPart(text),)
        started = time.perf_counter()
        engine.embed(parts)
        encoding.append(time.perf_counter() - started)
        for mode in SearchMode:
            started = time.perf_counter()
            engine.search(Query(parts=parts, k=20, mode=mode))
            taken[mode].append(time.perf_counter() - started)
    medians = {mode: 1000 * float(np.median(times)) for mode, times in taken.items()}
    vector, hybrid = medians[SearchMode.VECTOR], medians[SearchMode.HYBRID]
    words = 1000 * float(np.median(encoding))
    return [
        Measure("hybrid_latency_ratio", hybrid / vector, 2.0, "lower"),
        Measure("hybrid_latency_ratio_without_encoding", (hybrid - words) / (vector - words)),
        *(Measure(f"{mode}_ms", ms, better="lower") for mode, ms in medians.items()),
        Measure("encoding_ms", words, better="lower"),
    ]


def _rankers(index: Index) -> dict[str, Ranker]:
    def ids(found: Sequence[object]) -> list[str]:
        return [index.segments[hit.segment].product_id(hit.row) for hit in found]  # type: ignore[attr-defined]

    def words(text: str, vector: FloatArray) -> TextSearch:
        return TextSearch(index, [(text, 1.0)], vector, SearchScope())

    def fused(fusion: Fusion, weight: float) -> Ranker:
        return lambda text, vector: ids(
            words(text, vector).hybrid(_PLACES, weight, fusion, QueryKind.TEXT)
        )

    return {
        "vector": lambda text, vector: ids(index.nearest(vector, _PLACES)),
        "keyword": lambda text, vector: ids(words(text, vector).by_keywords(_PLACES)),
        "hybrid": fused(Fusion.SCORES, KEYWORD_WEIGHT),
        "hybrid_by_ranks": fused(Fusion.RANKS, 0.5),
    }


def _mrr(asked: _Asked, ranker: Ranker) -> float:
    total = 0.0
    for text, vector, wanted in zip(asked.texts, asked.vectors, asked.wanted, strict=True):
        found = ranker(text, vector)
        total += 1 / (1 + found.index(wanted)) if wanted in found else 0.0
    return total / len(asked.texts)


def _asked(texts: Sequence[str], wanted: Sequence[str], encoder: Encoder) -> _Asked:
    return _Asked(texts, _embed(texts, encoder), wanted)


def _embed(texts: Sequence[str], encoder: Encoder) -> FloatArray:
    blocks = [texts[start : start + _BATCH] for start in range(0, len(texts), _BATCH)]
    return np.concatenate([encoder.encode_texts(list(block)) for block in blocks])


def _half(title: str, rng: random.Random) -> str:
    kept = [word for word in title.split() if rng.random() < 0.5]
    return " ".join(kept) or title


def _mistyped(title: str, rng: random.Random) -> str:
    """Two words of five or more letters with two letters swapped, one left out or one doubled."""
    found = title.split()
    long = [place for place, word in enumerate(found) if len(word) >= 5 and word.isalpha()]
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


def _fashion_index(data: Path, folder: Path, encoder: Encoder) -> Index:
    """The whole set, indexed by the ordinary build."""
    if not index_exists(folder):
        links = folder.with_name("catalog")
        links.mkdir(parents=True, exist_ok=True)
        for path in data.glob(f"{FASHION}-*.parquet"):
            if not (links / path.name).exists():
                (links / path.name).symlink_to(path.resolve())
        build_index(links, folder, encoder)
    return Index.open(folder)


def _derived_index(
    folder: Path, encoder: Encoder, products: Callable[[], Iterator[NewProduct]]
) -> Index:
    """An index of products that were embedded already."""
    if index_exists(folder):
        return Index.open(folder)
    layout, spec = Layout(folder), encoder.spec
    layout.staging.mkdir(parents=True, exist_ok=True)
    found = list(products())
    names = dict.fromkeys(name for product in found for name in product.fields)
    record = write_segment(
        SegmentLayout(layout.staging / new_segment_id()),
        found,
        dict.fromkeys(names, FieldType.TEXT),
        spec.dim,
        lambda written: build_neighbours(
            written,
            NeighbourOptions(),
            lambda: _embed([str(p.fields["article_type"]) for p in found[:500]], encoder),
        ),
    )
    manifest = new_generation(
        layout,
        encoder=EncoderRecord(spec.name, spec.fingerprint, spec.dim),
        segments=[record],
        fields=dict.fromkeys(names, str(FieldType.TEXT)),
        catalog=folder.name,
    )
    adopt_segment(layout, record.id)
    publish(layout, manifest)
    return Index.open(folder)


def _texts_of(index: Index) -> Iterator[NewProduct]:
    for segment in index.segments:
        for product in stored_products(segment, segment.alive, 0.0):
            fields = {
                name: value for name, value in product.fields.items() if isinstance(value, str)
            }
            images = tuple(replace(image, thumbnail=b"") for image in product.images)
            yield replace(product, fields=fields, images=images)


def _some(index: Index, ids: Collection[str]) -> Iterator[NewProduct]:
    return (product for product in _texts_of(index) if product.id in ids)


def _without_titles(index: Index) -> Iterator[NewProduct]:
    for product in _texts_of(index):
        fields = {name: value for name, value in product.fields.items() if name != "title"}
        yield replace(product, fields=fields)


def _enlarged(index: Index) -> Iterator[NewProduct]:
    """A hundred thousand products: the real ones, then mixtures of two of the same type each.

    A mixture has the title's first half from one and the second from the other, and a vector
    between the two.
    """
    real = list(_texts_of(index))
    yield from real[:_LATENCY_PRODUCTS]
    by_type: dict[object, list[NewProduct]] = {}
    for product in real:
        by_type.setdefault(product.fields.get("article_type"), []).append(product)
    rng = random.Random(2)
    for number in range(len(real), _LATENCY_PRODUCTS):
        one = rng.choice(real)
        other = rng.choice(by_type[one.fields.get("article_type")])
        halves = [str(product.fields.get("title", "")).split() for product in (one, other)]
        title = halves[0][: len(halves[0]) // 2] + halves[1][len(halves[1]) // 2 :]
        key = number.to_bytes(32, "little")
        vector = _between(one.images[0].vector, other.images[0].vector, rng.random())
        yield NewProduct(
            f"mixture-{number}",
            {**one.fields, "title": " ".join(title) or "x"},
            (NewImage(key, "", vector, b""),),
            key[: len(one.digest)],
        )


def _between(
    one: NDArray[np.float16], other: NDArray[np.float16], share: float
) -> NDArray[np.float16]:
    mixed = share * one.astype(np.float32) + (1 - share) * other.astype(np.float32)
    return (mixed / np.linalg.norm(mixed)).astype(np.float16)
