"""Lessons: fields that name kinds, titles that are words, and groups."""

from __future__ import annotations

import numpy as np

from indexer.adaptation import group_products, kind_fields, plain
from indexer.adaptation.lessons import titles_teach

SIZES = ["s", "m", "l", "xl"]


def many(*values: str, count: int = 60) -> list[str]:
    return [values[number % len(values)] for number in range(count)]


def test_fields_that_name_kinds_are_found_by_their_values() -> None:
    columns = {
        "id2": [f"a-{number}" for number in range(60)],
        "text": [f"a long description with many words number {number}" for number in range(60)],
        "constant": many("shoes"),
        "rare": [*many("shoes", "bags", count=20), *[""] * 40],
        "codes": many("x1", "y2"),
        "address": many("https://shop.example/red", "https://shop.example/blue"),
        "product_type": many("shoes", "bags", "belts"),
    }
    assert kind_fields(columns) == ("product_type",)


def test_the_most_telling_fields_come_first_and_one_of_each_sort() -> None:
    columns = {
        "season": many("summer", "winter"),
        "brand": many("acme", "zenith"),
        "base_colour": many("red", "blue"),
        "master_category": many("apparel", "footwear"),
        "article_type": many("shirts", "shoes", "jeans"),
        "usage": many("casual", "formal"),
    }
    assert kind_fields(columns) == ("article_type", "base_colour", "brand")
    unnamed = {name: columns[name] for name in ("season", "usage")}
    assert kind_fields(unnamed) == ("season",)


def test_values_are_plain_words() -> None:
    assert plain(" <b>Red&nbsp;Dress</b>\n long ") == "red dress long"
    assert [plain(value) for value in (None, 3, ["a"], "NA", "n/a", "-")] == [""] * 6


def test_titles_teach_if_they_are_words_that_differ() -> None:
    assert titles_teach([f"red dress {number}" for number in range(30)])
    assert not titles_teach(["red dress"] * 1000)
    assert not titles_teach([f"{number}" for number in range(1000)])
    assert not titles_teach([f"red dress {number}" for number in range(10)])
    assert not titles_teach([*(f"red dress {number}" for number in range(30)), *[""] * 70])


def test_products_that_share_any_key_are_one_group() -> None:
    titles = ["a", "b", "a", "", "", "c"]
    images = ["1", "2", "3", "2", "4", ""]
    groups = group_products(titles, images)
    assert groups[0] == groups[2]
    assert groups[1] == groups[3]
    assert len(np.unique(groups)) == 4
    chain = group_products(["x", "x", "y", "y"], ["1", "2", "2", "3"])
    assert len(np.unique(chain)) == 1
