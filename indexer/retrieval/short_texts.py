"""Words of the short texts of products, its title and values, in which they say what it is.

In a long description they may say anything, such as what goes with the product.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from indexer.retrieval.filter_columns import Columns
from indexer.storage import Mask

__all__ = ["having_words"]

_NEGATED = r"\b(?:no|not|non|without|w/o|ohne|sans)[\s-]+(?:any[\s-]+)?"


def having_words(columns: Columns, pattern: str) -> Mask:
    """Return a mask over the rows whose short texts have words that match a pattern.

    Words that a text itself negates don't count: "dress without sleeves" has no sleeves.

    Args:
        columns: The fields.
        pattern: A regular expression of Python and RE2, of whole words; case is ignored.
    """
    every = np.zeros(columns.rows, np.bool_)
    for name in columns.short_texts:
        coded = columns.coded(name)
        if coded is None:
            every |= _matching(columns.table[name], pattern)
        else:
            every |= coded.rows_of(_matching(coded.values, pattern))
    return every


def _matching(values: pa.Array | pa.ChunkedArray, pattern: str) -> Mask:
    import pyarrow.compute as pc

    bounded = rf"(?i)(?:^|[^\pL\pN])(?:{pattern})(?:[^\pL\pN]|$)"
    found = pc.match_substring_regex(values, bounded).fill_null(pa.scalar(value=False))
    mask = np.array(found.to_numpy(zero_copy_only=False), np.bool_)
    for place, text in _texts(values, mask):
        rest = re.sub(rf"{_NEGATED}(?:{pattern})\b", " ", text, flags=re.IGNORECASE)
        mask[place] = re.search(rf"(?<!\w)(?:{pattern})(?!\w)", rest, re.IGNORECASE) is not None
    return mask


def _texts(values: pa.Array | pa.ChunkedArray, mask: Mask) -> Iterator[tuple[int, str]]:
    places = np.flatnonzero(mask)
    texts = values.take(pa.array(places)).to_pylist()
    return zip(places.tolist(), texts, strict=True)
