"""Scoring and giving labels, with an encoder whose vectors are computed by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from embeddings import FakeEncoder
from indexer.errors import TaxonomyError
from indexer.tagging import Fitted, Tagger, read_fitted, write_fitted
from indexer.tagging.fit_file import GroupFit
from indexer.tagging.taxonomy import Group, Label, Taxonomy

RED, GREEN, BLUE = np.eye(3, dtype=np.float32)
GREY = np.full(3, 3**-0.5, np.float32)
AS_IS = ("{}",)


def taxonomy(*labels: Label, exclusive: bool = True) -> Taxonomy:
    return Taxonomy("t", 1, (Group("g", exclusive, labels, AS_IS),))


def label(name: str, parent: str | None = None) -> Label:
    return Label(name, templates=AS_IS, parent=parent)


def test_an_exclusive_group_gives_the_softmax_of_scaled_cosines():
    tagger = Tagger(FakeEncoder(), taxonomy(label("red"), label("green")))
    (scored,) = tagger.scores(np.stack([RED, GREEN]))
    # Cosines 1 and 0 times 10; sixteen phrases for no product lie on the diagonal.
    none = 16 * np.exp(10 * 3**-0.5)
    expected = np.exp(10) / (np.exp(10) + 1 + none)
    assert scored.probabilities[0, 0] == pytest.approx(expected, rel=1e-4)
    assert scored.probabilities[1, 1] == pytest.approx(expected, rel=1e-4)
    assert scored.best.tolist() == [0, 1]
    assert scored.given.tolist() == [[True, False], [False, True]]


def test_what_is_near_to_no_label_gets_none():
    tagger = Tagger(FakeEncoder(), taxonomy(label("red"), label("green")))
    (scored,) = tagger.scores(np.stack([GREY, BLUE]))
    assert scored.best.tolist() == [-1, -1]
    assert not scored.given.any()
    assert tagger.tag(np.stack([GREY, BLUE])) == [[], []]


def test_a_parent_has_its_childrens_probability_and_answers_where_no_child_does():
    labels = (label("colour"), label("red", "colour"), label("green", "colour"))
    wide = taxonomy(*labels)
    (group,) = wide.groups
    fitted = Fitted("fake-fingerprint", {group.digest: fit_of(group, 0.6)})
    tagger = Tagger(FakeEncoder(), wide, fitted=fitted)
    between = np.array([[0.7071, 0.7071, 0]], np.float32)
    (scored,) = tagger.scores(between)
    wider, red, green = scored.probabilities[0]
    assert wider == pytest.approx(red + green, rel=1e-5)
    assert red == pytest.approx(green, rel=1e-3)
    assert scored.best.tolist() == [0]
    assert [tag.label for tag in tagger.tag(between)[0]] == ["colour"]
    # Where a child is sure, its parents are left unsaid.
    assert [tag.label for tag in tagger.tag(RED[np.newaxis])[0]] == ["red"]


def test_an_independent_label_is_held_against_its_background():
    rng = np.random.default_rng(0)
    background = rng.normal(size=(500, 3)).astype(np.float32)
    background /= np.linalg.norm(background, axis=1, keepdims=True)
    independent = taxonomy(label("red"), label("green"), exclusive=False)
    tagger = Tagger(FakeEncoder(), independent, background=background)
    (scored,) = tagger.scores(np.stack([RED, GREY]))
    spread = (RED @ RED - (background @ RED).mean()) / (background @ RED).std()
    expected = 1 / (1 + np.exp(-1.7 * (spread - 2.5)))
    assert scored.probabilities[0, 0] == pytest.approx(expected, rel=1e-4)


def test_independent_labels_do_not_take_from_each_other():
    both = np.array([[0.7071, 0.7071, 0]], np.float32)
    background = np.stack([*[BLUE] * 20, GREY])
    one = Tagger(FakeEncoder(), taxonomy(label("red"), exclusive=False), background).scores(both)
    two = Tagger(FakeEncoder(), taxonomy(label("red"), label("green"), exclusive=False), background)
    (scored,) = two.scores(both)
    assert scored.probabilities[0, 0] == pytest.approx(one[0].probabilities[0, 0])
    assert scored.given.tolist() == [[True, True]]
    assert len(two.tag(both, top=1)[0]) == 1


def test_scores_do_not_depend_on_how_many_are_scored_at_once():
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(9000, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    tagger = Tagger(FakeEncoder(), taxonomy(label("red"), label("green"), label("blue")))
    (together,) = tagger.scores(vectors)
    (alone,) = tagger.scores(vectors[8000:8010])
    assert np.array_equal(together.best[8000:8010], alone.best)
    assert np.allclose(together.probabilities[8000:8010], alone.probabilities, atol=1e-6)


def test_no_pictures_get_no_tags():
    tagger = Tagger(FakeEncoder(), taxonomy(label("red")))
    assert tagger.tag(np.empty((0, 3), np.float32)) == []


def fit_of(group: Group, threshold: float) -> GroupFit:
    prototypes = FakeEncoder().encode_texts([label.name for label in group.labels])
    count = len(prototypes)
    return GroupFit(
        prototypes=prototypes,
        gain=np.full(count, 5, np.float32),
        bias=np.zeros(count, np.float32),
        threshold=np.full(count, threshold, np.float32),
        others=np.empty((0, 3), np.float32),
        other_gain=np.empty(0, np.float32),
        other_bias=np.empty(0, np.float32),
    )


def test_a_fit_is_used_written_and_read(tmp_path):
    plain = taxonomy(label("red"), label("green"))
    (group,) = plain.groups
    gate = np.array([0, 0, -100, 50], np.float32)
    fitted = Fitted("fake-fingerprint", {group.digest: fit_of(group, 0.9)}, gate)
    write_fitted(tmp_path / "fit.safetensors", fitted)
    again = read_fitted(tmp_path / "fit.safetensors")
    for used in (fitted, again):
        tagger = Tagger(FakeEncoder(), plain, fitted=used)
        (scored,) = tagger.scores(np.stack([RED, BLUE]))
        assert scored.probabilities[0, 0] == pytest.approx(1 / (1 + np.exp(-5)), rel=1e-3)
        assert scored.best.tolist() == [0, -1]
        assert scored.probabilities[1].max() < 1e-6  # the gate is shut for blue


def test_a_fit_is_not_used_for_a_group_that_changed():
    plain = taxonomy(label("red"), label("green"))
    (group,) = plain.groups
    fitted = Fitted("fake-fingerprint", {group.digest: fit_of(group, 0.0)})
    changed = taxonomy(label("red"), label("blue"))
    with_fit = Tagger(FakeEncoder(), changed, fitted=fitted).scores(RED[np.newaxis])[0]
    without = Tagger(FakeEncoder(), changed).scores(RED[np.newaxis])[0]
    assert np.array_equal(with_fit.probabilities, without.probabilities)


def test_a_fit_for_another_model_is_refused():
    fitted = Fitted("another", {})
    with pytest.raises(TaxonomyError, match="another model than fake"):
        Tagger(FakeEncoder(), taxonomy(label("red")), fitted=fitted)


@pytest.mark.parametrize("change", ["cut", "zeroed", "text", "missing", "shape"])
def test_a_damaged_fit_is_refused_in_one_line(tmp_path, change):
    path = tmp_path / "fit.safetensors"
    (group,) = taxonomy(label("red"), label("green")).groups
    fit = fit_of(group, 0.5)
    if change == "shape":
        fit = replace(fit, bias=np.zeros(3, np.float32))
    write_fitted(path, Fitted("fake-fingerprint", {group.digest: fit}))
    content = path.read_bytes()
    if change == "missing":
        path.unlink()
    elif change != "shape":
        damaged = {"cut": content[:-5], "zeroed": bytes(len(content)), "text": b"hello"}
        path.write_bytes(damaged[change])
    with pytest.raises(TaxonomyError) as caught:
        read_fitted(path)
    assert "\n" not in caught.value.message
    assert "fit.safetensors" in caught.value.message
