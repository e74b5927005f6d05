"""Opening of generations: the live one, the newest intact one, and what two have in common."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from embeddings import FakeEncoder
from indexer import NoIndexError
from indexer.build import BuildOptions, build_index
from indexer.errors import DamagedIndexError
from indexer.index import Index, index_exists
from indexer.retrieval import parse_filter
from indexer.storage import SEGMENT_FILES, Layout, publish


def damage(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "missing":
        path.unlink()
        return
    if how == "cut":
        content = content[: len(content) // 2]
    elif how == "zeroed":
        content = bytearray(len(content))
    else:
        content[len(content) // 2] ^= 1
    path.write_bytes(content)


def live_segment(folder: Path) -> Path:
    manifest = json.loads((folder / "manifests" / "000002.json").read_text())
    return folder / "segments" / manifest["segments"][0]["id"]


def test_the_newest_generation_is_live(colour_generations: Index) -> None:
    assert colour_generations.manifest.generation == 2
    assert colour_generations.get("blue").fields["title"] == "changed"


@pytest.mark.parametrize("how", ["missing", "cut", "zeroed", "flipped"])
@pytest.mark.parametrize("name", SEGMENT_FILES)
def test_any_damaged_file_is_refused_and_the_last_good_generation_serves(
    folder: Path, name: str, how: str
) -> None:
    damage(live_segment(folder) / name, how)
    index = Index.open(folder)
    assert index.manifest.generation == 1
    assert index.get("blue").fields["title"] == "A blue thing"
    with pytest.raises(DamagedIndexError, match=name):
        Index.open(folder, 2)


@pytest.mark.parametrize("how", ["missing", "cut", "zeroed"])
@pytest.mark.parametrize("name", ["CURRENT", "manifests/000002.json"])
def test_damage_above_the_segments_still_serves(folder: Path, name: str, how: str) -> None:
    damage(folder / name, how)
    expected = 2 if name == "CURRENT" else 1
    assert Index.open(folder).manifest.generation == expected


@pytest.mark.case(18)
def test_a_manifest_with_other_counts_is_refused(folder: Path) -> None:
    layout = Layout(folder)
    manifest = Index.open(folder).manifest
    (segment,) = manifest.segments
    for wrong, problem in (
        (replace(manifest, products=6), "hold 5 products where the manifest says 6"),
        (replace(manifest, images=6), "hold 5 images where the manifest says 6"),
        (
            replace(manifest, segments=(replace(segment, images=6),)),
            r"holds \(5, 3\) where its manifest says \(6, 3\)",
        ),
        (
            replace(manifest, segments=(replace(segment, deleted="9"),)),
            "list of deleted rows of segment .* is damaged",
        ),
        (replace(manifest, fields={"title": "integer"}), "'title' of segment .* is string"),
    ):
        publish(layout, replace(wrong, generation=3))
        with pytest.raises(DamagedIndexError, match=problem):
            Index.open(folder, 3)
        assert Index.open(folder).manifest.generation == 2


def test_a_manifest_of_a_later_format_is_refused(folder: Path) -> None:
    for path in (folder / "manifests").iterdir():
        path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
    with pytest.raises(DamagedIndexError, match="format 99"):
        Index.open(folder)


def test_the_message_says_that_no_generation_is_intact(folder: Path) -> None:
    shutil.rmtree(folder / "segments")
    with pytest.raises(DamagedIndexError, match="No generation of this index is intact"):
        Index.open(folder)


def test_a_folder_without_index(tmp_path: Path) -> None:
    with pytest.raises(NoIndexError, match="lookalike index build"):
        Index.open(tmp_path)
    assert not index_exists(tmp_path)
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "000001.json").write_text("")
    assert index_exists(tmp_path)


def test_a_build_mends_a_damaged_index(
    folder: Path, colours: Path, fast_options: BuildOptions
) -> None:
    for path in (folder / "segments").rglob("vectors.npy"):
        damage(path, "flipped")
    report = build_index(colours, folder, FakeEncoder(), fast_options)
    assert (report.generation, report.embedded) == (3, 5)
    assert Index.open(folder).manifest.generation == 3


def test_an_unchanged_segment_is_shared_between_generations(folder: Path) -> None:
    layout, index = Layout(folder), Index.open(folder)
    (segment,) = index.segments
    publish(layout, replace(index.manifest, generation=3))
    again = Index.open(folder, previous=index)
    assert again.manifest.generation == 3
    assert again.segments == index.segments
    red = segment.find("red")
    record = replace(segment.record, deleted=str(red), deleted_products=1, deleted_images=1)
    fewer = replace(index.manifest, generation=4, segments=(record,), products=4, images=4)
    publish(layout, fewer)
    # Files that are open already are not read again.
    layout.segment(record.id).root.rename(folder / "moved")
    (view,) = Index.open(folder, 4, previous=again).segments
    assert (view.products, view.images, view.find("red")) == (4, 4, None)
    assert segment.find("red") == red
    assert view.vectors is segment.vectors
    assert view.field_table is segment.field_table
    where = parse_filter({"price": {"lt": 3}}, fewer.fields)
    for one, expected in ((segment, {"red", "green"}), (view, {"green"})):
        rows = np.flatnonzero(one.products_where(where)).tolist()
        assert {one.product_id(row) for row in rows} == expected
