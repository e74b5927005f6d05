"""Catalog health: every planted fault is found, with the ids to mend."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from embeddings import FakeEncoder
from indexer.errors import EncoderMismatchError
from indexer.index import Index
from indexer.quality import CatalogHealth, examine
from tests.support.image_catalogs import build, drawn, jpeg

GROUNDS = {"red": (220, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220)}
WRONG = {"red-03": "blue", "green-07": "red"}


def image(name: str, seed: int) -> bytes:
    """A coloured ground with stripes of its own, so that no two are the same image."""
    rng = np.random.default_rng(seed)
    pixels = np.empty((120, 120, 3))
    pixels[:] = GROUNDS[name]
    pixels[rng.integers(0, 120, 40)] *= 0.4
    pixels[:, rng.integers(0, 120, 30)] *= 0.6
    return jpeg(Image.fromarray(pixels.astype(np.uint8)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty coloured products; two have a wrong image, others other faults."""
    folder = tmp_path_factory.mktemp("health")
    rows: list[dict[str, object]] = []
    images = {}
    for seed, (name, n) in enumerate((name, n) for name in GROUNDS for n in range(20)):
        product = f"{name}-{n:02d}"
        shown = WRONG.get(product, name)
        images[f"{product}.jpg"] = image(shown, seed)
        rows.append(
            {"id": product, "image": f"{product}.jpg", "title": f"A {name} rug", "colour": name}
        )
    rows[40]["colour"] = "bleu"
    rows[1]["colour"] = None
    rows[2]["title"] = "  "
    rows[5]["image"] = ["red-05.jpg", "red-06.jpg"]
    images["blank.jpg"] = jpeg(Image.new("RGB", (300, 300), (250, 250, 250)))
    images["tiny.jpg"] = jpeg(drawn(1)[0].image.resize((40, 30)))
    images["broken.jpg"] = b"\xff\xd8\xff no image"
    rows += [
        {"id": "blank", "image": "blank.jpg", "title": "A red mat", "colour": "red"},
        {"id": "tiny", "image": "tiny.jpg", "title": "A red mat", "colour": "red"},
        {"id": "broken", "image": "broken.jpg", "title": "A red mat", "colour": "red"},
        {"id": "lost", "image": "lost.jpg", "title": "A red mat", "colour": "red"},
    ]
    build(folder, rows, images)
    return folder


@pytest.fixture(scope="module")
def health(folder: Path) -> CatalogHealth:
    return examine(Index.open(folder / "index"), folder / "index", FakeEncoder())


def test_counts(health: CatalogHealth) -> None:
    assert (health.products, health.pictures, health.pictures_seen) == (62, 63, 63)
    assert health.pictures_of_product == ((1, 61), (2, 1))
    assert (health.title, health.titled) == ("title", 61)


def test_refused_rows_are_grouped_by_reason(health: CatalogHealth) -> None:
    found = {kind.reason: [row.id for row in kind.refusals] for kind in health.refused}
    assert sorted(id_ for ids in found.values() for id_ in ids if id_) == ["broken", "lost"]
    assert found["image_not_found"] == ["lost"]
    assert all(row.message for kind in health.refused for row in kind.refusals)


def test_blank_and_tiny_pictures(health: CatalogHealth) -> None:
    assert [fault.id for fault in health.blank] == ["blank"]
    assert [(fault.id, fault.width, fault.height) for fault in health.tiny] == [("tiny", 40, 30)]


def test_shared_pictures(health: CatalogHealth) -> None:
    groups = [[(m.id, m.picture) for m in group.members] for group in health.duplicates.groups]
    assert groups == [[("red-05", 1), ("red-06", 0)]]


def test_wrong_pictures_come_first(health: CatalogHealth) -> None:
    assert len(health.titles) == 2  # 2% of 61, rounded up
    assert {suspect.id for suspect in health.titles} == set(WRONG)
    for suspect in health.titles:
        assert suspect.looks == {"colour": WRONG[suspect.id]}
        assert suspect.reads == {"colour": suspect.id[:-3]}
        assert suspect.alike[0] == f"A {WRONG[suspect.id]} rug"
        assert suspect.evidence > 3


def test_missing_values(health: CatalogHealth) -> None:
    fields = {field.name: field for field in health.fields}
    assert (fields["title"].missing, fields["title"].examples) == (1, ("red-02",))
    assert (fields["colour"].missing, fields["colour"].filled) == (1, 61)


def test_coverage_and_a_misspelt_value(health: CatalogHealth) -> None:
    (group,) = health.groups
    assert (group.name, group.different) == ("colour", 4)
    counts = {value.value: value.products for value in group.values}
    # The blank and the tiny one are red too; one red has lost its colour, one blue is misspelt.
    assert counts == {"red": 21, "green": 20, "blue": 19, "bleu": 1}
    assert [len(value.examples) for value in group.values] == [4, 4, 4, 1]
    (rare,) = group.rare
    assert (rare.value, rare.products, rare.examples, rare.meant) == (
        "bleu",
        1,
        ("blue-00",),
        "blue",
    )


def test_another_encoder_is_refused(folder: Path) -> None:
    other = FakeEncoder("other", "other-fingerprint")
    with pytest.raises(EncoderMismatchError, match="other"):
        examine(Index.open(folder / "index"), folder / "index", other)


def test_nothing_to_say_of_few_or_no_titles(tmp_path: Path) -> None:
    images = {f"{n}.jpg": image("red", n) for n in range(3)}
    rows = [{"id": name, "image": name} for name in images]
    index = build(tmp_path, rows, images)
    health = examine(index, tmp_path / "index", FakeEncoder())
    assert (health.title, health.titled, health.titles) == (None, 0, ())
    assert (health.fields, health.groups) == ((), ())


def test_without_thumbnails_nothing_is_called_blank(tmp_path: Path) -> None:
    images = {"blank.jpg": jpeg(Image.new("RGB", (300, 300), (250, 250, 250)))}
    index = build(tmp_path, [{"id": "a", "image": "blank.jpg"}], images, thumbnails=False)
    health = examine(index, tmp_path / "index", FakeEncoder())
    assert (health.pictures, health.pictures_seen) == (1, 0)
    assert health.blank == health.tiny == ()
    assert not health.duplicates.by_pixels
