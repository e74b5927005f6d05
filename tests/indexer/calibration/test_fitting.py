"""Confidence of whole indices: fitted by builds, kept in manifests, used by the engine."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from embeddings import FakeEncoder
from indexer import QueryError
from indexer.build import BuildOptions, build_index, merge
from indexer.calibration import (
    PRIORS,
    ceiling,
    confidence_from_json,
    confidence_to_json,
    fit_confidence,
    mark_as_fitted,
)
from indexer.index import Index, rollback
from indexer.search import Engine, ImagePart, LikePart, Query, SearchMode, TextPart
from indexer.storage import Layout, QueryKind, read_manifest
from indexer.storage.manifest import _checksum
from tests.support.colour_shop import write_colour_shop

OPTIONS = BuildOptions(workers=0)


@pytest.fixture(scope="module")
def engine(built: Path) -> Engine:
    return Engine.open(built, FakeEncoder())


class TestEngine:
    def test_every_hit_has_a_confidence_that_falls_with_its_score(self, engine: Engine) -> None:
        hits = engine.search(Query((TextPart("red"),), k=90)).hits
        confidences = [hit.confidence for hit in hits]
        assert all(one is not None and 0 <= one <= 1 for one in confidences)
        assert confidences == sorted(confidences, reverse=True)
        # The fake encoder reads "red" and "red thing number0" alike, so the best is not certain.
        assert confidences[0] > 0.5
        assert confidences[-1] < 0.1

    def test_right_hits_have_more_confidence_than_wrong_ones(self, engine: Engine) -> None:
        hits = engine.search(Query((LikePart("0"),), k=89)).hits
        red = [hit.confidence for hit in hits if hit.fields["product_type"] == "red"]
        other = [hit.confidence for hit in hits if hit.fields["product_type"] != "red"]
        assert np.mean(red) > 0.8
        assert np.mean(other) < 0.15

    def test_hits_below_the_least_confidence_are_left_out(self, engine: Engine) -> None:
        everything = engine.search(Query((TextPart("red"),), k=90)).hits
        some = engine.search(Query((TextPart("red"),), k=90, min_confidence=0.5)).hits
        assert some == tuple(hit for hit in everything if hit.confidence >= 0.5)
        assert 0 < len(some) < len(everything)
        assert not engine.search(Query((TextPart("red"),), k=90, min_confidence=1.0)).hits

    def test_nothing_matches_is_an_answer(self, engine: Engine) -> None:
        grey = Image.new("RGB", (16, 16), (128, 128, 128))
        assert not engine.search(Query((ImagePart(grey),), min_confidence=0.5)).hits
        assert not engine.search(Query((TextPart("suspension bridge"),), min_confidence=0.5)).hits

    def test_it_depends_on_no_filter_and_no_number_of_hits(self, engine: Engine) -> None:
        everything = engine.search(Query((TextPart("red"),), k=90)).hits
        known = {hit.id: hit.confidence for hit in everything}
        for query in (
            Query((TextPart("red"),), k=5, filter={"product_type": "green"}),
            Query((TextPart("red"),), k=3, offset=40),
        ):
            for hit in engine.search(query).hits:
                assert hit.confidence == known[hit.id]

    def test_each_kind_of_query_has_its_own(self, engine: Engine) -> None:
        red = Image.new("RGB", (16, 16), (255, 30, 30))
        parts = ((TextPart("red"),), (ImagePart(red),), (TextPart("red"), ImagePart(red)))
        kinds = confidence_from_json(engine.index.manifest.confidence).kinds
        for part, kind in zip(parts, PRIORS, strict=True):
            # Words of the catalog would make a hit surer.
            hit = engine.search(Query(part, k=1, mode=SearchMode.VECTOR)).hits[0]
            vector = engine.embed(part)
            (expected,) = kinds[kind].of(vector, np.array([hit.score]))
            bounded = min(expected, ceiling(engine.index.manifest.products))
            assert hit.confidence == pytest.approx(bounded, rel=1e-5)  # cosines are float32

    @pytest.mark.parametrize("least", [-0.1, 1.1, float("nan")])
    def test_a_least_confidence_out_of_range_is_refused(self, engine: Engine, least: float) -> None:
        with pytest.raises(QueryError, match="0 to 1"):
            engine.search(Query((TextPart("red"),), min_confidence=least))


class TestManifest:
    def test_it_is_written_and_read_back(self, built: Path) -> None:
        manifest = read_manifest(Layout(built), 1)
        fitted = fit_confidence(Index.open(built), FakeEncoder())
        confidence = confidence_from_json(manifest.confidence)
        assert confidence == fitted  # and so a fit is deterministic
        assert confidence.same == "product_type"
        assert confidence.kinds[QueryKind.TEXT].queries > 90

    def test_an_older_manifest_gives_none(self, tmp_path: Path) -> None:
        build_index(
            write_colour_shop(tmp_path / "shop", 9), tmp_path / "index", FakeEncoder(), OPTIONS
        )
        path = Layout(tmp_path / "index").manifest(1)
        content = json.loads(path.read_text())
        del content["confidence"], content["sha256"]
        path.write_text(json.dumps({**content, "sha256": _checksum(content)}))
        engine = Engine.open(tmp_path / "index", FakeEncoder())
        hits = engine.search(Query((TextPart("red"),))).hits
        assert [hit.confidence for hit in hits] == [None] * 9
        with pytest.raises(QueryError, match="build it again"):
            engine.search(Query((TextPart("red"),), min_confidence=0.5))

    def test_large_updates_fit_anew_and_merges_and_rollbacks_keep(self, tmp_path: Path) -> None:
        catalog, index = write_colour_shop(tmp_path / "shop", 12), tmp_path / "index"
        build_index(catalog, index, FakeEncoder(), OPTIONS)
        first = Index.open(index).manifest.confidence
        assert not build_index(catalog, index, FakeEncoder(), OPTIONS).published
        lines = catalog.read_text().splitlines()
        catalog.write_text("\n".join(lines[:10]) + "\n")
        assert build_index(catalog, index, FakeEncoder(), OPTIONS).published
        second = Index.open(index).manifest.confidence
        fitted = confidence_to_json(fit_confidence(Index.open(index), FakeEncoder()))
        assert second == mark_as_fitted(fitted, 9)
        assert second != first
        assert merge(index, lambda name: FakeEncoder()).merged
        assert Index.open(index).manifest.confidence == second
        rollback(index, 1)
        assert Index.open(index).manifest.confidence == first


class TestOddCatalogs:
    @pytest.mark.parametrize("count", [1, 2, 10])
    @pytest.mark.parametrize("fields", [True, False])
    def test_tiny_catalogs_have_confidence(self, tmp_path: Path, count: int, fields: bool) -> None:
        catalog = write_colour_shop(tmp_path / "shop", count, fields=fields)
        build_index(catalog, tmp_path / "index", FakeEncoder(), OPTIONS)
        engine = Engine.open(tmp_path / "index", FakeEncoder())
        red = Image.new("RGB", (16, 16), (255, 20, 20))
        for parts in ((TextPart("red"),), (ImagePart(red),), (TextPart("red"), ImagePart(red))):
            hits = engine.search(Query(parts)).hits
            assert len(hits) == count
            assert all(0 <= hit.confidence <= 1 for hit in hits)

    def test_equal_vectors_have_confidence(self, tmp_path: Path) -> None:
        folder = tmp_path / "shop"
        folder.mkdir()
        for number in range(12):
            Image.new("RGB", (8, 8 + number), (255, 0, 0)).save(folder / f"{number}.png")
        build_index(folder, tmp_path / "index", FakeEncoder(), OPTIONS)
        hits = (
            Engine.open(tmp_path / "index", FakeEncoder()).search(Query((TextPart("blue"),))).hits
        )
        assert len({hit.confidence for hit in hits}) == 1

    def test_an_index_without_thumbnails_has_confidence(self, tmp_path: Path) -> None:
        catalog = write_colour_shop(tmp_path / "shop", 9, fields=False)
        options = BuildOptions(workers=0, thumbnails=False)
        build_index(catalog, tmp_path / "index", FakeEncoder(), options)
        confidence = confidence_from_json(Index.open(tmp_path / "index").manifest.confidence)
        assert confidence.same == ""
        assert confidence.kinds[QueryKind.IMAGE].slope > 0
