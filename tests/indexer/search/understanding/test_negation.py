"""Negation in the text of a query, and the texts that only look like it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.search.understanding import has_negation, read_negation


@pytest.mark.parametrize(
    ("text", "kept", "excluded"),
    [
        ("shirt without stripes", "shirt", ["stripes"]),
        ("Shirt WITHOUT Stripes", "Shirt", ["Stripes"]),
        ("shirt w/o stripes", "shirt", ["stripes"]),
        ("tshirt not black", "tshirt", ["black"]),
        ("tshirt, not black, cotton", "tshirt, cotton", ["black"]),
        ("not black tshirt", "tshirt", ["black"]),
        ("striped shirt -blue", "striped shirt", ["blue"]),
        ("-blue striped shirt", "striped shirt", ["blue"]),
        ('shirt -"polka dots" cotton', "shirt cotton", ["polka dots"]),
        ("shirt -“polka dots”", "shirt", ["polka dots"]),
        ("no sleeves", "", ["sleeves"]),
        ("dress no sleeves", "dress", ["sleeves"]),
        ("no sleeves top", "top", ["sleeves"]),
        ("no collar shirt", "shirt", ["collar"]),
        ("no polka dots", "", ["polka dots"]),
        ("shirt without long sleeves", "shirt", ["long sleeves"]),
        ("shirt without stripes or dots", "shirt", ["stripes", "dots"]),
        ("trousers with no pockets or belt", "trousers", ["pockets", "belt"]),
        ("dress without any stripes and with a collar", "dress and with a collar", ["stripes"]),
        ("red shoes without laces for men", "red shoes for men", ["laces"]),
        ("shirt but not blue", "shirt", ["blue"]),
        ("bag not leather not brown", "bag", ["leather", "brown"]),
        ("shirt that is not striped", "shirt", ["striped"]),
        ("shoes other than nike", "shoes", ["nike"]),
        ("anything but red", "", ["red"]),
        ("cotton instead of wool sweater", "cotton", ["wool sweater"]),
        ('shirt without "no rules" print', "shirt print", ["no rules"]),
        ("größe ohne", "größe ohne", []),
    ],
)
def test_what_is_not_wanted(text: str, kept: str, excluded: list[str]) -> None:
    reading = read_negation(text)
    assert (reading.kept, list(reading.excluded)) == (kept, excluded)


@pytest.mark.parametrize(
    "text",
    [
        "no iron shirt",
        "no show socks",
        "no-iron shirt",
        "non stick pan",
        "no pull harness",
        "not too long dress",
        "not very expensive",
        "not only for kids",
        "Chanel No 5",
        "Chanel No. 5 perfume",
        "t-shirt",
        "x-ray -5 degrees",
        "sweater - blue",
        "10 - 20",
        "no",
        "not",
        "without",
        "shirt without",
        "nothing knot notes",
        "sleeveless fragrance-free",
        "-",
        "--",
    ],
)
def test_what_only_looks_like_a_negation(text: str) -> None:
    reading = read_negation(text)
    assert reading.excluded == ()
    assert reading.kept == text.strip(" ,;:.!?()[]")


def test_quoted_text_is_taken_as_it_is() -> None:
    assert read_negation('"not black" tshirt').kept == "not black tshirt"
    assert read_negation('"without you" mug').excluded == ()


def test_names_of_the_catalog_are_no_negations() -> None:
    def is_name(negator: str, word: str) -> bool:
        return (negator, word) == ("no", "boundaries")

    assert read_negation("no boundaries jeans", is_name).excluded == ()
    assert read_negation("jeans no belts", is_name).excluded == ("belts",)
    assert read_negation("jeans no boundaries").excluded == ("boundaries",)


WORDS = ["no", "not", "without", "-red", "red", '"', '"red"', "or", "and", "but", ",", "with", "-"]


@given(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join) | st.text(max_size=40))
def test_every_text_has_a_reading(text: str) -> None:
    reading = read_negation(text)
    assert all(reading.excluded)
    if not has_negation(text):
        assert reading.excluded == ()
