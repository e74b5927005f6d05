"""Words of shoppers: singulars, and words that lead to few types."""

from __future__ import annotations

import pytest

from scripts.training.data import captions, vocabulary


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
