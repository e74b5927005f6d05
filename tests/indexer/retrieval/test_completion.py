"""Completion of typed words: what is found, in which order, and how much at most."""

from __future__ import annotations

import pytest

from indexer.retrieval import Completion, CompletionKind, Completions

RED = Completion("Red", CompletionKind.VALUE, "colour", None, 41)
READ = Completion("reading lamp", CompletionKind.TAG, "tag_type", None, 60)
DRESS = Completion("Red Cotton Dress", CompletionKind.TITLE, None, "1", 1)
CAFE = Completion("Café table, red legs", CompletionKind.TITLE, None, "2", 1)
ALL = Completions([DRESS, CAFE, RED, READ])


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("re", [READ, RED, DRESS, CAFE]),
        ("RED", [RED, DRESS, CAFE]),
        ("red d", [DRESS]),
        ("dress re", [DRESS]),
        ("cafe", [CAFE]),
        ("café  TAB", [CAFE]),
        ("dressed", []),
        ("", []),
        ("  !? ", []),
    ],
)
def test_each_typed_word_begins_a_word(typed: str, expected: list[Completion]) -> None:
    assert ALL.complete(typed, 8) == expected


def test_a_text_is_given_once_and_no_more_than_asked() -> None:
    titles = [Completion(f"Mug {n % 3}", CompletionKind.TITLE, None, str(n), 1) for n in range(9)]
    assert [one.text for one in Completions(titles).complete("mug", 8)] == [
        "Mug 0",
        "Mug 1",
        "Mug 2",
    ]
    assert len(Completions(titles).complete("mug", 2)) == 2


def test_the_work_for_one_letter_is_bounded() -> None:
    many = (Completion(f"s{n} thing", CompletionKind.TITLE, None, str(n), 1) for n in range(20_000))
    assert len(Completions(many).complete("s", 20)) == 20
