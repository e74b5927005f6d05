"""What a query leaves open, decided by the index; and the order of a catalog without a query."""

from __future__ import annotations

import math

import numpy as np

from indexer.catalog import VARIANTS
from indexer.errors import QueryError
from indexer.index import Found, Index
from indexer.retrieval import Predicate, checkpoint
from indexer.search.query import Query, SearchMode, SortKey

__all__ = ["grouping_of", "listed", "mode_of", "sort_key"]


def mode_of(index: Index, query: Query) -> SearchMode:
    """Return a query's mode in an index: the one that it names, or the default."""
    if query.mode is not None:
        return query.mode
    by_colour = query.colour is not None and query.colour.effective_weight >= 1
    return SearchMode.VECTOR if by_colour or not index.has_words else SearchMode.HYBRID


def grouping_of(index: Index, query: Query) -> bool | str:
    """Return what a query's hits are grouped by, as `Query.group`.

    Raises:
        QueryError: Several ways are given, or there is no such field.
    """
    ways = [way for way in (query.group, query.group_by, query.collapse) if way]
    if len(ways) > 1:
        raise QueryError("Give one of group, group_by and collapse.")
    if query.collapse is True:
        # A catalog without variants has nothing to collapse.
        return VARIANTS if VARIANTS in index.manifest.columns else False
    way = ways[0] if ways else False
    index.check_fields([way] if isinstance(way, str) else [])
    return way


def listed(index: Index, count: int, where: Predicate | None) -> list[Found]:
    """Return the first products that pass a filter, in the catalog's order, without a score."""
    found: list[Found] = []
    for number, segment in enumerate(index.segments):
        checkpoint()
        rows = np.flatnonzero(segment.products_where(where))[: count - len(found)]
        found += [Found(math.nan, number, row, segment.image_rows(row)[0]) for row in rows.tolist()]
    return found


def sort_key(words: str) -> SortKey:
    """Return the key that words such as `price:desc` name; ascending where they don't say.

    >>> sort_key("price:desc")
    SortKey(field='price', descending=True)
    """
    field, colon, order = words.rpartition(":")
    if colon and order in ("asc", "desc"):
        return SortKey(field, order == "desc")
    return SortKey(words)
