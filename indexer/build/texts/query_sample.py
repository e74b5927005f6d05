"""Query sample: text queries drawn from the catalog, used to measure the recall of an index."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

from embeddings import Encoder, FloatArray, encode_many_texts
from indexer.index import NewProduct

__all__ = ["QuerySample"]

# Number of queries; the standard error of a recall of 0.95 is then about 0.01.
_SIZE = 400
# Longer texts are cut: shoppers type no more.
_MAX_CHARACTERS = 200

_COLOURS = ("black", "white", "red", "blue", "green", "yellow", "brown", "silver", "striped")
_THINGS = ("dress", "shirt", "shoes", "bag", "watch", "chair", "lamp", "bottle", "toy", "book")


class QuerySample:
    """Keeps a uniform sample of the texts of the products that pass through it.

    A catalog with too few texts is filled up with plain phrases such as "red chair". The same
    products always give the same sample.
    """

    def __init__(self) -> None:
        self._random = random.Random(0)  # noqa: S311 - a sample, not a secret
        self._texts: list[str] = []
        self._count = 0

    def watch(self, products: Iterable[NewProduct]) -> Iterator[NewProduct]:
        """Yield products unchanged, after considering one text of each for the sample."""
        for product in products:
            texts = [value for value in product.fields.values() if isinstance(value, str)]
            if texts:
                self._consider(self._random.choice(texts)[:_MAX_CHARACTERS])
            yield product

    def embed(self, encoder: Encoder) -> FloatArray:
        """Return unit vectors of the sample, `[n, dim]`."""
        phrases = [f"{colour} {thing}" for colour in _COLOURS for thing in _THINGS]
        texts = list(dict.fromkeys([*self._texts, *phrases]))[:_SIZE]
        return encode_many_texts(encoder, texts)

    def _consider(self, text: str) -> None:
        # Reservoir sampling: Vitter 1985, algorithm R.
        self._count += 1
        if len(self._texts) < _SIZE:
            self._texts.append(text)
        elif (position := self._random.randrange(self._count)) < _SIZE:
            self._texts[position] = text
