"""The drawn catalog: the same everywhere, with titles that match the images."""

from __future__ import annotations

import csv
import hashlib
import os
import random
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from search_api.demo import (
    COLOURS,
    COLUMNS,
    KINDS,
    PATTERNS,
    DrawnProduct,
    contrasting,
    draw_catalog,
    draw_product,
    pattern_named,
    write_catalog,
)
from search_api.demo.colours import colour_named
from search_api.demo.kinds import kind_named

KIND_OF = {kind_named(name).slug: kind_named(name) for name in KINDS}
ROOT = Path(__file__).resolve().parents[3]
PATTERNED = PATTERNS[1:]


@pytest.fixture(scope="module")
def catalog() -> list[DrawnProduct]:
    return list(draw_catalog(80, seed=3))


def digest(products) -> str:
    whole = hashlib.sha256()
    for product in products:
        whole.update(f"{product.id} {product.title} {sorted(product.fields.items())}".encode())
        whole.update(product.image.tobytes())
    return whole.hexdigest()


def drawn(kind: str, colour: str, pattern: str = "plain", second: str | None = None):
    """The product in one shape for each kind."""
    image = draw_product(kind, colour, pattern, second, random.Random(kind))
    return np.asarray(image, dtype=np.int16)


@cache
def body_of(kind: str):
    """The pixels that take the product's colour: those that tell a black one from a white one."""
    return np.abs(drawn(kind, "black") - drawn(kind, "white")).max(2) > 60


def lab(rgb):
    """CIE L*a*b* (D65) of sRGB values from 0 to 255."""
    linear = np.asarray(rgb, dtype=float) / 255
    linear = np.where(linear > 0.04045, ((linear + 0.055) / 1.055) ** 2.4, linear / 12.92)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = linear @ np.array(to_xyz).T / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack(
        [
            116 * f[..., 1] - 16,
            500 * (f[..., 0] - f[..., 1]),
            200 * (f[..., 1] - f[..., 2]),
        ],
        axis=-1,
    )


def nearest(rgb, names):
    """For each pixel, the place among names of the colour that looks most like it."""
    anchors = lab([colour_named(name).middle for name in names])
    return np.linalg.norm(lab(rgb)[..., None, :] - anchors, axis=-1).argmin(-1)


def test_same_seed_same_catalog_in_another_process():
    code = (
        "from tests.search_api.demo.test_catalog import digest;"
        "from search_api.demo import draw_catalog; print(digest(draw_catalog(12, seed=5)))"
    )
    env = {**os.environ, "PYTHONHASHSEED": "77", "PYTHONPATH": str(ROOT)}
    other = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == digest(draw_catalog(12, seed=5))


def test_other_seed_other_catalog():
    assert digest(draw_catalog(5, seed=1)) != digest(draw_catalog(5, seed=2))


def test_small_catalog_begins_the_large_one():
    assert digest(draw_catalog(6)) == digest(islice(draw_catalog(300), 6))


def test_count_and_unique_ids(catalog):
    assert len(catalog) == 80
    assert len({product.id for product in catalog}) == 80
    assert list(draw_catalog(0)) == []


def test_every_kind_comes_equally_often(catalog):
    counts = Counter(product.id.rpartition("-")[0] for product in catalog)
    assert set(counts) == set(KIND_OF)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert len(KINDS) >= 22


def test_every_colour_and_pattern_comes(catalog):
    assert {product.fields["colour"] for product in catalog} == set(COLOURS)
    assert {product.fields["pattern"] for product in catalog} == set(PATTERNS)


def test_titles_name_kind_and_colours(catalog):
    for product in catalog:
        title, fields = product.title.lower(), product.fields
        assert KIND_OF[product.id.rpartition("-")[0]].name in title
        assert fields["title"] == product.title
        assert str(fields["colour"]) in title
        named = {word for word in re.findall(r"\w+", title) if word in COLOURS}
        named -= {"blue"} if "navy blue" in title else set()
        assert named <= {fields["colour"], fields.get("second_colour")}


def test_titles_name_the_pattern(catalog):
    for product in catalog:
        pattern = pattern_named(str(product.fields["pattern"]))
        others = [pattern_named(name) for name in PATTERNED if name != pattern.name]
        title = product.title.lower()
        if pattern.motifs:
            assert any(word in title for word in (*pattern.words, pattern.motifs))
        assert not any(word in title for other in others for word in (*other.words, other.motifs))


def test_fields_are_what_a_shop_has(catalog):
    for product in catalog:
        kind = KIND_OF[product.id.rpartition("-")[0]]
        fields = dict(product.fields)
        price = fields.pop("price")
        assert isinstance(price, float)
        assert kind.prices[0] - 1 < price < kind.prices[1]
        assert price == round(price, 2)
        assert fields.pop("category") == kind.category
        second = fields.pop("second_colour", None)
        assert (second is None) == (fields["pattern"] == "plain")
        assert second is None or second in contrasting(str(fields["colour"]))
        assert set(fields) == {"title", "colour", "pattern"}


def test_images_are_centred_on_a_light_ground(catalog):
    for product in catalog:
        assert (product.image.mode, product.image.size) == ("RGB", (320, 320))
        pixels = np.asarray(product.image)
        assert pixels[:4, :4].min() > 235
        rows, columns = np.nonzero(np.abs(pixels.astype(int) - pixels[0, 0]).max(2) > 60)
        extent = max(np.ptp(rows), np.ptp(columns))
        assert 0.7 * 320 < extent < 0.9 * 320, product.id
        assert min(rows.min(), columns.min(), 319 - rows.max(), 319 - columns.max()) > 8


@pytest.mark.parametrize("colour", COLOURS)
def test_plain_products_look_the_colour_they_are_called(colour):
    at = COLOURS.index(colour)
    for kind in KINDS[at % 5 :: 5]:
        pixels = drawn(kind, colour)[body_of(kind)]
        assert COLOURS[nearest(np.median(pixels, axis=0), COLOURS)] == colour, kind


@pytest.mark.parametrize("kind", KINDS)
def test_one_state_gives_one_shape_whatever_is_on_it(kind):
    body = body_of(kind)
    plain = drawn(kind, "navy")
    for pattern in PATTERNED[KINDS.index(kind) % 4 :: 4]:
        changed = np.abs(drawn(kind, "navy", pattern, "white") - plain).max(2) > 8
        assert (changed & body).sum() > 0.02 * body.sum(), pattern
        # Antialiased edges let the pattern shine a little past the body's clear pixels.
        assert (changed & ~body).sum() < 0.03 * body.sum(), pattern


@pytest.mark.parametrize("pattern", PATTERNED)
def test_ground_and_pattern_are_told_apart(pattern):
    names = ("blue", "white")
    for kind in ("shirt", "mug", "cushion", "dress"):
        body = body_of(kind)
        for ground, second in (names, names[::-1]):
            looks = nearest(drawn(kind, ground, pattern, second)[body], names)
            share = (looks == names.index(second)).mean()
            assert 0.05 < share < 0.6, (kind, ground)
            assert share < 0.5 or pattern == "checked", (kind, ground)


def test_patterns_differ_from_each_other():
    images = {name: drawn("cushion", "white", name, "red") for name in PATTERNS}
    for first in PATTERNS:
        for second in PATTERNS:
            if first < second:
                assert np.abs(images[first] - images[second]).mean() > 3, (first, second)


def test_contrasting_colours_never_hold_the_ground():
    for colour in COLOURS:
        assert colour not in contrasting(colour)
        assert len(contrasting(colour)) >= 3
    assert "navy" not in contrasting("black")


@pytest.mark.parametrize(
    "names", [("sandwich", "red", "plain"), ("mug", "rot", "plain"), ("mug", "red", "tartan")]
)
def test_unknown_names_are_refused(names):
    with pytest.raises(KeyError):
        draw_product(*names, None, random.Random(0))


def test_written_catalog_reads_back(tmp_path):
    path = write_catalog(tmp_path / "shop", count=20, seed=4)
    assert path == tmp_path / "shop" / "catalog.csv"
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    for row, product in zip(rows, draw_catalog(20, seed=4), strict=True):
        assert row["id"] == product.id
        for name, value in product.fields.items():
            assert row[name] == str(value)
        with Image.open(path.parent / row["image"]) as image:
            assert image.format == "JPEG"
            written = np.asarray(image.convert("RGB"), dtype=np.int16)
        assert np.abs(written - np.asarray(product.image, dtype=np.int16)).mean() < 4
    assert sorted(p.name for p in path.parent.iterdir()) == ["catalog.csv", "pictures"]


def test_writing_again_gives_the_same_files(tmp_path):
    def files() -> dict[str, bytes]:
        return {p.name: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}

    write_catalog(tmp_path, count=4)
    first = files()
    write_catalog(tmp_path, count=4)
    assert files() == first
    assert len(first) == 5


def test_the_file_exists_only_if_all_images_do(tmp_path, monkeypatch):
    write_catalog(tmp_path, count=3)

    def full_disk(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", full_disk)
    with pytest.raises(OSError, match="disk full"):
        write_catalog(tmp_path, count=3, seed=1)
    assert not (tmp_path / "catalog.csv").exists()
