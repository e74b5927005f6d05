from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from embeddings import FakeEncoder
from indexer import UnknownProductError
from indexer.build import BuildOptions, build_index
from indexer.index import Index
from indexer.search import Engine, ImagePart, LikePart, Query, QueryPart, TextPart, encode_images
from indexer.storage import Layout


def ids(engine: Engine, *parts: QueryPart, k: int = 2, offset: int = 0) -> list[str]:
    query = Query(parts=parts, k=k, offset=offset)
    return [hit.id for hit in engine.search(query).hits]


def test_texts_and_images_find_what_they_show(engine: Engine) -> None:
    assert ids(engine, TextPart("something blue"), k=1) == ["blue"]
    assert ids(engine, ImagePart(Image.new("RGB", (50, 20), (0, 200, 0))), k=1) == ["green"]


def test_a_negative_weight_pushes_away(engine: Engine) -> None:
    assert ids(engine, TextPart("red"), TextPart("green", -1), k=5)[-1] == "green"


def test_like_is_left_out_of_its_own_hits(engine: Engine) -> None:
    assert ids(engine, LikePart("red"), k=5) == ["dark-red", "yellow", "green", "blue"]


def test_pages_join_without_gap_or_repeat(engine: Engine) -> None:
    whole = ids(engine, TextPart("green"), k=5)
    pages = [ids(engine, TextPart("green"), k=2, offset=offset) for offset in (0, 2, 4, 6)]
    assert [hit for page in pages for hit in page] == whole
    assert pages[3] == []


def test_the_result_names_its_generation_and_model(engine: Engine) -> None:
    result = engine.search(Query(parts=(TextPart("red"),), k=1, fields=("price",)))
    assert (result.generation, result.model) == (1, "fake")
    assert result.hits[0].fields == {"price": 1.5}
    assert result.took_ms > 0


def test_an_unknown_product_is_refused(engine: Engine) -> None:
    with pytest.raises(UnknownProductError, match="nope"):
        ids(engine, LikePart("nope"))
    with pytest.raises(UnknownProductError, match="nope"):
        engine.product("nope")


def test_images_are_tagged_with_the_callers_labels(engine: Engine) -> None:
    vectors = encode_images(engine.encoder, [Image.new("RGB", (9, 9), (0, 0, 250))])
    ((best, other),) = engine.tag_vectors(vectors, ["red", "blue"])
    assert (best.label, other.label) == ("blue", "red")
    assert best.confidence > 0.99
    assert best.confidence + other.confidence == pytest.approx(1)
    assert engine.tag_vectors(vectors, ["red", "blue"], top=1) == [[best]]


def rebuild(colours: Path, tmp_path: Path, title: str, encoder: FakeEncoder | None = None) -> None:
    lines = [line for line in colours.read_text().splitlines() if not line.startswith("red,")]
    colours.write_text("\n".join([*lines, f"red,red.png,{title},1.50"]) + "\n")
    build_index(colours, tmp_path / "index", encoder or FakeEncoder(), BuildOptions(workers=0))


def test_refresh_moves_to_the_new_generation(engine: Engine, colours: Path, tmp_path: Path) -> None:
    assert not engine.refresh()
    before = engine.index
    rebuild(colours, tmp_path, "renamed")
    assert engine.product("red").fields["title"] == "A red thing"
    assert engine.refresh()
    assert engine.product("red").fields["title"] == "renamed"
    assert engine.search(Query(parts=(TextPart("red"),))).generation == 2
    assert before.get("red").fields["title"] == "A red thing"  # for queries under way
    assert not engine.refresh()


def test_refresh_refuses_what_it_cannot_serve(
    engine: Engine, colours: Path, tmp_path: Path
) -> None:
    rebuild(colours, tmp_path, "other", FakeEncoder(fingerprint="another"))
    assert not engine.refresh()
    assert engine.index.manifest.generation == 1
    rebuild(colours, tmp_path, "damaged")
    live = Index.open(tmp_path / "index").manifest.segments[0].id
    Layout(tmp_path / "index").segment(live).fields.unlink()
    assert not engine.refresh()
    Layout(tmp_path / "index").current.unlink()
    assert not engine.refresh()
    assert engine.product("red").fields["title"] == "A red thing"


def test_a_filter_leaves_out_other_products(engine: Engine) -> None:
    query = Query(parts=(TextPart("red"),), k=9, filter={"price": {"lt": 4}})
    hits = engine.search(query).hits
    assert {hit.id for hit in hits} == {"red", "green", "blue"}
    assert all(hit.fields["price"] < 4 for hit in hits)
