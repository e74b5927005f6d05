"""Colours beside words: wanted and unwanted ones of a type, and words for colours in text.

Queries are all pairs of a type and of a colour of `colour_names.json` that ten held-back products
have. A hit is right if the catalog states the type, and a colour that people accept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from indexer.search import (
    ColourPart,
    Engine,
    Query,
    SearchMode,
    SearchResult,
    TextPart,
    WantedColour,
)
from scripts.evaluation.colours.by_name import accepted_colours, expected_error
from scripts.evaluation.search.setting import Setting
from scripts.support.measuring import Measure
from scripts.training.data.vocabulary import TYPE_NAMES, singular

__all__ = ["measure_with_words"]

_K = 10
_TEXT_TARGET, _UNWANTED_TARGET, _ERROR_TARGET = 0.75, 0.05, 0.05


@dataclass(frozen=True)
class _Pair:
    """A type, what it is called, a colour, and the stated colours that are right."""

    kind: str
    word: str
    colour: str
    right: tuple[str, ...]


def measure_with_words(setting: Setting) -> list[Measure]:
    """Measure precision, calibration, and what is left of unwanted colours."""
    engine = Engine(setting.encoder, setting.held.index)
    pairs = _pairs(setting)
    named = [pair for pair in pairs if not pair.colour.startswith("#")]
    measures = []
    for mode in (SearchMode.VECTOR, SearchMode.HYBRID):

        def search(pair: _Pair, mode: SearchMode = mode, **more: object) -> SearchResult:
            query = Query((TextPart(pair.word),), k=_K, mode=mode)
            return engine.search(replace(query, **more))  # type: ignore[arg-type]

        wanted = [search(pair, colour=WantedColour(pair.colour)) for pair in pairs]
        unwanted = [search(pair, colours=(ColourPart(pair.colour, -1.0),)) for pair in pairs]
        words = [
            engine.search(Query((TextPart(f"{pair.colour} {pair.word}"),), k=_K, mode=mode))
            for pair in named
        ]
        measures += [
            _mean(f"type and colour, {mode}: type and colour", pairs, wanted, _both),
            _mean(f"type and colour, {mode}: colour", pairs, wanted, _colour),
            replace(
                _mean(f"type without colour, {mode}: unwanted", pairs, unwanted, _colour),
                target=_UNWANTED_TARGET,
                better="lower",
            ),
            replace(
                _mean(f"colour words in text, {mode}: colour", named, words, _colour),
                target=_TEXT_TARGET,
            ),
            _mean(f"colour words in text, {mode}: type and colour", named, words, _both),
        ]
        if mode is SearchMode.VECTOR:
            confidences = [hit.confidence or 0.0 for result in wanted for hit in result.hits]
            rights = [_both(pair, result) for pair, result in zip(pairs, wanted, strict=True)]
            error = expected_error(confidences, [right for some in rights for right in some])
            name = f"type and colour, {mode}: calibration error"
            measures.append(Measure(name, error, _ERROR_TARGET, better="lower"))
    return measures


def _pairs(setting: Setting) -> list[_Pair]:
    columns = setting.held.columns
    kinds, colours = columns["article_type"].astype(str), columns["base_colour"].astype(str)
    found = []
    for kind in sorted(set(kinds)):
        word = TYPE_NAMES.get(kind, (singular(kind),))[0].lower()
        for colour, right in accepted_colours(setting.data).items():
            if (np.isin(colours, right) & (kinds == kind)).sum() >= _K:
                found.append(_Pair(kind, word, colour, tuple(right)))
    return found


def _both(pair: _Pair, result: SearchResult) -> list[bool]:
    kinds = [hit.fields.get("article_type") == pair.kind for hit in result.hits]
    return [kind and right for kind, right in zip(kinds, _colour(pair, result), strict=True)]


def _colour(pair: _Pair, result: SearchResult) -> list[bool]:
    return [hit.fields.get("base_colour") in pair.right for hit in result.hits]


def _mean(
    name: str,
    pairs: Sequence[_Pair],
    results: Sequence[SearchResult],
    judge: Callable[[_Pair, SearchResult], list[bool]],
) -> Measure:
    shares = [sum(judge(pair, one)) / _K for pair, one in zip(pairs, results, strict=True)]
    return replace(Measure.mean(name, shares), note=f"{len(pairs)} queries")
