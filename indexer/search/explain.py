"""Why a product was found: the tags and the colours that it shares with the query."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from embeddings import Tag
from indexer.catalog import ShownValue
from indexer.colours import (
    NEAR,
    LabArray,
    MeasuredColours,
    ciede2000,
    colour_of,
    colour_table,
    measured,
    rgb_of,
)
from indexer.index import FIELD_PREFIX, Found, Index
from indexer.search.query import Explanation, ImagePart, LikePart, Query, SharedColour, TextPart

__all__ = ["explain"]

_WORDS = re.compile(r"\w+")


def explain(
    index: Index, query: Query, found: Sequence[Found], tags: Sequence[Tag] = ()
) -> tuple[Explanation, ...]:
    """What each hit shares with a query.

    Parts of negative weight share nothing. Words share the labels and the colours that they name,
    pictures those that they show, products those that they have; tags are those that the index
    stores.

    Args:
        index: Where the hits are.
        query: What was asked.
        found: The hits.
        tags: Of the query's pictures.
    """
    shown = {(tag.group, tag.label.casefold()) for tag in tags}
    for part in query.parts:
        if isinstance(part, LikePart) and part.weight > 0:
            shown |= {(group, label) for group, label, _ in _labels(index.fields(part.id))}
    words = [part for part in query.parts if isinstance(part, TextPart) and part.weight > 0]
    said = " ".join(_said(part.text) for part in words)
    colours = [*_colours(index, query)]
    wanted = np.concatenate(colours) if colours else np.empty((0, 3), np.float32)
    return tuple(
        Explanation(_shared_tags(index, place, shown, said), _shared_colours(index, place, wanted))
        for place in found
    )


def _said(text: str) -> str:
    """A text as words with a blank on either side, so that whole words are found in it."""
    return f" {' '.join(_WORDS.findall(text.casefold()))} "


def _labels(fields: Mapping[str, ShownValue]) -> Iterator[tuple[str, str, str]]:
    """Group, label in lower case, and label, of the tags among a product's fields."""
    for name, value in fields.items():
        if name.startswith(FIELD_PREFIX) and isinstance(value, list):
            for label in value:
                yield name.removeprefix(FIELD_PREFIX), label.casefold(), label


def _shared_tags(
    index: Index, place: Found, shown: set[tuple[str, str]], said: str
) -> tuple[tuple[str, str], ...]:
    fields = index.segments[place.segment].fields(place.row)
    return tuple(
        (group, label)
        for group, folded, label in _labels(fields)
        if (group, folded) in shown or _said(folded) in said
    )


def _colours(index: Index, query: Query) -> Iterator[LabArray]:
    """The colours `[n, 3]` of each part that has any, and the one that is asked for."""
    if query.colour is not None:
        yield colour_of(query.colour.colour)[np.newaxis]
    for part in query.parts:
        if part.weight <= 0:
            continue
        if isinstance(part, TextPart):
            yield _named(part.text)
        elif isinstance(part, ImagePart):
            yield _of(MeasuredColours.from_array(measured(part.image)))
        else:
            yield from map(_of, index.colours(part.id))


def _of(colours: MeasuredColours | None) -> LabArray:
    return np.empty((0, 3), np.float32) if colours is None else colours.lab


def _named(text: str) -> LabArray:
    """The colours that a text names; of "navy blue" that one and not blue as well."""
    table = colour_table()
    words = {**dict(zip(table.names, table.names, strict=True)), **table.synonyms}
    said, places = _said(text), []
    for word in sorted(words, key=len, reverse=True):
        if _said(word) in said:
            said = said.replace(_said(word), " ")
            places.append(table.names.index(words[word]))
    lab = table.centres[places]
    return lab[np.isfinite(lab[:, 0])]


def _shared_colours(index: Index, place: Found, wanted: LabArray) -> tuple[SharedColour, ...]:
    stored = index.segments[place.segment].colours
    colours = None if stored is None else MeasuredColours.from_array(np.array(stored[place.image]))
    if colours is None or not len(wanted):
        return ()
    near = (ciede2000(colours.lab[:, np.newaxis], wanted) <= NEAR).any(axis=1)
    table = colour_table()
    names = [table.names[at] for at in table.named(colours.lab[near]).tolist()]
    return tuple(
        SharedColour(name, "#" + bytes(rgb.tolist()).hex(), float(share))
        for name, rgb, share in zip(
            names, rgb_of(colours.lab[near]), colours.shares[near], strict=True
        )
    )
