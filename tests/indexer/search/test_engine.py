from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from embeddings import FakeEncoder
from indexer import QueryError, UnknownProductError
from indexer.build import BuildOptions, build_index
from indexer.index import Index
from indexer.search import Engine, ImagePart, LikePart, Query, QueryPart, TextPart, tag_images
from indexer.storage import Layout

R2 = 2**-0.5


def ids(engine: Engine, *parts: QueryPart, k: int = 2, offset: int = 0) -> list[str]:
    query = Query(parts=parts, k=k, offset=offset)
    return [hit.id for hit in engine.search(query).hits]


def test_text_and_pictures_find_what_they_name(engine: Engine) -> None:
    assert ids(engine, TextPart("something blue"), k=1) == ["blue"]
    assert ids(engine, ImagePart(Image.new("RGB", (50, 20), (0, 200, 0))), k=1) == ["green"]


def test_parts_are_summed_by_weight(engine: Engine) -> None:
    vector = engine.embed([TextPart("red", 2), TextPart("green"), TextPart("blue", -0.5)])
    np.testing.assert_allclose(vector, np.array([2, 1, -0.5]) / np.sqrt(5.25), atol=1e-6)
    assert ids(engine, TextPart("red"), TextPart("green"), k=1) == ["yellow"]


def test_a_negative_weight_pushes_away(engine: Engine) -> None:
    assert ids(engine, TextPart("red"), TextPart("green", -1), k=5)[-1] == "green"


def test_like_is_left_out_of_its_own_hits(engine: Engine) -> None:
    assert ids(engine, LikePart("red"), k=5) == ["dark-red", "yellow", "green", "blue"]


def test_pages_join_without_gap_or_repeat(engine: Engine) -> None:
    whole = ids(engine, TextPart("green"), k=5)
    pages = [ids(engine, TextPart("green"), k=2, offset=offset) for offset in (0, 2, 4, 6)]
    assert [hit for page in pages for hit in page] == whole
    assert pages[3] == []


def test_the_answer_says_who_answered(engine: Engine) -> None:
    result = engine.search(Query(parts=(TextPart("red"),), k=1, fields=("price",)))
    assert (result.generation, result.model) == (1, "fake")
    assert result.hits[0].fields == {"price": 1.5}
    assert result.took_ms > 0


def test_queries_that_mean_nothing_are_refused(engine: Engine) -> None:
    with pytest.raises(QueryError, match="empty"):
        ids(engine)
    with pytest.raises(QueryError, match="cancel"):
        ids(engine, TextPart("red"), TextPart("red", -1))
    with pytest.raises(QueryError, match="cancel"):
        ids(engine, TextPart("red", 0))
    with pytest.raises(UnknownProductError):
        ids(engine, LikePart("nope"))


def test_tags_with_and_without_an_index_agree(engine: Engine) -> None:
    image = Image.new("RGB", (9, 9), (0, 0, 250))
    labels = ["red", "blue"]
    ((best, other),) = engine.tag([image], labels)
    assert (best.label, other.label) == ("blue", "red")
    assert best.confidence > 0.99
    assert tag_images(engine.encoder, [image], labels) == [[best, other]]
    assert engine.tag([image], labels, top=1) == [[best]]


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


def test_refresh_passes_over_what_it_cannot_serve(
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


def test_a_filter_is_kept_to(engine: Engine) -> None:
    query = Query(parts=(TextPart("red"),), k=9, filter={"price": {"lt": 4}})
    hits = engine.search(query).hits
    assert {hit.id for hit in hits} == {"red", "green", "blue"}
    assert all(hit.fields["price"] < 4 for hit in hits)
