"""Forms of excluded words."""

from __future__ import annotations

import re

import pytest

from indexer.search.understanding import words_pattern


def matches(excluded: str, text: str) -> bool:
    return re.search(rf"\b(?:{words_pattern([excluded])})\b", text.lower()) is not None


@pytest.mark.parametrize(
    ("excluded", "text"),
    [
        ("stripes", "Striped Shirt"),
        ("stripes", "a stripe"),
        ("striped", "two stripes"),
        ("dots", "polka dotted"),
        ("floral", "with flowers"),
        ("checks", "Checked Shirt"),
        ("gray", "Grey"),
        ("long sleeves", "long-sleeved top"),
        ("long sleeves", "Long Sleeve T-Shirt"),
        ("black", "Black"),
        ("dresses", "a dress"),
        ("cherries", "cherry"),
        ("Größe", "Größe 42"),
    ],
)
def test_forms_of_a_word_match(excluded: str, text: str) -> None:
    assert matches(excluded, text)


@pytest.mark.parametrize(
    ("excluded", "text"),
    [
        ("sleeves", "sleeveless dress"),
        ("long sleeves", "long dress with short sleeves"),
        ("black", "blackberry"),
        ("red", "bored"),
        ("stripes", "tripes"),
        ("cap", "cape"),
    ],
)
def test_other_words_do_not(excluded: str, text: str) -> None:
    assert not matches(excluded, text)


def test_nothing_excludes_nothing() -> None:
    assert words_pattern([]) == words_pattern(["--", ""]) == ""
