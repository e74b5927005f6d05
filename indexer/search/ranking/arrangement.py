"""Orders that a shop decides: sorting by fields, boosts, and products pinned or buried."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from indexer.catalog import FieldType
from indexer.errors import QueryError
from indexer.index import Found, Index
from indexer.retrieval import Predicate, checkpoint, parse_filter
from indexer.search.query import Boost, BoostFunction, Choice, SortKey
from indexer.search.ranking.colour_order import Ranking
from indexer.storage import Mask

__all__ = [
    "BOOST_DEPTH",
    "boosted",
    "check_arrangement",
    "chosen_masks",
    "rearranged",
    "sorted_places",
]

BOOST_DEPTH = 500
"""How many products of a ranking boosts reorder; those after them keep their places."""

# A boost changes a product's relevance by this factor at most, up or down: what is twice as likely
# to be right stays ahead, whatever its stock.
_MOST = 2.0

_UNSORTED = (FieldType.LABELS, FieldType.NUMBERS)
_COUNTED = (FieldType.INTEGER, FieldType.FLOAT, FieldType.BOOLEAN, FieldType.DATE)

Relevance = Callable[[Sequence[Found]], NDArray[np.float64]]
"""Returns the relevance of hits, `[n]`, above 0."""

Places = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Segments and rows of products, each `[n]`."""


def check_arrangement(index: Index, sort: Sequence[SortKey], boosts: Sequence[Boost]) -> None:
    """Refuse fields that do not exist, or that can't order products.

    Raises:
        QueryError: Naming the first.
    """
    index.check_fields([*(key.field for key in sort), *(boost.field for boost in boosts)])
    types = index.manifest.columns
    for key in sort:
        if types[key.field] in _UNSORTED:
            raise QueryError(f"sort: {key.field!r} has several values; sort by a field with one.")
    for boost in boosts:
        if types[boost.field] not in _COUNTED:
            raise QueryError(
                f"boost: {boost.field!r} is of type {types[boost.field]}; boost by numbers, dates "
                "or booleans."
            )
        if not -1 <= boost.weight <= 1:
            raise QueryError("boost: the weight is a number from -1 to 1.")


def sorted_places(
    index: Index, masks: Sequence[Mask], keys: Sequence[SortKey], ranking: Sequence[Found]
) -> Places:
    """Return products in the order of some fields; those without a value last.

    Args:
        index: The generation.
        masks: The products, a mask for each segment.
        keys: The first field decides; where it ties, the next one.
        ranking: Decides where all fields tie; products that it lacks come after it.
    """
    ranks = {(hit.segment, hit.row): rank for rank, hit in enumerate(ranking)}
    names = list(dict.fromkeys(key.field for key in keys))
    tables, segments, rows = [], [], []
    for number, (segment, mask) in enumerate(zip(index.segments, masks, strict=True)):
        checkpoint()
        here = np.flatnonzero(mask)
        relevance = [ranks.get((number, row), len(ranks)) for row in here.tolist()]
        table = segment.field_table.select(names).take(pa.array(here))
        # A field may have the name of this column.
        tables.append(table.rename_columns([f"field {name}" for name in names])
                      .append_column("rank", pa.array(relevance, pa.int64())))  # fmt: skip
        segments.append(np.full(len(here), number))
        rows.append(here)
    import pyarrow.compute as pc  # takes as long to import as numpy

    by = [(f"field {key.field}", "descending" if key.descending else "ascending") for key in keys]
    joined = pa.concat_tables(tables, promote_options="permissive")
    found = pc.sort_indices(joined, sort_keys=[*by, ("rank", "ascending")])
    order = np.asarray(found)
    return np.concatenate(segments)[order], np.concatenate(rows)[order]


def boosted(
    index: Index, boosts: Sequence[Boost], ranking: Ranking, relevance: Relevance
) -> Ranking:
    """Reorder the first `BOOST_DEPTH` products by relevance times a bounded factor.

    Args:
        index: The generation.
        boosts: Of fields that `check_arrangement` accepts.
        ranking: The order to change.
        relevance: Returns the relevance of products, above 0.
    """
    if not boosts:
        return ranking

    def reordered(count: int) -> list[Found]:
        found = list(ranking(max(count, BOOST_DEPTH)))
        pool, rest = found[:BOOST_DEPTH], found[BOOST_DEPTH:]
        factors = np.zeros(len(pool))
        for boost in boosts:
            factors += boost.weight * _scaled(_values(index, pool, boost.field), boost.function)
        factors = np.exp(np.clip(factors * np.log(_MOST), -np.log(_MOST), np.log(_MOST)))
        order = np.argsort(-relevance(pool) * factors, kind="stable").tolist()
        return [*(pool[place] for place in order), *rest][:count]

    return reordered


def chosen_masks(index: Index, choices: Sequence[Choice]) -> tuple[list[str], list[Mask]]:
    """Return the ids among some choices, and the products that any of their filters selects.

    Raises:
        QueryError: A filter does not fit.
    """
    ids = [choice for choice in choices if isinstance(choice, str)]
    filters: list[Predicate] = [
        parse_filter(dict(choice), index.manifest.columns)
        for choice in choices
        if not isinstance(choice, str)
    ]
    masks = [np.zeros(len(segment.alive), np.bool_) for segment in index.segments]
    for predicate in filters:
        for number, segment in enumerate(index.segments):
            masks[number] |= segment.products_where(predicate)
    return ids, masks


def rearranged(
    ranking: Ranking, pinned: Sequence[Found], is_buried: Callable[[Found], bool]
) -> Ranking:
    """Put some products first, and others behind all that the ranking has.

    Args:
        ranking: The order to change.
        pinned: Come first, in this order.
        is_buried: Tells which products come last; pinned ones do not.
    """
    first = {(hit.segment, hit.row) for hit in pinned}

    def changed(count: int) -> list[Found]:
        depth = count + len(first)
        while True:
            checkpoint()
            found = ranking(depth)
            others = [hit for hit in found if (hit.segment, hit.row) not in first]
            kept = [hit for hit in others if not is_buried(hit)]
            if len(found) < depth:
                kept += [hit for hit in others if is_buried(hit)]
            elif len(kept) + len(first) < count:
                depth *= 2
                continue
            return [*pinned, *kept][:count]

    return changed


def _values(index: Index, pool: Sequence[Found], name: str) -> NDArray[np.float64]:
    """Return a field's value of each product as a number; NaN where it has none."""
    values = np.full(len(pool), np.nan)
    for number, segment in enumerate(index.segments):
        places = [place for place, hit in enumerate(pool) if hit.segment == number]
        rows = pa.array([pool[place].row for place in places], pa.int64())
        column = segment.field_table[name].take(rows).to_pylist()
        values[places] = [_as_number(value) for value in column]
    return values


def _as_number(value: Any) -> float:
    if value is None:
        return np.nan
    if isinstance(value, str):  # a date
        return float(dt.date.fromisoformat(value[:10]).toordinal())
    if isinstance(value, dt.date):
        return float(value.toordinal())
    return float(value)


def _scaled(values: NDArray[np.float64], function: BoostFunction) -> NDArray[np.float64]:
    """Scale values to 0 to 1 over all products; those without one get 0."""
    known = np.isfinite(values)
    if not known.any():
        return np.zeros(len(values))
    shifted = values - values[known].min()
    if function is BoostFunction.LOG:
        shifted = np.log1p(np.maximum(values, 0.0))
    most = float(shifted[known].max())
    return np.where(known, shifted / most if most > 0 else 0.0, 0.0)
