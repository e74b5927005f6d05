"""Fitting to examples: what is learned, how calibrated it is, and when it abstains."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from embeddings import FakeEncoder
from indexer.quality import evaluate_group
from indexer.tagging import Fitted, Tagger
from indexer.tagging.fitting import Examples, FitOptions, fit_taxonomy
from indexer.tagging.taxonomy import Group, Label, Taxonomy

AS_IS = ("{}",)
OPTIONS = FitOptions(negatives=24)


class WideEncoder(FakeEncoder):
    """Vectors of eight dimensions: each word has an axis; that of "green" is not its images'."""

    def __init__(self) -> None:
        super().__init__("wide", "wide")
        self._spec = type(self._spec)("wide", "wide", dim=8, logit_scale=10.0)

    def encode_texts(self, texts):  # type: ignore[no-untyped-def]
        rows = np.full((len(texts), 8), 0.05, np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word, axis in (("red", 0), ("green", 2), ("blue", 3)):
                row[axis] += word in text.split()
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def encode_images(self, pixels):  # type: ignore[no-untyped-def]
        rows = np.full((len(pixels), 8), 0.1, np.float32)
        rows[:, 7] = 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def images(axes: NDArray[np.int64], spread: float, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    rows = rng.normal(0, spread, (len(axes), 8))
    rows[np.arange(len(axes)), axes] += 1
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32)


def taxonomy(exclusive: bool = True, *labels: Label) -> Taxonomy:
    named = labels or tuple(Label(name, templates=AS_IS) for name in ("red", "green", "blue"))
    return Taxonomy("t", 1, (Group("g", exclusive, named, AS_IS),))


def marks(places: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    return np.eye(count + 1, dtype=np.bool_)[places]


# The axis of each label's images: green's lie on axis 1, and its word on axis 2.
AXES = np.array([0, 1, 3])


def fitted_tagger(exclusive: bool = True) -> Tagger:
    places = np.arange(600) % 3
    examples = Examples(images(AXES[places], 0.25), {"g": marks(places, 3)})
    wide = taxonomy(exclusive)
    fitted = fit_taxonomy(WideEncoder(), wide, examples, OPTIONS)
    return Tagger(WideEncoder(), wide, fitted=fitted)


@pytest.mark.parametrize("exclusive", [True, False])
def test_examples_correct_what_a_word_gets_wrong(exclusive: bool) -> None:
    places = np.arange(300) % 3
    new = images(AXES[places], 0.25, seed=1)
    unfitted = evaluate_group(
        Tagger(WideEncoder(), taxonomy()).scores(new)[0], marks(places, 3)[:, :3]
    )
    fitted = evaluate_group(fitted_tagger(exclusive).scores(new)[0], marks(places, 3)[:, :3])
    assert unfitted.forced < 0.85
    assert fitted.forced > 0.95
    assert fitted.accuracy > 0.95
    assert fitted.answered > 0.8


def test_probabilities_are_calibrated_on_new_images() -> None:
    places = np.arange(900) % 3
    spread = 0.6  # so much that labels overlap
    examples = Examples(images(AXES[places], spread), {"g": marks(places, 3)})
    fitted = fit_taxonomy(WideEncoder(), taxonomy(), examples, OPTIONS)
    tagger = Tagger(WideEncoder(), taxonomy(), fitted=fitted)
    figures = evaluate_group(
        tagger.scores(images(AXES[places], spread, seed=1))[0], marks(places, 3)[:, :3]
    )
    assert 0.5 < figures.forced < 0.95
    assert figures.ece < 0.1
    assert figures.answered < 1
    assert figures.accuracy > figures.forced


def test_an_image_without_a_product_gets_no_label() -> None:
    nothing = WideEncoder().encode_images(np.zeros((4, 8, 8, 3), np.uint8))
    assert fitted_tagger().tag(nothing) == [[], [], [], []]


def test_a_parent_teaches_its_children_without_telling_them_apart() -> None:
    labels = (
        Label("colour", templates=AS_IS),
        Label("red", templates=AS_IS, parent="colour"),
        Label("green", templates=AS_IS, parent="colour"),
        Label("blue", templates=AS_IS),
    )
    wide = taxonomy(True, *labels)
    # Half of red and green are known as a colour alone.
    axes = np.array([0, 1, 3])[np.arange(600) % 3]
    truth = np.zeros((600, 5), np.bool_)
    for row, axis in enumerate(axes):
        place = {0: 1, 1: 2, 3: 3}[int(axis)]
        truth[row, 0 if place < 3 and row % 2 else place] = True
    examples = Examples(images(axes, 0.25), {"g": truth})
    fitted = fit_taxonomy(WideEncoder(), wide, examples, OPTIONS)
    tagger = Tagger(WideEncoder(), wide, fitted=fitted)
    new = images(np.array([0, 1, 3]), 0.0, seed=1)
    (scored,) = tagger.scores(new)
    assert scored.best.tolist() == [1, 2, 3]
    assert scored.probabilities[:2, 0].min() > 0.95


def test_groups_without_examples_stay_as_they_were() -> None:
    wide = Taxonomy("t", 1, (taxonomy().groups[0], Group("h", True, taxonomy().groups[0].labels)))
    places = np.arange(60) % 3
    examples = Examples(images(AXES[places], 0.2), {"g": marks(places, 3)})
    fitted = fit_taxonomy(WideEncoder(), wide, examples, OPTIONS)
    other = wide.groups[1]
    start = Tagger(WideEncoder(), wide, fitted=Fitted("wide", {})).fits[1]
    assert np.array_equal(fitted.groups[other.digest].prototypes, start.prototypes)


def test_a_fit_is_the_same_every_time() -> None:
    one, two = fitted_tagger().fits[0], fitted_tagger().fits[0]
    assert np.array_equal(one.prototypes, two.prototypes)
    assert np.array_equal(one.threshold, two.threshold)
