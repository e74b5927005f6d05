"""Learning: a gain where there is one to have, and nothing where the words do not fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from indexer.adaptation import TITLE, Lessons, group_products, learn
from tests.support.taught_shop import encode_words, taught_shop


def dealt(lessons: Lessons, seed: int) -> Lessons:
    """The same shop with its words dealt to wrong pictures."""
    order = np.random.default_rng(seed).permutation(len(lessons))
    titles = [lessons.titles[row] for row in order]
    kinds = {name: [values[row] for row in order] for name, values in lessons.kinds.items()}
    return replace(lessons, titles=titles, kinds=kinds, groups=group_products(titles), colours=())


def found_first(vectors: np.ndarray, lessons: Lessons) -> float:
    """The share of products whose kind is that of the product nearest to their kind's name."""
    kinds = np.array(lessons.kinds["kind"])
    names = sorted(set(kinds))
    best = np.argsort(-(encode_words(names) @ vectors.T), axis=1)[:, :10]
    return float(
        np.mean([(kinds[row] == name).mean() for row, name in zip(best, names, strict=True)])
    )


def test_a_shop_that_the_model_does_not_know_is_learned() -> None:
    lessons, others = taught_shop(), taught_shop(seed=1)
    # One drawing of what features mean, for both.
    both = taught_shop(720, seed=2)
    lessons, others = part(both, slice(0, 360)), part(both, slice(360, 720))
    learned = learn(lessons, encode_words)
    assert learned.map is not None
    assert learned.fields == (TITLE, "kind", "colour")
    assert learned.products == 360
    gains = {gain.measure: gain for gain in learned.gains}
    assert gains["title -> product"].after > gains["title -> product"].before + 0.2
    assert gains["kind -> product"].after > gains["kind -> product"].before + 0.2
    before = others.vectors.astype(np.float32)
    after = learned.map.apply(others.vectors, others.features)
    np.testing.assert_allclose(np.linalg.norm(after, axis=1), 1, atol=1e-5)
    assert found_first(after, others) > found_first(before, others) + 0.3


def part(lessons: Lessons, rows: slice) -> Lessons:
    titles = lessons.titles[rows]
    return Lessons(
        lessons.vectors[rows],
        lessons.features[rows],
        titles,
        {name: values[rows] for name, values in lessons.kinds.items()},
        group_products(titles),
        lessons.colours[rows],
    )


def test_the_same_seed_gives_the_same_map() -> None:
    one, other = (learn(taught_shop(), encode_words, seed=5) for _ in range(2))
    assert one.map is not None
    assert other.map is not None
    np.testing.assert_array_equal(one.map.weights, other.map.weights)
    assert one.gains == other.gains


@pytest.mark.parametrize("seed", range(20))
def test_words_dealt_to_wrong_pictures_teach_nothing(seed: int) -> None:
    learned = learn(dealt(taught_shop(seed=seed), seed), encode_words)
    assert learned.map is None
    assert learned.reason == "the titles do not fit the pictures"


@pytest.mark.parametrize("seed", range(5))
def test_kinds_dealt_to_wrong_pictures_teach_nothing(seed: int) -> None:
    lessons = dealt(taught_shop(seed=seed), seed)
    lessons = replace(lessons, titles=[""] * len(lessons))
    learned = learn(lessons, encode_words)
    assert learned.fields == ("kind", "colour")
    assert learned.map is None
    assert "not clear" in learned.reason


def test_half_of_the_titles_may_be_wrong() -> None:
    lessons = taught_shop(600)
    wrong = dealt(lessons, 3)
    titles = [*lessons.titles[:300], *wrong.titles[300:]]
    learned = learn(replace(lessons, titles=titles, groups=group_products(titles)), encode_words)
    assert learned.map is not None


def test_a_model_that_knows_the_shop_is_left_alone() -> None:
    for taught in (0.0, 1.0):
        learned = learn(taught_shop(knows=50.0, taught=taught), encode_words)
        assert learned.map is None
        assert "not clear" in learned.reason
    assert learned.gains  # what was measured is told


def test_a_loss_of_colour_forbids_the_map() -> None:
    """The model sees colours and the features kinds alone: titles would gain, colours lose."""
    lessons = taught_shop(480)
    colours = encode_words(list(lessons.colours))
    kinds = encode_words(lessons.kinds["kind"])
    rng = np.random.default_rng(0)
    features = kinds @ rng.normal(size=(32, 48))
    lessons = replace(
        lessons,
        vectors=colours.astype(np.float16),
        features=features.astype(np.float16),
        titles=[f"{kind} {row // 2}" for row, kind in enumerate(lessons.kinds["kind"])],
        kinds={"kind": lessons.kinds["kind"]},
    )
    learned = learn(lessons, encode_words)
    measured = {gain.measure: gain for gain in learned.gains}
    colour = measured["picture -> same measured colour"]
    assert learned.map is None or colour.after >= colour.before - 0.01


@pytest.mark.parametrize("count", [0, 1, 10, 59])
def test_too_few_products_are_said_to_be_too_few(count: int) -> None:
    lessons = taught_shop(count) if count else part(taught_shop(10), slice(0, 0))
    learned = learn(lessons, encode_words, fields=[TITLE, "kind"])
    assert learned.map is None
    assert f"too few products to learn from ({count} products" in learned.reason


def test_one_title_for_all_teaches_nothing_and_other_fields_may() -> None:
    lessons = replace(taught_shop(), titles=["our product"] * 360, groups=np.arange(360))
    assert learn(lessons, encode_words).fields == ("kind", "colour")
    alone = replace(lessons, kinds={})
    assert learn(alone, encode_words).reason == "no field has words to learn from"


def test_ids_teach_nothing() -> None:
    codes = [f"sku-{number:05d}" for number in range(360)]
    kinds = {"code": codes, "batch": ["a1", "b2"] * 180}
    lessons = replace(taught_shop(), titles=codes, kinds=kinds)
    assert learn(lessons, encode_words).reason == "no field has words to learn from"


def test_only_the_fields_that_are_asked_for_are_learned_from() -> None:
    learned = learn(taught_shop(), encode_words, fields=["kind"])
    assert learned.map is not None
    assert learned.fields == ("kind",)
    assert {gain.measure for gain in learned.gains} == {
        "kind -> product",
        "picture -> same kind",
        "picture -> same measured colour",
    }
