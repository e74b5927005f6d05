"""Near-duplicates: planted copies are found, what only looks alike is not."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

from indexer.index import ImageTable, Index, scan_images
from indexer.quality import DuplicateGroup, DuplicateReport, Likeness, find_duplicates
from indexer.quality.duplicate_candidates import near_by_vector
from indexer.quality.duplicates import _Bond, _stars
from indexer.storage import IndexKind
from search_api.demo import draw_product
from tests.support.image_catalogs import COPIES, build, copy_of, drawn, jpeg

PRODUCTS = drawn(48)
# The first products have a copy each under another id.
PLANTED = {f"copy-{kind}": (product, kind) for product, kind in zip(PRODUCTS, COPIES, strict=False)}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    rows: list[dict[str, object]] = []
    images = {}
    for product in PRODUCTS:
        images[f"{product.id}.jpg"] = jpeg(product.image)
        rows.append({"id": product.id, "image": f"{product.id}.jpg", "title": product.title})
    for name, (product, kind) in PLANTED.items():
        images[f"{name}.jpg"] = copy_of(product.image, kind)
        rows.append({"id": name, "image": f"{name}.jpg", "title": f"Copy of {product.title}"})
    twin = PRODUCTS[10]
    rows.append({"id": "twin", "image": f"{twin.id}.jpg", "title": "Twin"})
    # The same file twice within a product is no concern of other products.
    rows.append({"id": "own", "image": [f"{PRODUCTS[11].id}.jpg"] * 2, "title": "Own"})
    return build(tmp_path_factory.mktemp("duplicates"), rows, images)


@pytest.fixture(scope="module")
def report(index: Index) -> DuplicateReport:
    return find_duplicates(index)


def group_of(report: DuplicateReport, product: str) -> DuplicateGroup:
    return next(g for g in report.groups if product in {m.id for m in g.members})


def pairs(report: DuplicateReport) -> set[frozenset[str]]:
    return {frozenset(member.id for member in group.members) for group in report.groups}


def test_finds_every_planted_copy_and_nothing_else(report: DuplicateReport) -> None:
    planted = {frozenset((name, product.id)) for name, (product, _) in PLANTED.items()}
    assert pairs(report) == {
        *planted,
        frozenset((PRODUCTS[10].id, "twin")),
        frozenset((PRODUCTS[11].id, "own")),
    }
    assert report.pictures == len(PRODUCTS) + len(PLANTED) + 3
    assert report.by_pixels


def test_says_how_alike_they_are(report: DuplicateReport) -> None:
    expected = {
        "copy-reencoded": (Likeness.SAME, False, False),
        "copy-resized": (Likeness.SAME, False, False),
        "copy-cropped": (Likeness.SIMILAR, False, True),
        "copy-mirrored": (Likeness.SIMILAR, True, False),
        "twin": (Likeness.EXACT, False, False),
    }
    for name, facts in expected.items():
        group = group_of(report, name)
        other = group.members[1]
        assert (other.likeness, other.mirrored, other.cropped) == facts, name
        assert group.likeness is facts[0]
        assert 0.88 < other.similarity <= 1


def test_members_carry_what_a_person_needs(report: DuplicateReport) -> None:
    first, second = group_of(report, "twin").members
    assert (first.id, first.title) == (PRODUCTS[10].id, PRODUCTS[10].title)
    assert (second.id, second.title, second.picture) == ("twin", "Twin", 0)
    assert first.location == second.location == f"{PRODUCTS[10].id}.jpg"
    assert [m.picture for m in group_of(report, "own").members] == [0, 0, 1]


def test_levels_take_in_those_before(index: Index) -> None:
    exact = pairs(find_duplicates(index, Likeness.EXACT))
    same = pairs(find_duplicates(index, Likeness.SAME))
    assert exact == {
        frozenset((PRODUCTS[10].id, "twin")),
        frozenset((PRODUCTS[11].id, "own")),
    }
    assert same - exact == {
        frozenset((f"copy-{kind}", PLANTED[f"copy-{kind}"][0].id))
        for kind in ("reencoded", "resized")
    }


def test_colour_variants_are_not_the_same_picture(tmp_path: Path) -> None:
    names = ("red", "blue", "green", "black")
    images = {
        f"{name}.jpg": jpeg(draw_product("mug", name, "plain", None, Random(1))) for name in names
    }
    rows = [{"id": name, "image": f"{name}.jpg"} for name in names]
    assert find_duplicates(build(tmp_path, rows, images)).groups == ()


def test_without_thumbnails_vectors_decide(tmp_path: Path) -> None:
    # The fake encoder sees mean colours only: grounds of other colours are surely apart.
    images = {
        f"{n}.jpg": jpeg(Image.new("RGB", (64, 64), colour))
        for n, colour in enumerate([(200, 30, 30), (30, 200, 30), (30, 30, 200)])
    }
    again = jpeg(Image.new("RGB", (64, 64), (200, 30, 30)), 60)
    rows = [{"id": name, "image": name} for name in (*images, "again.jpg")]
    index = build(tmp_path, rows, {**images, "again.jpg": again}, thumbnails=False)
    report = find_duplicates(index)
    assert not report.by_pixels
    assert pairs(report) == {frozenset(("0.jpg", "again.jpg"))}
    assert report.groups[0].members[1].likeness is Likeness.SAME


def test_blank_pictures_are_no_group(tmp_path: Path) -> None:
    images = {
        f"{n}.jpg": jpeg(Image.new("RGB", (64, 64), (255 - 9 * n, 255, 255 - 9 * n)))
        for n in range(6)
    }
    rows = [{"id": name, "image": name} for name in images]
    assert find_duplicates(build(tmp_path, rows, images)).groups == ()


def test_resemblance_is_not_passed_on() -> None:
    """0 resembles 1 resembles 2 resembles 3: no group may hold both ends."""
    bond = _Bond(Likeness.SAME, 0.95)
    chain = {0: {1: bond}, 1: {0: bond, 2: bond}, 2: {1: bond, 3: bond}, 3: {2: bond}}
    stars = [[image for image, _ in star] for star in _stars({n: [n] for n in range(4)}, chain)]
    assert stars == [[1, 0, 2]]
    for centre, *others in stars:
        assert all(other in chain[centre] for other in others)


@pytest.mark.parametrize("kind", [IndexKind.FLAT, IndexKind.HNSW])
def test_every_kind_and_several_segments(
    tmp_path: Path, kind: IndexKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "indexer.build.update._SMALL", 0
    )  # segments this small are merged otherwise
    monkeypatch.setattr("indexer.retrieval.ann.choice._MIN_LEARNED", 1)
    rows: list[dict[str, object]] = []
    images = {}
    for product in PRODUCTS[:30]:
        images[f"{product.id}.jpg"] = jpeg(product.image)
        rows.append({"id": product.id, "image": f"{product.id}.jpg"})
    build(tmp_path, rows, images)
    copies = {f"{kind}.jpg": copy_of(PRODUCTS[3].image, kind) for kind in COPIES}
    rows += [{"id": name, "image": name} for name in copies]
    index = build(tmp_path, rows, copies, kind=kind)
    assert len(index.segments) == 2
    assert index.segments[1].record.neighbours.kind is kind
    assert pairs(find_duplicates(index)) == {frozenset((*copies, PRODUCTS[3].id))}


def test_the_table_numbers_living_pictures(tmp_path: Path) -> None:
    images = {f"{n}.jpg": jpeg(product.image) for n, product in enumerate(PRODUCTS[:6])}
    rows = [{"id": str(n), "image": [f"{n}.jpg", f"{n + 1}.jpg"]} for n in range(5)]
    build(tmp_path, rows, images)
    index = build(tmp_path, [*rows[:2], *rows[3:]], images)
    table = ImageTable(index)
    assert table.products == 4
    assert [table.product_id(product) for product in table.product] == list("00113344")
    assert [table.position(image) for image in range(len(table))] == [0, 1] * 4
    assert [table.location(image) for image in range(4)] == ["0.jpg", "1.jpg", "1.jpg", "2.jpg"]


def test_scanning_tells_size_and_spread(tmp_path: Path) -> None:
    black_and_white = Image.fromarray(np.tile(np.repeat([0, 255], 50), (60, 1)).astype(np.uint8))
    images = {
        "a.png": jpeg(black_and_white),
        "b.png": jpeg(Image.new("RGB", (640, 320), (90, 90, 90))),
    }
    index = build(tmp_path, [{"id": name, "image": name} for name in images], images)
    scan = scan_images(ImageTable(index))
    assert scan.size.tolist() == [[100, 60], [320, 160]]
    assert scan.spread[0] > 240
    assert scan.spread[1] < 3
    assert scan.grey[0, :, 0].max() < 20
    assert scan.grey[0, :, -1].min() > 235
    assert scan.seen.all()


@pytest.mark.parametrize("kind", [IndexKind.FLAT, IndexKind.HNSW])
def test_pictures_are_compared_without_the_titles_mixed_in(
    tmp_path: Path, kind: IndexKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.retrieval.ann.choice._MIN_LEARNED", 1)
    rows: list[dict[str, object]] = []
    images = {}
    for number, product in enumerate(PRODUCTS[:30]):
        images[f"{product.id}.jpg"] = jpeg(product.image)
        title = ("red", "blue", "green")[number % 3]
        rows.append({"id": product.id, "image": f"{product.id}.jpg", "title": title})
    table = ImageTable(build(tmp_path, rows, images, kind=kind, text_weight=0.6))
    everything = np.arange(len(table))
    found, cosines = near_by_vector(table, everything, min_cosine=-1)
    vectors = table.vectors(everything)
    assert len(found) >= len(table)
    expected = (vectors[found[:, 0]] * vectors[found[:, 1]]).sum(1)
    np.testing.assert_allclose(cosines, expected, atol=2e-3)
