from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from embeddings import FakeEncoder, FloatArray, PixelArray, Preprocess, ResizeMode
from indexer import QueryError
from indexer.build import BuildOptions, build_index
from indexer.catalog import ImageSource
from indexer.evaluation import LabelledQuery, metric_breakdown, run_queries, worst_outcomes
from indexer.evaluation.batched_encoder import CachedBatchEncoder
from indexer.evaluation.comparison import compare
from indexer.index import Index
from indexer.search import Engine, ImagePart, Query, TextPart
from tests.support.featured import FeaturedEncoder

TEMPLATE = Query(parts=(), k=2)


class CountingEncoder(FakeEncoder):
    """Counts the batches it is given."""

    batches = 0

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        self.batches += bool(texts)
        return super().encode_texts(texts)

    def encode_images(self, pixels: PixelArray) -> FloatArray:
        self.batches += 1
        return super().encode_images(pixels)


def by_text(line: int, text: str, *relevant: str) -> LabelledQuery:
    return LabelledQuery(line, text, None, dict.fromkeys(relevant, 1.0))


def by_image(line: int, path: Path, *relevant: str) -> LabelledQuery:
    source = ImageSource(path.name, path=path, root=path.parent)
    return LabelledQuery(line, None, source, dict.fromkeys(relevant, 1.0))


def test_metrics_of_known_rankings(engine: Engine, colours: Path) -> None:
    queries = [
        by_text(2, "red", "red", "dark-red"),
        by_text(3, "green", "blue"),
        by_image(4, colours.parent / "blue.png", "blue"),
        replace(by_image(5, colours.parent / "blue.png", "green"), text="green"),
    ]
    (found,), bad = run_queries([engine], queries, TEMPLATE)
    assert bad == []
    values = np.stack([outcome.values for outcome in found.outcomes])
    np.testing.assert_allclose(values[:, 0], [1, 0, 1, 1])  # recall@2
    np.testing.assert_allclose(values[:, 1], [1, 0, 0.5, 0.5])  # precision@2
    first = found.outcomes[0].hits[0]
    assert (first.match.id, first.relevant) == ("red", True)
    metrics = metric_breakdown(found, 2)
    assert {name: group.queries for name, group in metrics.kinds.items()} == {
        "text": 2, "picture": 1, "mixed": 1,
    }  # fmt: skip
    assert worst_outcomes(found)[0].query.line == 3


def test_labels_decide_with_filters(engine: Engine) -> None:
    query = LabelledQuery(2, "red", None, labels={"title": "A red thing"})
    typed = LabelledQuery(3, "red", None, labels={"price": "1.5"})
    filtered = LabelledQuery(4, "red", None, labels={"price": "1.5"}, filter={"price": {"gt": 3}})
    (found,), bad = run_queries([engine], [query, typed, filtered], TEMPLATE)
    assert bad == []
    assert [outcome.relevant for outcome in found.outcomes] == [1, 1]
    assert all(outcome.values.tolist() == [1, 0.5, 1, 1] for outcome in found.outcomes)
    assert found.unanswerable == (4,)


def test_unknown_ids_count_as_not_found_and_are_named(engine: Engine) -> None:
    (found,), bad = run_queries(
        [engine], [by_text(2, "red", "red", "x"), by_text(3, "a", "y")], TEMPLATE
    )
    assert bad == []
    assert found.unknown_ids == ("x", "y")
    assert found.unanswerable == (3,)
    assert [outcome.values[0] for outcome in found.outcomes] == [0.5]


def test_queries_that_cannot_be_run_are_reported(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    queries = [
        by_image(2, tmp_path / "broken.png", "red"),
        by_image(3, tmp_path / "gone.png", "red"),
        replace(by_text(4, "red", "red"), filter={"nope": 1}),
        LabelledQuery(5, "red", None, labels={"price": "cheap"}),
        by_text(6, "red", "red"),
    ]
    (found,), bad = run_queries([engine], queries, TEMPLATE)
    assert sorted(row.line for row in bad) == [2, 3, 4, 5]
    assert [outcome.query.line for outcome in found.outcomes] == [6]


def test_a_label_that_is_no_field_is_refused(engine: Engine) -> None:
    with pytest.raises(QueryError, match="no field 'colour'"):
        run_queries([engine], [LabelledQuery(2, "red", None, labels={"colour": "red"})], TEMPLATE)


def test_queries_are_embedded_together(colours: Path, tmp_path: Path) -> None:
    encoder = CountingEncoder()
    build_index(colours, tmp_path / "index", encoder, BuildOptions(workers=0))
    index = Index.open(tmp_path / "index")
    engines = [Engine(encoder, index), Engine(encoder, index)]
    encoder.batches = 0
    queries = [by_text(line, f"red {line}", "red") for line in range(40)]
    queries += [by_image(line, colours.parent / "blue.png", "blue") for line in range(40, 60)]
    done: list[int] = []
    first, second = run_queries(engines, queries, TEMPLATE, done.append)[0]
    assert encoder.batches == 2
    assert done == [60]
    assert [o.values.tolist() for o in first.outcomes] == [
        o.values.tolist() for o in second.outcomes
    ]


def test_an_evaluation_runs_the_same_query_as_a_search(engine: Engine, colours: Path) -> None:
    path = colours.parent / "yellow.png"
    query = replace(by_image(2, path, "red"), text="blue")
    (found,), _ = run_queries([engine], [query], replace(TEMPLATE, diversity=0.8))
    with Image.open(path) as image:
        parts = (TextPart("blue"), ImagePart(image.convert("RGB")))
    expected = engine.search(Query(parts=parts, k=5, diversity=0.8)).hits
    assert [hit.match.id for hit in found.outcomes[0].hits] == [hit.id for hit in expected]


@pytest.mark.parametrize("mode", list(ResizeMode))
@pytest.mark.parametrize("size", [(32, 32), (32, 48)])
def test_images_of_the_batch_are_looked_up(mode: ResizeMode, size: tuple[int, int]) -> None:
    class Encoder(CountingEncoder):
        @property
        def preprocess(self) -> Preprocess:
            return Preprocess(size, mode)

    encoder = Encoder()
    cached = CachedBatchEncoder(encoder)
    noise = np.random.default_rng(0).integers(0, 256, (70, 51, 3), dtype=np.uint8)
    (small,) = cached.load_batch(["red"], [Image.fromarray(noise)])
    expected = encoder.encode_images(encoder.preprocess(Image.fromarray(noise))[None])
    encoder.batches = 0
    again = cached.encode_images(cached.preprocess(small)[None])
    np.testing.assert_array_equal(again, expected)
    np.testing.assert_array_equal(cached.encode_texts(["red"]), [[1, 0, 0]])
    assert encoder.batches == 0
    np.testing.assert_array_equal(cached.encode_texts(["red", "blue"])[1], [0, 0, 1])
    assert cached.encode_texts([]).shape == (0, 3)


def test_features_of_the_batch_are_looked_up() -> None:
    encoder = FeaturedEncoder()
    cached = CachedBatchEncoder(encoder)
    noise = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    (small,) = cached.load_batch([], [Image.fromarray(noise)])
    pixels = cached.preprocess(small)[None]
    wanted = encoder.encode_image_rows(pixels)
    np.testing.assert_array_equal(cached.encode_image_rows(pixels), wanted)
    np.testing.assert_array_equal(cached.encode_images(pixels), wanted[:, :3])
    assert cached.encode_image_rows(pixels[:0]).shape == (0, 7)


def test_comparison(engine: Engine, colours: Path, tmp_path: Path) -> None:
    lines = [line for line in colours.read_text().splitlines() if not line.startswith("dark-red")]
    colours.write_text("\n".join(lines) + "\n")
    build_index(colours, tmp_path / "index", FakeEncoder(), BuildOptions(workers=0))
    after = Engine(FakeEncoder(), Index.open(tmp_path / "index"))
    queries = [
        by_text(2, "red", "dark-red"),
        by_text(3, "red", "yellow"),
        by_text(4, "blue", "blue"),
    ]
    (old, new), _ = run_queries([engine, after], queries, TEMPLATE)
    assert new.unknown_ids == ("dark-red",)
    assert [len(run.outcomes) for run in (old, new)] == [3, 3]
    found = compare(old, new, 2)
    assert (found.better, found.worse) == (1, 1)
    assert {change.after.query.line for change in found.changed} == {2, 3}
    recall = found.differences.overall.metrics["recall@2"]
    assert recall.value == pytest.approx(0)
    assert recall.low < 0 < recall.high
    assert compare(old, old, 2).changed == ()
