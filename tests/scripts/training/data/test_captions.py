"""Captions: composed phrases, and what they are true of."""

from __future__ import annotations

import random

from scripts.training.data import captions

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
