"""Training batches: which caption is true of which row."""

from __future__ import annotations

import numpy as np

from scripts.training.data.batches import Codes, Sampler
from scripts.training.data.captions import Caption, Product
from scripts.training.data.catalogs import CLOTHING, FASHION, GROCERY_PHOTOS, SetRows
from scripts.training.data.drawn import DrawnSet


def test_truth_of_captions_is_that_of_their_claims():
    products = [Product("a", {"title": "a", "colour": "Red"}), Product("b", {"title": "b"})]
    truth = Codes(products).truth([Caption("red", {"colour": "Red"})], np.array([0, 1]))
    assert truth.tolist() == [[1.0, 0.0]]


def test_a_swapped_phrase_is_true_of_no_drawing_in_the_batch():
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
