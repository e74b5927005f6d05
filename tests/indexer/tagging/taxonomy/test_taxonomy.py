from __future__ import annotations

from dataclasses import replace

import pytest

from indexer.errors import TaxonomyError
from indexer.tagging.taxonomy import Group, Label, Taxonomy

TRAINERS = Label("trainers", ("Sneakers", "gym shoes"), ("{}", "a {} here"), "footwear")
TYPE = Group("type", True, (Label("footwear"), TRAINERS, Label("boots", parent="trainers")))
MOOD = Group("mood", False, (Label("happy"), Label("sad")))
SHOES = Taxonomy("shoes", 3, (TYPE, MOOD))


def test_prompts_are_all_words_in_all_templates() -> None:
    assert TRAINERS.prompts == [
        "trainers", "a trainers here", "Sneakers", "a Sneakers here", "gym shoes",
        "a gym shoes here",
    ]  # fmt: skip


def test_labels_are_found_by_name_and_synonym() -> None:
    assert TYPE.places == {
        "footwear": 0, "trainers": 1, "sneakers": 1, "gym shoes": 1, "boots": 2
    }  # fmt: skip
    assert TYPE.parents == (-1, 0, 1)
    assert TYPE.lineage(2) == (2, 1, 0)


def test_a_name_wins_over_a_synonym_of_the_same_word() -> None:
    group = Group("g", True, (Label("a", ("B",)), Label("b")))
    assert group.places == {"a": 0, "b": 1}


def test_the_digest_changes_with_what_decides_scores() -> None:
    changed = replace(TRAINERS, synonyms=("Sneakers",))
    other = replace(TYPE, labels=(TYPE.labels[0], changed, TYPE.labels[2]))
    assert other.digest != TYPE.digest
    assert replace(TYPE, exclusive=False).digest != TYPE.digest
    assert replace(TYPE, name="kind").digest == TYPE.digest
    assert replace(SHOES, groups=(other, MOOD)).digest != SHOES.digest


def test_some_groups_of_a_taxonomy() -> None:
    assert SHOES.only(["mood"]).groups == (MOOD,)
    assert SHOES.group("type") is TYPE
    with pytest.raises(TaxonomyError, match="no group 'colour', but type, mood"):
        SHOES.only(["colour"])
