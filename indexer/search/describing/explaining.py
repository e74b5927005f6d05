"""Explanations of hits: the tags and the colours that a product shares with the query."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from embeddings import Tag
from embeddings.vision import Findings
from indexer.catalog import FieldValue
from indexer.colours import (
    NEAR_DISTANCE,
    LabArray,
    MeasuredColours,
    ciede2000,
    colour_point,
    colour_table,
    hex_of,
    look_names,
    measure_image,
)
from indexer.index import FIELD_PREFIX, Found, Index
from indexer.retrieval import checkpoint
from indexer.retrieval import words as tokens
from indexer.search.query import (
    Explanation,
    ImagePart,
    LikePart,
    MatchedLine,
    Query,
    SharedColour,
    TextPart,
)

__all__ = ["explain"]

_WORDS = re.compile(r"\w+")
# Shorter words are not compared with others that differ by a letter.
_LEAST_LETTERS_FOR_TYPO = 4


def explain(
    index: Index, query: Query, found: Sequence[Found], tags: Sequence[Tag] = ()
) -> tuple[Explanation, ...]:
    """Explain each hit by what it shares with the query.

    Texts contribute the labels and the colours that they name, images those that they show,
    products those that they have. Parts of negative weight contribute nothing. The tags of hits are
    those that the index stores.

    Args:
        index: The generation that found the hits.
        query: The query.
        found: The hits.
        tags: The tags of the query's images.
    """
    if not found:
        return ()
    labels = {(tag.group, tag.label.casefold()) for tag in tags}
    for part in query.parts:
        if isinstance(part, LikePart) and part.weight > 0:
            labels |= {(group, label) for group, label, _ in _labels(index.fields(part.id))}
    texts = [part for part in query.parts if isinstance(part, TextPart) and part.weight > 0]
    words = " ".join(_padded(part.text) for part in texts)
    typed = {word: _tokens(word) for part in texts for word in _WORDS.findall(part.text)}
    colours = [*_colours(index, query)]
    lab = np.concatenate(colours) if colours else np.empty((0, 3), np.float32)
    explanations = []
    for place in found:
        checkpoint()
        tags_of_hit = _shared_tags(index, place, labels, words)
        shared = _shared_colours(index, place, lab)
        lines = _matched_lines(index, place, typed)
        explanations.append(Explanation(tags_of_hit, shared, lines))
    return tuple(explanations)


def _padded(text: str) -> str:
    """Return the words of a text with a blank on either side, to find whole words in it."""
    return f" {' '.join(_WORDS.findall(text.casefold()))} "


def _labels(fields: Mapping[str, FieldValue]) -> Iterator[tuple[str, str, str]]:
    """Yield group, label in lower case, and label, of the tags among a product's fields."""
    for name, value in fields.items():
        if name.startswith(FIELD_PREFIX) and isinstance(value, list):
            for label in value:
                yield name.removeprefix(FIELD_PREFIX), label.casefold(), label


def _shared_tags(
    index: Index, place: Found, labels: set[tuple[str, str]], words: str
) -> tuple[tuple[str, str], ...]:
    fields = index.segments[place.segment].fields(place.row)
    return tuple(
        (group, label)
        for group, folded, label in _labels(fields)
        if (group, folded) in labels or _padded(folded) in words
    )


def _tokens(text: str) -> set[str]:
    return set(tokens(text))


def _matched_lines(
    index: Index, place: Found, typed: Mapping[str, set[str]]
) -> tuple[MatchedLine, ...]:
    """Return the lines in a product's images with words of the query, given with their tokens."""
    segment = index.segments[place.segment]
    found = []
    for number, row in enumerate(segment.image_rows(place.row)):
        findings = segment.findings(row)
        if not findings or not typed:
            continue
        for line in Findings.from_json(findings).lines or ():
            read = _tokens(line.text)
            words = tuple(
                word
                for word, forms in typed.items()
                if any(_nearly(one, other) for one in forms for other in read)
            )
            if words:
                found.append(MatchedLine(words, line.text, number, line.box))
    return tuple(found)


def _nearly(word: str, read: str) -> bool:
    """Whether two words are the same but for one letter, as keyword search has it."""
    if word == read or len(word) < _LEAST_LETTERS_FOR_TYPO:
        return word == read
    longer, shorter = sorted((word, read), key=len, reverse=True)
    if len(longer) - len(shorter) > 1:
        return False
    at = next((n for n, letter in enumerate(shorter) if letter != longer[n]), len(shorter))
    rest = shorter[at:] if len(longer) > len(shorter) else shorter[at + 1 :]
    return longer[at + 1 :] == rest


def _colours(index: Index, query: Query) -> Iterator[LabArray]:
    """Yield the colours `[n, 3]` of each part that has any, and the query's own colour."""
    asked = [part.colour for part in query.colours if part.weight > 0]
    asked += [] if query.colour is None else [query.colour.colour]
    for lab in (colour_point(colour).lab for colour in asked):
        if lab is not None:
            yield lab[np.newaxis]
    for part in query.parts:
        if part.weight <= 0:
            continue
        if isinstance(part, TextPart):
            yield _named_colours(part.text)
        elif isinstance(part, ImagePart):
            yield _lab_of(MeasuredColours.from_array(measure_image(part.image)))
        elif isinstance(part, LikePart):
            yield from map(_lab_of, index.colours(part.id))


def _lab_of(colours: MeasuredColours | None) -> LabArray:
    return np.empty((0, 3), np.float32) if colours is None else colours.lab


def _named_colours(text: str) -> LabArray:
    """Return the colours that a text names; "navy blue" names navy alone, and not also blue."""
    table = colour_table()
    names = {**dict(zip(table.names, table.names, strict=True)), **table.synonyms}
    words, places = _padded(text), []
    for name in sorted(names, key=len, reverse=True):
        if _padded(name) in words:
            words = words.replace(_padded(name), " ")
            places.append(table.names.index(names[name]))
    lab = table.centres[places]
    return lab[np.isfinite(lab[:, 0])]


def _shared_colours(index: Index, place: Found, lab: LabArray) -> tuple[SharedColour, ...]:
    stored = index.segments[place.segment].colours
    colours = None if stored is None else MeasuredColours.from_array(np.array(stored[place.image]))
    if colours is None or not len(lab):
        return ()
    near = (ciede2000(colours.lab[:, np.newaxis], lab) <= NEAR_DISTANCE).any(axis=1)
    return tuple(
        SharedColour(name, hex_of(shade), float(share))
        for name, shade, share in zip(
            look_names(colours.lab[near]), colours.lab[near], colours.shares[near], strict=True
        )
    )
