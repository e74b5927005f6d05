"""Tags that an index keeps: made by builds, kept by updates and merges, changed by retagging."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from embeddings import FakeEncoder
from indexer.build import BuildOptions, build_index, merge, retag
from indexer.errors import DamagedIndexError, TaxonomyError
from indexer.index import NO_TAGS, Index, TagChoice, describe, prune, rollback, tag_coverage, verify
from indexer.retrieval import parse_filter
from indexer.search import Engine, LikePart, Query
from indexer.storage import Layout
from indexer.tagging.taxonomy import Group, Label, Taxonomy
from tests.indexer.build.catalogs import CountingEncoder

GOLDEN = Path(__file__).parents[2] / "data" / "indices"

# FakeEncoder's vectors are colours: an image of pure red is 1 to "red" and 0 to "green" and
# "blue"; yellow is as near to red as to green, and to neither near enough.
WARM = Label("warm", templates=("{}",))
HUES = Group(
    "hue", True, (WARM, *(Label(n, templates=("{}",), parent="warm" if n == "red" else None)
                          for n in ("red", "green", "blue"))),
    templates=("{}",),
)  # fmt: skip
TAXONOMY = Taxonomy("hues", 3, (HUES,))
PRIMARIES = Taxonomy(
    "primaries", 1, (Group("primary", True, HUES.labels[2:], templates=("{}",)),)
)  # green and blue alone


def options(taxonomy: Taxonomy | None = None, **more: object) -> BuildOptions:
    choice = None if taxonomy is None else TagChoice(taxonomy)
    return BuildOptions(workers=0, text_weight=0.0, tags=choice, **more)


@pytest.fixture(scope="module")
def tagged_index(colour_catalog: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index of the colour catalog, tagged; read-only."""
    index = tmp_path_factory.mktemp("tagged") / "index"
    build_index(colour_catalog / "catalog.csv", index, FakeEncoder(), options(TAXONOMY))
    return index


@pytest.fixture
def tagged(tagged_index: Path, tmp_path: Path) -> Path:
    """A copy of the tagged index."""
    return shutil.copytree(tagged_index, tmp_path / "index")


def hues(folder: Path, field: str = "tag_hue") -> dict[str, object]:
    index = Index.open(folder)
    ids = ("red", "green", "blue", "yellow", "dark-red")
    return {name: index.get(name).fields.get(field) for name in ids if name in index}


EXPECTED = {
    "red": ["red", "warm"],
    "green": ["green"],
    "blue": ["blue"],
    "yellow": None,
    "dark-red": ["red", "warm"],
}


def test_a_build_tags_filters_and_counts(tagged: Path) -> None:
    assert hues(tagged) == EXPECTED
    index = Index.open(tagged)
    assert index.manifest.fields == {"title": "text", "price": "float"}
    assert index.manifest.columns == {"title": "text", "price": "float", "tag_hue": "labels"}
    assert dict(index.facets(["tag_hue"])["tag_hue"]) == {
        "red": 2, "warm": 2, "green": 1, "blue": 1
    }  # fmt: skip
    assert tag_coverage(index) == {"tag_hue": 4}
    facts = describe(index, tagged)
    assert (facts["taxonomy"], facts["taxonomy_version"]) == ("hues", 3)
    assert facts["tagged"] == {"tag_hue": 0.8}
    assert "tag_hue" not in facts["fields"]

    def found(raw: object) -> set[str]:
        where = parse_filter(raw, index.manifest.columns)
        vector = np.array([1, 0, 0], np.float32)
        return {hit.id for hit in index.search(vector, 9, where=where)}

    assert found({"tag_hue": "warm"}) == {"red", "dark-red"}
    assert found({"tag_hue": ["green", "blue"]}) == {"green", "blue"}
    assert found({"and": [{"tag_hue": "red"}, {"price": {"gt": 2}}]}) == {"dark-red"}
    assert found({"tag_hue": {"not": "red"}}) == {"green", "blue", "yellow"}
    assert found({"tag_hue": {"exists": False}}) == {"yellow"}
    assert found({"tag_hue": {"prefix": "b"}}) == {"blue"}
    assert found({"tag_hue": "purple"}) == set()


def test_retagging_embeds_nothing_and_leaves_segments_alone(tagged: Path) -> None:
    before = Index.open(tagged).manifest
    encoder = CountingEncoder(fingerprint=FakeEncoder().spec.fingerprint)
    report = retag(tagged, lambda _: encoder, TagChoice(PRIMARIES))
    after = Index.open(tagged).manifest
    assert encoder.images == 0
    assert (report.generation, report.taxonomy) == (2, "primaries")
    assert report.tagged == {"tag_primary": 2}
    assert [s.files for s in after.segments] == [s.files for s in before.segments]
    assert hues(tagged, "tag_primary") == {
        "red": None, "green": ["green"], "blue": ["blue"], "yellow": None, "dark-red": None
    }  # fmt: skip
    assert set(hues(tagged).values()) == {None}
    assert rollback(tagged) == 1
    assert hues(tagged) == EXPECTED


def test_a_build_with_another_taxonomy_retags_and_with_the_same_does_nothing(
    tagged: Path, colours: Path
) -> None:
    report = build_index(colours, tagged, FakeEncoder(), options(TAXONOMY))
    assert not report.published
    assert not build_index(colours, tagged, FakeEncoder(), options()).published
    report = build_index(colours, tagged, FakeEncoder(), options(PRIMARIES))
    assert (report.published, report.embedded, report.changed) == (True, 0, 0)
    assert hues(tagged, "tag_primary")["green"] == ["green"]


def test_updates_and_merges_keep_tags(tagged: Path, colours: Path) -> None:
    first = Index.open(tagged).manifest
    Image.new("RGB", (32, 32), (0, 0, 200)).save(colours.parent / "navy.png")
    with colours.open("a") as file:
        file.write("navy,navy.png,Navy,9.5\n")
    colours.write_text(colours.read_text().replace("green,green.png,A green thing,2.50\n", ""))
    # Kept rows of the small segment are absorbed by the new one, with their tags.
    keep = options(keep_missing=True)
    build_index(colours, tagged, FakeEncoder(), keep)
    index = Index.open(tagged)
    assert index.get("navy").fields["tag_hue"] == ["blue"]
    assert hues(tagged) == EXPECTED
    assert index.manifest.tagging is not None
    assert first.tagging is not None
    assert index.manifest.tagging.fit == first.tagging.fit
    build_index(colours, tagged, FakeEncoder(), options())
    assert "green" not in Index.open(tagged)
    merge(tagged, lambda _: FakeEncoder())
    assert Index.open(tagged).get("navy").fields["tag_hue"] == ["blue"]
    assert hues(tagged) == {k: v for k, v in EXPECTED.items() if k != "green"}
    assert all(report.intact for report in verify(tagged))


def test_another_encoder_fits_the_same_taxonomy_anew(tagged: Path, colours: Path) -> None:
    other = FakeEncoder(fingerprint="another")
    build_index(colours, tagged, other, options())
    index = Index.open(tagged)
    assert index.manifest.encoder.fingerprint == "another"
    assert index.manifest.tagging is not None
    assert index.manifest.tagging.taxonomy == "hues"
    assert hues(tagged) == EXPECTED


def test_tags_can_be_taken_off(tagged: Path, colours: Path) -> None:
    report = retag(tagged, lambda _: FakeEncoder(), NO_TAGS)
    assert (report.taxonomy, report.tagged) == (None, {})
    assert "tag_hue" not in Index.open(tagged).manifest.columns
    with pytest.raises(TaxonomyError, match="--tags"):
        retag(tagged, lambda _: FakeEncoder())
    assert prune(tagged) == [1]
    assert list(Layout(tagged).tags.iterdir()) == []
    build_index(colours, tagged, FakeEncoder(), options())
    assert Index.open(tagged).manifest.tagging is None


def test_a_column_of_the_catalog_goes_before_tags_of_its_name(tagged: Path, colours: Path) -> None:
    text = colours.read_text()
    header, *rows = text.splitlines()
    colours.write_text("\n".join([header + ",tag_hue", *(row + ",own" for row in rows)]) + "\n")
    build_index(colours, tagged, FakeEncoder(), options())
    index = Index.open(tagged)
    assert index.manifest.columns["tag_hue"] == "text"
    assert index.get("red").fields["tag_hue"] == "own"
    assert tag_coverage(index) == {}
    colours.write_text(text)
    build_index(colours, tagged, FakeEncoder(), options())
    assert hues(tagged) == EXPECTED


def test_pruning_removes_the_tags_of_old_generations(tagged: Path) -> None:
    retag(tagged, lambda _: FakeEncoder(), TagChoice(PRIMARIES))
    (Layout(tagged).tags / "left-by-a-crash.arrow").write_bytes(b"x")
    assert prune(tagged) == [1]
    manifest = Index.open(tagged).manifest
    assert {path.name for path in Layout(tagged).tags.iterdir()} == set(manifest.tag_files)
    assert len(manifest.tag_files) == 3


@pytest.mark.parametrize("which", ["tags", "labels", "fit"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "missing"])
def test_damaged_tags_are_refused_and_the_last_good_generation_serves(
    tagged: Path, which: str, damage: str
) -> None:
    retag(tagged, lambda _: FakeEncoder(), TagChoice(PRIMARIES))
    manifest = Index.open(tagged).manifest
    assert manifest.tagging is not None
    assert manifest.segments[0].tags is not None
    named = {
        "tags": manifest.segments[0].tags,
        "labels": manifest.tagging.labels,
        "fit": manifest.tagging.fit,
    }
    path = Layout(tagged).tags / named[which].name
    content = bytearray(path.read_bytes())
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(content[:-1])
    else:
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    with pytest.raises(DamagedIndexError, match=named[which].name):
        Index.open(tagged, 2)
    assert Index.open(tagged).manifest.generation == 1
    assert hues(tagged) == EXPECTED
    assert [report.intact for report in verify(tagged)] == [False, True]


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_indexes_of_older_formats_are_retagged(version: str, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    shutil.copytree(GOLDEN / version, folder)
    retag(folder, lambda _: FakeEncoder(), TagChoice(TAXONOMY))
    index = Index.open(folder)
    assert index.get("red").fields["tag_hue"] == ["red", "warm"]
    assert index.get("blue/1").fields["tag_hue"] == ["blue"]
    assert "tag_hue" not in index.get("both").fields
    assert all(segment.colours is None for segment in index.segments)
    merge(folder, lambda _: FakeEncoder())
    (segment,) = Index.open(folder).segments
    assert segment.colours is not None
    assert (segment.colours[:, :, 3].sum(axis=1) > 0).all()  # measured on the thumbnails
    assert Index.open(folder).get("red").fields["tag_hue"] == ["red", "warm"]


def test_grouping_by_a_tag(tagged: Path) -> None:
    engine = Engine.open(tagged, FakeEncoder())
    query = Query(parts=(LikePart("yellow"),), k=9, group="tag_hue")
    grouped = {(hit.id, *hit.grouped) for hit in engine.search(query).hits}
    assert grouped == {("green",), ("blue",), ("red", "dark-red")}


def test_colours_are_those_measured_and_else_what_the_model_says(tmp_path: Path) -> None:
    paints = {"red": (230, 10, 20), "black": (8, 8, 8), "white": (255, 255, 255)}
    for name, paint in paints.items():
        Image.new("RGB", (32, 32), paint).save(tmp_path / f"{name}.png")
    rows = [{"id": name, "image": f"{name}.png"} for name in paints]
    rows.append({"id": "both", "image": ["red.png", "black.png"]})
    catalog = tmp_path / "catalog.jsonl"
    catalog.write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = tuple(Label(name, templates=("{}",)) for name in ("red", "black"))
    taxonomy = Taxonomy("paints", 1, (Group("colour", True, words, templates=("{}",)),))
    folder = tmp_path / "index"
    build_index(catalog, folder, FakeEncoder(), options(taxonomy))
    index = Index.open(folder)
    found = {row["id"]: index.get(str(row["id"])).fields.get("tag_colour") for row in rows}
    assert found.pop("both") in (["red", "black"], ["black", "red"])
    # To the model black is as good as any grey, and "black" no colour that it knows.
    assert found == {"red": ["red"], "black": ["black"], "white": None}

    older = shutil.copytree(GOLDEN / "v3", tmp_path / "v3")
    retag(older, lambda _: FakeEncoder(), TagChoice(taxonomy))
    assert Index.open(older).get("red").fields["tag_colour"] == ["red"]
    assert "tag_colour" not in Index.open(older).get("green").fields
