"""Builds that judge images and read their text: quarantine, release, and the field of the text."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from embeddings import FakeEncoder
from embeddings.vision import Examination, ModerationMode, examination
from indexer.build import release
from indexer.index import Index
from indexer.quality import examine
from indexer.search import Engine, Query, SearchMode, TextPart
from indexer.storage import Layout
from tests.indexer.build.catalogs import build

HOLD = Examination(moderation=ModerationMode.HOLD)
REPORT = Examination(moderation=ModerationMode.REPORT)
READ = Examination(text=True)


def redness(image: Image.Image) -> float:
    """A stand-in for the classifier: no test needs an offensive image."""
    return float(np.asarray(image)[0, 0, 0]) / 255


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Products of several scores: plain ones, and a swimsuit."""
    monkeypatch.setattr(examination, "unsafe_score", redness)
    folder = tmp_path / "shop"
    folder.mkdir()
    rows = ["id,image,title"]
    for name, red, title in (
        ("safe", 20, "A lamp"), ("unsafe", 220, "A lamp"), ("swim", 225, "A swimsuit"),
        ("worst", 250, "A swimsuit"),
    ):  # fmt: skip
        Image.new("RGB", (40, 40), (red, len(rows), 0)).save(folder / f"{name}.png")
        rows.append(f"{name},{name}.png,{title}")
    rows.append("twice,safe.png|unsafe.png,A lamp with two pictures")
    (folder / "catalog.csv").write_text("\n".join(rows) + "\n")
    return folder / "catalog.csv"


def held(index: Path) -> dict[str, str]:
    lines = (index / "quarantine.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    return {row["id"]: row["message"] for row in rows if row["reason"] == "unsafe_image"}


def test_unfit_images_are_held_back_with_their_score(shop: Path, tmp_path: Path) -> None:
    report = build(shop, tmp_path / "index", examination=HOLD)
    assert report.reasons == {"unsafe_image": 3}
    messages = held(tmp_path / "index")
    assert set(messages) == {"unsafe", "worst", "twice"}
    assert "score 0.86, held from 0.80" in messages["unsafe"]
    assert "score 0.98, held from 0.95" in messages["worst"]
    assert "lookalike index quarantine --release ID" in messages["unsafe"]
    index = Index.open(tmp_path / "index")
    names = ("safe", "unsafe", "swim", "worst", "twice")
    assert [name for name in names if name in index] == ["safe", "swim", "twice"]
    assert [image.location for image in index.get("twice").images] == ["safe.png"]


def test_a_released_product_is_in_the_next_build_and_stays(shop: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build(shop, index, examination=HOLD)
    release(Layout(index), ["worst"])
    assert "worst" not in Index.open(index)
    report = build(shop, index)
    assert (report.added, report.products) == (1, 4)
    assert set(held(index)) == {"unsafe", "twice"}
    assert build(shop, index).published is False
    release(Layout(index), ["unsafe"])
    # The same picture is on both; who releases it for one has seen it.
    build(shop, index)
    assert held(index) == {}
    assert len(Index.open(index).get("twice").images) == 2


def test_a_damaged_list_of_releases_releases_nothing(shop: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build(shop, index, examination=HOLD)
    for content in ("{", "3", '[1, {"a": 2}]', "null"):
        Layout(index).released.write_text(content)
        build(shop, index)
        assert set(held(index)) == {"unsafe", "worst", "twice"}


def test_a_report_lists_what_it_leaves_in(shop: Path, tmp_path: Path) -> None:
    report = build(shop, tmp_path / "index", examination=REPORT)
    assert (report.products, report.reasons) == (5, {})
    health = examine(Index.open(tmp_path / "index"), tmp_path / "index", FakeEncoder())
    assert health.unsafe is not None
    assert [(image.id, image.picture) for image in health.unsafe] == [
        ("worst", 0), ("unsafe", 0), ("twice", 1),
    ]  # fmt: skip
    build(shop, tmp_path / "plain")
    assert examine(Index.open(tmp_path / "plain"), tmp_path / "plain", FakeEncoder()).unsafe is None


def test_images_are_held_once_they_are_judged(shop: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build(shop, index)
    assert build(shop, index, examination=HOLD).products == 3
    assert build(shop, index, examination=Examination(moderation=ModerationMode.OFF)).products == 5


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    folder = tmp_path / "labels"
    folder.mkdir()
    rows = ["id,image,title"]
    for name, text in (("oat", "Barista Oat"), ("soy", "Organic Soya"), ("none", "")):
        image = Image.new("RGB", (320, 120), "white")
        draw = ImageDraw.Draw(image)
        draw.text((16, 30), text, font=ImageFont.load_default(40), fill="black")
        image.save(folder / f"{name}.png")
        rows.append(f"{name},{name}.png,A drink")
    (folder / "catalog.csv").write_text("\n".join(rows) + "\n")
    return folder / "catalog.csv"


def found(index: Path, text: str) -> list[tuple[str, tuple[str, ...]]]:
    engine = Engine.open(index, FakeEncoder())
    query = Query(parts=(TextPart(text),), mode=SearchMode.KEYWORD, explain=True)
    result = engine.search(query)
    if result.no_match:
        return []  # the explanations are those of the suggestions
    return [
        (hit.id, tuple(word for line in why.words for word in line.words))
        for hit, why in zip(result.hits, result.explanations, strict=True)
    ]


def test_text_in_images_is_found_and_hits_say_which_words(labels: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build(labels, index, examination=READ)
    fields = Index.open(index).get("oat").fields
    assert str(fields["text_in_image"]).split() == ["Barista", "Oat"]
    assert "text_in_image" not in Index.open(index).get("none").fields
    assert Index.open(index).manifest.fields == {"title": "text", "text_in_image": "text"}
    assert found(index, "barista") == [("oat", ("barista",))]
    assert found(index, "barysta") == [("oat", ("barysta",))]  # one wrong letter
    assert {product for product, _ in found(index, "drink")} == {"oat", "soy", "none"}


def test_updates_read_new_images_alone_and_can_stop_it(labels: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build(labels, index, examination=READ)
    text = labels.read_text()
    labels.write_text(text + "more,oat.png,Another drink\n")
    assert (build(labels, index).embedded, len(found(index, "barista"))) == (0, 2)
    labels.write_text(text)
    build(labels, index, examination=Examination(text=False))
    assert Index.open(index).manifest.fields == {"title": "text"}
    assert found(index, "barista") == []


def test_a_catalogs_own_column_of_that_name_stays(labels: Path, tmp_path: Path) -> None:
    lines = labels.read_text().splitlines()
    rows = [lines[0] + ",text_in_image", lines[1] + ",Typed by hand", *(f"{x}," for x in lines[2:])]
    labels.write_text("\n".join(rows) + "\n")
    build(labels, tmp_path / "index", examination=READ)
    assert Index.open(tmp_path / "index").get("oat").fields["text_in_image"] == "Typed by hand"
    read = Index.open(tmp_path / "index").get("soy").fields["text_in_image"]
    assert str(read).split() == ["Organic", "Soya"]
