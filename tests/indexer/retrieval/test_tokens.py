from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.retrieval import code_of, codes, words
from indexer.retrieval.tokens import stem


@pytest.mark.parametrize(
    ("plurals", "singular"),
    [
        (("shoes", "shoe"), "shoe"),
        (("dresses", "dress"), "dress"),
        (("watches", "watch"), "watch"),
        (("boxes", "box"), "box"),
        (("niches", "niche"), "nich"),
        (("accessories", "accessory"), "accessory"),
        (("tees", "tee"), "tee"),
        (("sizes", "size"), "size"),
        (("women", "womens", "woman"), "woman"),
        (("scarves", "scarf", "scarfs"), "scarf"),
        (("chaussures", "chaussure"), "chaussure"),
        (("bus",), "bus"),
        (("citrus",), "citrus"),
        (("gas",), "gas"),
    ],
)
def test_plurals_are_their_singulars(plurals: tuple[str, ...], singular: str) -> None:
    assert {stem(word) for word in plurals} == {singular}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Röd KLÄNNING", "rod klanning"),
        ("Ro\u0308d", "rod"),
        ("Straße strasse", "strass strass"),
        ("Men's levi\u2019s", "man levi"),
        ("l'eau d'orsay", "l eau d orsay"),
        ("İstanbul Łódź œuvre", "istanbul lodz oeuvre"),
        ("\ufb01ne \uff21\uff22\uff11", "fine ab1"),
        ("Ёлка ёлка", "елка елка"),
        ("T-shirt_blue, 100% cotton!", "t shirt blue 100 cotton"),
        ("हिन्दी", "हिन्दी"),
        ("", ""),
        ("— !? 🙂", ""),
    ],
)
def test_case_accents_and_punctuation_make_no_difference(text: str, expected: str) -> None:
    assert words(text) == [word for word in expected.split() if word] or words(text) == words(
        expected
    )
    assert words(text, query=True) == words(text)


def test_scripts_without_spaces_are_found_by_pairs_and_single_characters() -> None:
    assert words("蓝色T恤") == ["蓝", "色", "蓝色", "t", "恤"]
    assert words("蓝色裙子", query=True) == ["蓝色", "色裙", "裙子"]
    assert words("裙", query=True) == ["裙"]
    assert set(words("裙", query=True)) <= set(words("蓝色裙子"))


def test_codes_are_what_has_a_digit_without_its_punctuation() -> None:
    assert codes("Bra AB-1234/X, (BW335)") == ["ab1234x", "bw335"]
    assert codes("XJ 9000 pro", 2) == ["9000", "xj9000", "9000pro"]
    assert codes("no code") == []
    assert code_of("AB-1234/X") == code_of("ab 1234x") == "ab1234x"
    assert code_of("🙂") == ""


@given(st.text())
def test_any_text_gives_words_that_are_their_own_words(text: str) -> None:
    for query in (False, True):
        found = words(text, query=query)
        assert all(word and len(word) <= 200 and not word.isspace() for word in found)
        assert all(" " not in word for word in found)
    codes(text, 3)
    assert words(text) == words(unicodedata.normalize("NFC", text))
