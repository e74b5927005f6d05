from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from embeddings import FakeEncoder
from indexer import NoIndexError, QueryError, UnknownProductError
from indexer.build import BuildOptions, build_index
from indexer.catalog import FieldType
from indexer.errors import DamagedIndexError, EncoderMismatchError
from indexer.index import Index, NewImage, NewProduct, index_exists, write_segment
from indexer.retrieval import parse_filter
from indexer.search import Engine
from indexer.storage import SEGMENT_FILES, EncoderRecord, Layout, Manifest, publish

RED, GREEN, BLUE = np.eye(3, dtype=np.float32)


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


@pytest.fixture
def folder(colours: Path, tmp_path: Path, fast_options: BuildOptions) -> Path:
    """An index folder with two generations; only the second knows `blue` as 'changed'."""
    build_index(colours, tmp_path / "index", FakeEncoder(), fast_options)
    colours.write_text(colours.read_text().replace("A blue thing", "changed"))
    build_index(colours, tmp_path / "index", FakeEncoder(), fast_options)
    return tmp_path / "index"


def live_segment(folder: Path) -> Path:
    manifest = json.loads((folder / "manifests" / "000002.json").read_text())
    return folder / "segments" / manifest["segments"][0]["id"]


def test_hits_are_the_nearest_in_order_with_their_cosines(folder: Path) -> None:
    hits = Index.open(folder).search(RED, 3, fields=["price"])
    # red and dark red point the same way; the tie keeps catalog order; yellow is at 45 degrees
    assert [hit.id for hit in hits] == ["red", "dark-red", "yellow"]
    assert [hit.score for hit in hits] == pytest.approx([1, 1, 2**-0.5], abs=1e-3)
    assert [hit.fields for hit in hits] == [{"price": 1.5}, {"price": 5.5}, {"price": 4.5}]


def test_excluded_products_are_left_out_and_replaced(folder: Path) -> None:
    hits = Index.open(folder).search(RED, 2, exclude={"red"})
    assert [hit.id for hit in hits] == ["dark-red", "yellow"]


def test_k_beyond_the_index_gives_everything_once(folder: Path) -> None:
    hits = Index.open(folder).search(GREEN, 1000)
    assert sorted(hit.id for hit in hits) == ["blue", "dark-red", "green", "red", "yellow"]


def test_unknown_fields_and_products_are_named(folder: Path) -> None:
    index = Index.open(folder)
    with pytest.raises(QueryError, match=r"'prize'.*title, price"):
        index.search(RED, 1, fields=["prize"])
    with pytest.raises(UnknownProductError, match="'nope'"):
        index.get("nope")
    with pytest.raises(UnknownProductError, match="1 picture"):
        index.thumbnail("red", 1)
    with pytest.raises(UnknownProductError):
        index.thumbnail("red", -1)


def test_the_newest_generation_is_live(folder: Path) -> None:
    index = Index.open(folder)
    assert index.manifest.generation == 2
    assert index.get("blue").fields["title"] == "changed"


def test_another_encoder_is_refused_naming_both(folder: Path) -> None:
    with pytest.raises(
        EncoderMismatchError, match=r"'fake' \(fake-fingerp.*'other' \(0123456789ab"
    ):
        Engine.open(folder, FakeEncoder(name="other", fingerprint="0123456789abcdef"))


@pytest.mark.parametrize("how", ["missing", "cut", "zeroed", "flipped"])
@pytest.mark.parametrize("name", SEGMENT_FILES)
def test_any_damaged_file_is_refused_and_the_last_good_generation_serves(
    folder: Path, name: str, how: str
) -> None:
    damage(live_segment(folder) / name, how)
    index = Index.open(folder)
    assert index.manifest.generation == 1
    assert index.get("blue").fields["title"] == "A blue thing"


@pytest.mark.parametrize("how", ["missing", "cut", "zeroed"])
@pytest.mark.parametrize("name", ["CURRENT", "manifests/000002.json"])
def test_damage_above_the_segments_still_serves(folder: Path, name: str, how: str) -> None:
    damage(folder / name, how)
    expected = 2 if name == "CURRENT" else 1
    assert Index.open(folder).manifest.generation == expected


def test_a_manifest_that_names_other_counts_is_refused(folder: Path) -> None:
    path = folder / "manifests" / "000002.json"
    raw = json.loads(path.read_text())
    raw["segments"][0]["images"] = 6
    path.write_text(json.dumps(raw))
    assert Index.open(folder).manifest.generation == 1


def test_a_manifest_of_a_later_format_is_refused(folder: Path) -> None:
    shutil.rmtree(folder / "segments")
    for path in (folder / "manifests").iterdir():
        path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
    with pytest.raises(DamagedIndexError, match="format 99"):
        Index.open(folder)


def test_no_intact_generation_is_said_plainly(folder: Path) -> None:
    shutil.rmtree(folder / "segments")
    with pytest.raises(DamagedIndexError, match="No generation of this index is intact"):
        Index.open(folder)


def test_a_folder_without_index(tmp_path: Path) -> None:
    with pytest.raises(NoIndexError, match="lookalike index build"):
        Index.open(tmp_path)
    assert not index_exists(tmp_path)


def test_a_build_mends_a_damaged_index(
    folder: Path, colours: Path, fast_options: BuildOptions
) -> None:
    for path in (folder / "segments").rglob("vectors.npy"):
        damage(path, "flipped")
    report = build_index(colours, folder, FakeEncoder(), fast_options)
    assert (report.generation, report.embedded) == (3, 5)
    assert Index.open(folder).manifest.generation == 3
    assert index_exists(folder)


def random_index(tmp_path: Path, pictures: int) -> tuple[Index, list[tuple[str, np.ndarray]]]:
    """An index of random vectors, some products with several; and every (id, stored vector)."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(pictures, 16))
    stored = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
    owners = np.sort(rng.integers(0, pictures // 2, pictures))
    products = []
    for owner in np.unique(owners):
        images = [
            NewImage(bytes(32), "", stored[row], b"") for row in np.flatnonzero(owners == owner)
        ]
        products.append(
            NewProduct(f"p{owner}", {"n": int(owner), "odd": bool(owner % 2)}, images, bytes(16))
        )
    half = len(products) // 2
    types = {"n": FieldType.INTEGER, "odd": FieldType.BOOLEAN}
    records = [
        write_segment(Layout(tmp_path).segment(name), part, types, 16)
        for name, part in (("a", products[:half]), ("b", products[half:]))
    ]
    manifest = Manifest(
        generation=1,
        created="",
        encoder=EncoderRecord("fake", "fake", 16),
        segments=tuple(records),
        products=len(products),
        images=pictures,
        fields={name: str(kind) for name, kind in types.items()},
        catalog="random",
    )
    publish(Layout(tmp_path), manifest)
    return Index.open(tmp_path), [(f"p{o}", v) for o, v in zip(owners, stored, strict=True)]


@pytest.mark.parametrize(
    ("raw", "passes"),
    [
        (None, lambda n: True),
        ({"odd": True}, lambda n: n % 2 == 1),
        ({"n": {"lt": 7}}, lambda n: n < 7),
        ({"n": {"gte": 390}, "odd": False}, lambda n: n >= 390 and n % 2 == 0),
        ({"n": -1}, lambda n: False),
    ],
)
def test_two_segments_answer_as_brute_force_does(
    tmp_path: Path, raw: dict[str, object] | None, passes: Callable[[int], bool]
) -> None:
    index, pictures = random_index(tmp_path, 800)
    where = None if raw is None else parse_filter(raw, index.manifest.fields)
    for query in np.random.default_rng(1).normal(size=(10, 16)):
        vector = (query / np.linalg.norm(query)).astype(np.float32)
        best: dict[str, float] = {}
        for product, stored in pictures:
            if passes(int(product[1:])):
                cosine = float(stored.astype(np.float32) @ vector)
                best[product] = max(best.get(product, -2), cosine)
        expected = sorted(best, key=lambda product: -best[product])[:10]
        hits = index.search(vector, 10, where=where)
        assert [hit.id for hit in hits] == expected
        assert [hit.score for hit in hits] == pytest.approx([best[p] for p in expected], abs=1e-4)


def test_facets_count_what_passes_the_filter(tmp_path: Path) -> None:
    index, pictures = random_index(tmp_path, 800)
    numbers = {int(product[1:]) for product, _ in pictures}
    odd = sum(n % 2 for n in numbers)
    expected = sorted([(True, odd), (False, len(numbers) - odd)], key=lambda pair: -pair[1])
    assert index.facets(["odd"]) == {"odd": expected}
    few = parse_filter({"n": {"in": sorted(numbers)[:3]}}, index.manifest.fields)
    assert index.facets(["n"], few) == {"n": [(n, 1) for n in sorted(numbers)[:3]]}
    with pytest.raises(QueryError, match="'prize'"):
        index.facets(["prize"])
