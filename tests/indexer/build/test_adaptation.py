"""Indexes that learn from their catalog: built, searched, updated, merged, and left alone."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embeddings import FakeEncoder
from indexer import BuildError, DamagedIndexError, EncoderMismatchError
from indexer.build import BuildOptions, BuildReport, adapt, build_index, merge, retag
from indexer.index import Index, TagChoice, describe, rollback, verify
from indexer.search import Engine, ImagePart, LikePart, Query, SearchMode, TextPart
from indexer.tagging.taxonomy import DEFAULT_TAXONOMY, read_taxonomy
from tests.support.taught_shop import TaughtEncoder, draw_product, write_taught_shop

COUNT = 240


def build(catalog: Path, index: Path, encoder: Any = None, **options: Any) -> BuildReport:
    chosen = BuildOptions(workers=0, **options)
    return build_index(catalog, index, encoder or TaughtEncoder(), chosen)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_taught_shop(tmp_path_factory.mktemp("shop"), COUNT)


@pytest.fixture(scope="module")
def built(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "index"
    build(shop, folder, adapt="auto")
    return folder


@pytest.fixture
def index(built: Path, tmp_path: Path) -> Path:
    """An index that learned, which a test may change."""
    return Path(shutil.copytree(built, tmp_path / "index"))


def kinds_found(engine: Engine, *parts: Any) -> float:
    """The share of the first ten hits that are lamps."""
    query = Query(parts=parts, mode=SearchMode.VECTOR, k=10)
    hits = engine.search(query).hits
    return float(np.mean([hit.fields["kind"] == "lamp" for hit in hits]))


def test_a_build_learns_and_searches_by_what_it_learned(shop: Path, tmp_path: Path) -> None:
    report = build(shop, tmp_path / "on", adapt="auto", text_weight=0.0)
    build(shop, tmp_path / "off", text_weight=0.0)
    on, off = (Engine.open(tmp_path / name, TaughtEncoder()) for name in ("on", "off"))
    record = on.index.manifest.adaptation
    assert record is not None
    assert record.fields == ("title", "kind", "colour")
    assert any("adapted to the catalog, from title, kind, colour" in n for n in report.notes)
    for parts in (
        (TextPart("lamp"),),
        (ImagePart(draw_product("red", "lamp", 99_999)),),
        (ImagePart(draw_product("red", "lamp", 99_999)), TextPart("lamp", 0.2)),
    ):
        assert kinds_found(on, *parts) >= 0.8
        assert kinds_found(off, *parts) <= 0.5
    assert on.search(Query(parts=(TextPart("lamp"),))).adapted
    assert not off.search(Query(parts=(TextPart("lamp"),))).adapted
    assert off.index.manifest.adaptation is None
    assert [each.intact for each in verify(tmp_path / "on")] == [True]


def test_products_are_alike_and_recommended_by_what_was_learned(index: Path) -> None:
    engine = Engine.open(index, TaughtEncoder())
    table = engine.index.segments[0].field_table["kind"].to_pylist()
    lamp = engine.index.segments[0].product_id(table.index("lamp"))
    assert kinds_found(engine, LikePart(lamp)) >= 0.8
    hits = engine.recommend([lamp], k=10)
    assert hits.adapted
    assert np.mean([hit.fields["kind"] == "lamp" for hit in hits.hits]) >= 0.8


def test_what_is_compared_with_images_is_the_models_own(index: Path) -> None:
    engine = Engine.open(index, TaughtEncoder())
    image = ImagePart(draw_product("red", "lamp", 7))
    encoded = engine.encode([image])
    np.testing.assert_allclose(engine.combine([image], encoded), encoded.images[0], atol=1e-6)
    assert np.abs(engine.embed([image]) - encoded.images[0]).max() > 0.05
    liked = LikePart("0-1")
    own = engine.combine([liked], engine.encode([liked]))
    np.testing.assert_allclose(own, engine.index.vector("0-1"), atol=1e-6)


def test_the_vectors_of_the_model_stay_beside_the_adapted_ones(
    shop: Path, index: Path, tmp_path: Path
) -> None:
    build(shop, tmp_path / "off")
    (on,), (off,) = Index.open(index).segments, Index.open(tmp_path / "off").segments
    np.testing.assert_array_equal(on.vectors, off.vectors)
    assert np.abs(on.adapted - on.vectors).max() > 0.1
    np.testing.assert_array_equal(off.adapted, off.vectors)
    assert "adapted.npy" in on.record.files
    assert {"adapted.npy", "features.npy"}.isdisjoint(off.record.files)
    assert "adaptation" not in next((tmp_path / "off" / "manifests").iterdir()).read_text()


def test_info_says_what_was_learned_and_gained(index: Path) -> None:
    facts = describe(Index.open(index), index)
    assert facts["adapted"] is True
    assert facts["learned_from"] == ["title", "kind", "colour"]
    assert facts["learned_products"] == COUNT
    before, after, queries = facts["gains"]["kind -> product"]
    assert after > before + 0.2
    assert queries > 0
    files = sum(path.stat().st_size for path in (index / "maps").iterdir())
    assert facts["bytes"] > files > 0


def test_an_update_maps_new_products_with_the_map_there_is(
    shop: Path, index: Path, tmp_path: Path
) -> None:
    before = Index.open(index)
    more = write_taught_shop(tmp_path / "more", 60, seed=3)
    encoder = TaughtEncoder()
    report = build(more, index, encoder, keep_missing=True)
    assert (report.added, report.embedded) == (60, 60)
    after = Index.open(index)
    assert after.manifest.adaptation == before.manifest.adaptation
    assert after.adaptation is not None
    image = draw_product("red", "lamp", 5)
    pixels = encoder.preprocess(image)[None]
    rows = encoder.encode_image_rows(pixels)
    for number in range(60):
        vector = after.query_vector(f"3-{number}")
        assert np.abs(vector - after.vector(f"3-{number}")).max() > 0.05
    np.testing.assert_allclose(
        after.adapted(rows[:, :32], rows[:, 32:]), before.adapted(rows[:, :32], rows[:, 32:])
    )
    assert not build(more, index, keep_missing=True).published


def test_a_new_title_needs_no_image_again(index: Path, shop: Path, tmp_path: Path) -> None:
    lines = shop.read_text().splitlines()
    lines[1] = lines[1].replace(" 0,", " renamed,", 1)
    mended = shop.with_name("mended.csv")
    mended.write_text("\n".join(lines) + "\n")
    before = Index.open(index)
    report = build(mended, index)
    mended.unlink()
    assert (report.changed, report.added, report.embedded) == (1, 0, 0)
    after = Index.open(index)
    np.testing.assert_array_equal(after.query_vector("0-0"), before.query_vector("0-0"))
    assert after.manifest.adaptation == before.manifest.adaptation


def test_it_is_switched_off_without_embedding_and_comes_back_with_a_new_build(
    index: Path, shop: Path
) -> None:
    report = build(shop, index, adapt="off")
    assert (report.published, report.embedded) == (True, 0)
    off = Index.open(index)
    assert off.adaptation is None
    assert all("adapted.npy" not in segment.record.files for segment in off.segments)
    np.testing.assert_array_equal(off.query_vector("0-1"), off.vector("0-1"))
    assert build(shop, index, adapt="auto").embedded == 0
    again = Index.open(index)
    assert again.manifest.adaptation is not None
    assert "build it anew" in again.manifest.adaptation.reason
    rollback(index, 1)
    assert Index.open(index).adaptation is not None


def test_merge_and_retag_keep_the_map(index: Path, tmp_path: Path) -> None:
    more = write_taught_shop(tmp_path / "more", 30, seed=4)
    build(more, index, keep_missing=True)
    before = Index.open(index)
    retag(index, lambda _: TaughtEncoder(), TagChoice(read_taxonomy(DEFAULT_TAXONOMY)))
    merge(index, lambda _: TaughtEncoder())
    after = Index.open(index)
    assert after.manifest.adaptation == before.manifest.adaptation
    assert after.adaptation is not None
    for product in ("0-7", "4-7"):
        np.testing.assert_array_equal(after.query_vector(product), before.query_vector(product))
    assert all(report.intact for report in verify(index))


@pytest.mark.parametrize("change", ["cut", "other", "gone"])
def test_a_damaged_map_is_refused(index: Path, change: str) -> None:
    (file,) = (index / "maps").iterdir()
    content = file.read_bytes()
    if change == "gone":
        file.unlink()
    else:
        file.write_bytes(content[:-40] if change == "cut" else content[:-1] + b"\x7f")
    with pytest.raises(DamagedIndexError, match="maps/"):
        Index.open(index)


def test_a_model_that_gives_no_features_is_refused_for_pictures_only(index: Path) -> None:
    engine = Engine.open(index, TaughtEncoder(features=False))
    assert kinds_found(engine, TextPart("lamp")) >= 0.8
    with pytest.raises(EncoderMismatchError, match=r"48 features.*gives 0.*Export it again"):
        engine.search(Query(parts=(ImagePart(draw_product("red", "lamp", 1)),)))


@pytest.mark.parametrize("seed", range(3))
def test_words_dealt_to_wrong_pictures_are_not_learned(tmp_path: Path, seed: int) -> None:
    catalog = write_taught_shop(tmp_path / "shop", 200, seed=seed, dealt=True)
    report = build(catalog, tmp_path / "index", adapt="auto")
    index = Index.open(tmp_path / "index")
    assert index.adaptation is None
    assert "not adapted to the catalog: the titles do not fit the pictures" in report.notes
    assert describe(index, tmp_path / "index")["adapted"] is False


def test_reasons_are_told(shop: Path, tmp_path: Path) -> None:
    few = write_taught_shop(tmp_path / "few", 10)
    report = build(few, tmp_path / "a", adapt="auto")
    assert any("too few products" in note or "no field" in note for note in report.notes)
    report = build(few, tmp_path / "b", FakeEncoder(), adapt="auto")
    assert "not adapted to the catalog: the model gives no features to learn from" in report.notes
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    draw_product("red", "lamp", 1).save(pictures / "1.png")
    report = build(pictures, tmp_path / "c", adapt="auto")
    assert any("no field has words" in note for note in report.notes)
    assert not any("adapted" in note for note in build(few, tmp_path / "d").notes)


def test_fields_may_be_named(shop: Path, tmp_path: Path) -> None:
    build(shop, tmp_path / "index", adapt="kind, colour")
    record = Index.open(tmp_path / "index").manifest.adaptation
    assert record is not None
    assert record.fields == ("kind", "colour")
    build(shop, tmp_path / "title", adapt="title")
    record = Index.open(tmp_path / "title").manifest.adaptation
    assert record is not None
    assert record.fields == ("title",)
    with pytest.raises(BuildError, match=r"'price'.*such fields are: title, kind, colour"):
        build(shop, tmp_path / "other", adapt="price")
    assert not (tmp_path / "other" / "CURRENT").exists()


def test_an_interrupted_build_resumes_with_its_features(shop: Path, tmp_path: Path) -> None:
    class Stopping(TaughtEncoder):
        def encode_image_rows(self, pixels: np.ndarray) -> np.ndarray:
            if self.images >= 128:
                raise KeyboardInterrupt
            return super().encode_image_rows(pixels)

    with pytest.raises(Exception, match="Stopped"):
        build(shop, tmp_path / "index", Stopping(), adapt="auto", batch_size=16)
    report = build(shop, tmp_path / "index", adapt="auto")
    assert report.embedded < COUNT
    build(shop, tmp_path / "whole", adapt="auto")
    resumed, whole = (Index.open(tmp_path / name) for name in ("index", "whole"))
    assert resumed.adaptation is not None
    assert whole.adaptation is not None
    np.testing.assert_array_equal(resumed.adaptation.weights, whole.adaptation.weights)


def test_an_index_that_keeps_features_learns_again(shop: Path, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    build(shop, folder, keep_features=True, tags=TagChoice(read_taxonomy(DEFAULT_TAXONOMY)))
    before = Index.open(folder)
    assert before.adaptation is None
    report = adapt(folder, lambda _: TaughtEncoder())
    after = Index.open(folder)
    assert report.adapted
    assert report.learned_from == ("title", "kind", "colour")
    assert report.generation == after.manifest.generation == 2
    assert kinds_found(Engine.open(folder, TaughtEncoder()), TextPart("lamp")) >= 0.8
    assert after.manifest.tagging == before.manifest.tagging
    assert all(each.intact for each in verify(folder))
    kinds = adapt(folder, lambda _: TaughtEncoder(), "kind")
    assert kinds.learned_from == ("kind",)
    assert Index.open(folder).manifest.adaptation != after.manifest.adaptation
    with pytest.raises(BuildError, match="index build --adapt off"):
        adapt(folder, lambda _: TaughtEncoder(), "off")


def test_what_was_learned_again_is_what_a_build_learns(shop: Path, tmp_path: Path) -> None:
    build(shop, tmp_path / "built", adapt="auto", keep_features=True)
    build(shop, tmp_path / "later", keep_features=True)
    adapt(tmp_path / "later", lambda _: TaughtEncoder())
    built, later = (Index.open(tmp_path / name) for name in ("built", "later"))
    assert built.adaptation is not None
    assert later.adaptation is not None
    np.testing.assert_allclose(later.adaptation.weights, built.adaptation.weights, atol=1e-5)
    np.testing.assert_allclose(
        later.segments[0].searched[:], built.segments[0].searched[:], atol=2e-3
    )


def test_features_are_kept_by_updates_and_merges(shop: Path, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    build(shop, folder, keep_features=True)
    more = write_taught_shop(tmp_path / "more", 30, seed=4)
    build(more, folder, keep_missing=True)
    merge(folder, lambda _: TaughtEncoder())
    (segment,) = Index.open(folder).segments
    assert segment.features is not None
    assert segment.features.shape == (COUNT + 30, 48)
    build(shop, folder, keep_features=False, text_weight=0.2)
    assert all(each.features is None for each in Index.open(folder).segments)


def test_features_that_were_not_kept_are_not_to_be_had(index: Path, shop: Path) -> None:
    with pytest.raises(BuildError, match=r"does not keep.*--keep-features"):
        adapt(index, lambda _: TaughtEncoder())
    with pytest.raises(BuildError, match="build it anew with --keep-features"):
        build(shop, index, keep_features=True)
    assert Index.open(index).manifest.generation == 1
