"""Completion of words while they are typed, from an inverted index of what there is to say."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from indexer.retrieval.tokens import words

__all__ = ["Completion", "CompletionKind", "Completions"]

# Completions of one beginning that are ranked: enough that "s" finds what is frequent, and little
# enough that it takes a millisecond.
_MAX_RANKED = 4000
# Characters of a typed text that are read.
_MAX_TYPED = 200


class CompletionKind(StrEnum):
    """Where a completion comes from."""

    VALUE = "value"
    TAG = "tag"
    TITLE = "title"


@dataclass(frozen=True)
class Completion:
    """A text that completes what was typed.

    Attributes:
        text: The whole text.
        kind: Where it comes from.
        field: The field that has it as a value or tag; None for a title.
        id: The product of a title; None for others.
        count: Products that have it.
    """

    text: str
    kind: CompletionKind
    field: str | None
    id: str | None
    count: int


class Completions:
    """Texts by the beginnings of their words.

    Args:
        completions: All there are; those of one text are ranked as they come.
    """

    def __init__(self, completions: Iterable[Completion]) -> None:
        places: defaultdict[str, list[int]] = defaultdict(list)
        self._all: list[Completion] = []
        self._words: list[tuple[str, ...]] = []
        for completion in completions:
            tokens = tuple(words(completion.text))
            for token in set(tokens):
                places[token].append(len(self._all))
            self._all.append(completion)
            self._words.append(tokens)
        self._vocabulary = sorted(places)
        self._places = [places[word] for word in self._vocabulary]

    def complete(self, typed: str, k: int) -> list[Completion]:
        """Return up to k completions of a text whose last word may be unfinished.

        Every typed word begins a word of each completion. Texts that begin as typed come first,
        then values and tags before titles, the most frequent first. Case and accents don't matter.
        """
        beginnings = words(typed[:_MAX_TYPED], query=True)
        if not beginnings:
            return []
        found = [
            place
            for place in self._beginning_with(beginnings[-1])
            if all(_any_begins(self._words[place], token) for token in beginnings[:-1])
        ]
        found.sort(key=lambda place: self._rank(place, beginnings))
        seen: set[str] = set()
        chosen = []
        for place in found:
            folded = " ".join(self._words[place])
            if folded in seen:
                continue
            seen.add(folded)
            chosen.append(self._all[place])
            if len(chosen) == k:
                break
        return chosen

    def _beginning_with(self, token: str) -> list[int]:
        found: dict[int, None] = {}
        place = bisect_left(self._vocabulary, token)
        while place < len(self._vocabulary) and self._vocabulary[place].startswith(token):
            found.update(dict.fromkeys(self._places[place]))
            if len(found) >= _MAX_RANKED:
                break
            place += 1
        return list(found)[:_MAX_RANKED]

    def _rank(self, place: int, tokens: list[str]) -> tuple[bool, bool, int, int, str]:
        completion, own = self._all[place], self._words[place]
        begins = all(word.startswith(token) for word, token in zip(own, tokens, strict=False))
        is_title = completion.kind is CompletionKind.TITLE
        return (not begins, is_title, -completion.count, len(completion.text), completion.text)


def _any_begins(own: tuple[str, ...], token: str) -> bool:
    return any(word.startswith(token) for word in own)
