"""Learning from the catalog, judged on held-back products.

The general branch of `compact` has never seen a shop: alone, it stands for a model in a foreign
field. The whole of `compact` knows these sets: with it, nothing may fall.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence

import numpy as np

from embeddings import Encoder, FloatArray, encode_many_texts, load_encoder
from indexer.adaptation import AdaptationMap, Learned, Lessons, learn
from scripts.docs.figures import Block, Listing
from scripts.evaluation.adapt.measures import fashion_figures, other_figures
from scripts.evaluation.adapt.setting import Pictures, general_vectors, lessons_of, pictures_of
from scripts.support.measuring import Figure, Measure, Report
from scripts.training.data.catalogs import CLOTHING, FASHION, GROCERY_PHOTOS, read_rows

__all__ = ["add_options", "blocks", "measure"]

_SIZES = (500, 5000)
_QUICK_SIZES = (500,)
_SHUFFLES, _QUICK_SHUFFLES = 20, 3
_TARGETS = {
    (5000, "type_precision_10"): 0.84,
    (5000, "title_recall_10"): 0.60,
    (5000, "colour_precision_10"): 0.55,
    (500, "type_precision_10"): 0.74,
    (500, "title_recall_10"): 0.42,
    (500, "colour_precision_10"): 0.40,
}
_LARGE, _BUILD, _BATCH = 50_000, 9_000, 64
_NAMES = {
    "type_precision_10": "type by name, precision@10",
    "title_recall_10": "title -> its image, recall@10",
    "colour_precision_10": "colour by name, precision@10",
}
_ROWS = {
    **{f"general_before_5000_{name}": f"general branch alone: {w}" for name, w in _NAMES.items()},
    **{
        f"general_after_{size}_{name}": f"learned from {size:,} products: {words}"
        for size in _SIZES
        for name, words in _NAMES.items()
    },
    **{f"compact_after_5000_{name}": f"the whole of `compact`: {w}" for name, w in _NAMES.items()},
    "shuffled_catalogs_used": "shuffled catalogs of 500 products that are learned from, share",
    "learning_seconds_9000": "learning from 9,000 products, without their titles' vectors, seconds",
    "learning_seconds_50000": "the same from 50,000",
    "learning_share_of_encoding_9000": "learning from 9,000 against encoding their images",
    "query_ms_above": "a query by picture takes longer by, ms",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this evaluation's options."""
    parser.add_argument("--shuffles", type=int, help="shuffled catalogs that the gate is shown")


def blocks(_: argparse.Namespace) -> list[Block]:
    """Return the figures of docs/adaptation.md."""
    return [Block("docs/adaptation.md", "scripts/bench adapt --docs", (Listing(_ROWS),))]


def measure(options: argparse.Namespace) -> Report:
    """Learn, and judge on what is held back."""
    bench = _Bench(load_encoder("compact", device="cpu"), options)
    return Report.of(bench.figures(), fingerprint=bench.encoder.spec.fingerprint)


class _Bench:
    """One run."""

    def __init__(self, encoder: Encoder, options: argparse.Namespace) -> None:
        self.encoder = encoder
        self._options = options
        self._sizes = _QUICK_SIZES if options.quick else _SIZES
        rows = read_rows(options.data, FASHION)
        taught = np.random.default_rng(0).permutation(rows.train)[: max(self._sizes)]
        self._taught = self._pictures(FASHION, taught)
        self._held = self._pictures(FASHION, rows.held)
        self._texts: dict[str, FloatArray] = {}

    def figures(self) -> Iterator[Figure]:
        """Yield every figure."""
        for size in self._sizes:
            yield from self._learned(size, general=True)
            yield from self._learned(size, general=False)
        yield from self._others()
        yield self._gate()
        yield from self._times()

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return the unit vectors of texts, each embedded once."""
        new = [text for text in dict.fromkeys(texts) if text not in self._texts]
        self._texts |= zip(new, encode_many_texts(self.encoder, new), strict=True)
        return np.stack([self._texts[text] for text in texts])

    def _pictures(self, name: str, rows: np.ndarray) -> Pictures:
        options = self._options
        return pictures_of(self.encoder, options.data, options.cache, name, rows)

    def _learned(self, size: int, *, general: bool) -> Iterator[Figure]:
        model = "general" if general else "compact"
        taught, held = self._taught.some(size), self._held
        learned = learn(self._lessons(FASHION, taught, general=general), self.encode)
        vectors = general_vectors(held.features) if general else held.vectors
        after = vectors if learned.map is None else learned.map.apply(vectors, held.features)
        rows = read_rows(self._options.data, FASHION)
        found = [fashion_figures(rows, each, self.encode) for each in (vectors, after)]
        yield Measure(f"{model}_{size}_used", float(learned.map is not None), note=learned.reason)
        for name in found[0]:
            before, now = found[0][name], found[1][name]
            yield Measure.mean(f"{model}_before_{size}_{name}", before)
            target = _TARGETS.get((size, name)) if general else None
            yield Measure.mean(f"{model}_after_{size}_{name}", now, target)
            if not general:
                yield _fall(f"compact_{size}_{name}_falls", before, now)

    def _others(self) -> Iterator[Figure]:
        """Learn groceries and clothes with the whole model, and judge on what is held back."""
        for name in (GROCERY_PHOTOS, CLOTHING):
            rows = read_rows(self._options.data, name)
            taught, held = self._pictures(name, rows.train), self._pictures(name, rows.held)
            learned = learn(self._lessons(name, taught, general=False), self.encode)
            after = held.vectors
            if learned.map is not None:
                after = learned.map.apply(held.vectors, held.features)
            yield Measure(f"{name}_used", float(learned.map is not None), note=learned.reason)
            before = other_figures(rows, held.vectors, self.encode)
            now = other_figures(rows, after, self.encode)
            for measure, values in before.items():
                yield Measure.mean(f"{measure}_before", values)
                yield Measure.mean(f"{measure}_after", now[measure])
                yield _fall(f"{measure}_falls", values, now[measure])

    def _gate(self) -> Figure:
        """Show the gate catalogs whose words were dealt to wrong pictures."""
        count = self._options.shuffles or (_QUICK_SHUFFLES if self._options.quick else _SHUFFLES)
        taught = self._taught.some(_QUICK_SIZES[0])
        used = [
            learn(self._lessons(FASHION, taught, general=bool(seed % 2), dealt=seed), self.encode)
            for seed in range(count)
        ]
        share = float(np.mean([learned.map is not None for learned in used]))
        return Measure("shuffled_catalogs_used", share, 0.0, "lower", note=f"of {count}")

    def _times(self) -> Iterator[Figure]:
        taught = self._taught
        for size in (_BUILD,) if self._options.quick else (_BUILD, _LARGE):
            lessons = _repeated(self._lessons(FASHION, taught, general=True), size)
            self.encode([*lessons.titles, *(v for each in lessons.kinds.values() for v in each)])
            started = time.perf_counter()
            learned = learn(lessons, self.encode)
            seconds = time.perf_counter() - started
            yield Measure(
                f"learning_seconds_{size}",
                seconds,
                60.0 if size == _LARGE else None,
                "lower",
                note="without embedding texts",
            )
            if size == _BUILD:
                yield self._share(seconds)
                yield from _query_time(learned, taught)

    def _share(self, seconds: float) -> Figure:
        """Compare with the seconds that the images of a build take in the model alone."""
        pixels = np.zeros((_BATCH, *self.encoder.preprocess.size, 3), np.uint8)
        self.encoder.encode_images(pixels)
        started = time.perf_counter()
        self.encoder.encode_images(pixels)
        images = _BUILD / _BATCH * (time.perf_counter() - started)
        return Measure("learning_share_of_encoding_9000", seconds / images, 0.05, "lower")

    def _lessons(
        self, name: str, taught: Pictures, *, general: bool, dealt: int | None = None
    ) -> Lessons:
        vectors = general_vectors(taught.features) if general else taught.vectors
        return lessons_of(self._options.data, name, taught, vectors, dealt)


def _query_time(learned: Learned, taught: Pictures) -> Iterator[Figure]:
    if learned.map is None:
        return
    yield Measure("query_ms_above", 1000 * _seconds(learned.map, taught), 0.2, "lower")


def _seconds(learned: AdaptationMap, taught: Pictures) -> float:
    """Return the median seconds of adapting the vector of one picture."""
    features = taught.features.astype(np.float32)
    times = []
    for row in range(200):
        one = slice(row, row + 1)
        started = time.perf_counter()
        learned.apply(taught.vectors[one], features[one])
        times.append(time.perf_counter() - started)
    return float(np.median(times))


def _repeated(lessons: Lessons, count: int) -> Lessons:
    """Return lessons of so many products: the same ones again, each with a little noise."""
    rows = np.arange(count) % len(lessons)
    places = rows.tolist()
    noise = np.random.default_rng(0).normal(0, 0.1, (count, 1)).astype(np.float16)
    return Lessons(
        lessons.vectors[rows],
        lessons.features[rows] + noise,
        [lessons.titles[place] for place in places],
        {name: [values[place] for place in places] for name, values in lessons.kinds.items()},
        lessons.groups[rows],
    )


def _fall(name: str, before: Sequence[float], after: Sequence[float]) -> Measure:
    """Return 1 for a fall beyond its 95% interval over the same queries, else 0."""
    apart = np.array(after) - np.array(before)
    half = 1.96 * float(apart.std(ddof=1)) / np.sqrt(len(apart))
    return Measure(name, float(apart.mean() < -half), 0.0, "lower")
