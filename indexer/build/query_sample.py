"""Words as shoppers may use them, to measure an index with: from the catalog's own texts."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

from embeddings import Encoder, FloatArray, encode_many_texts
from indexer.index import NewProduct

__all__ = ["QuerySample"]

_SIZE = 400
_MAX_CHARACTERS = 200

_COLOURS = ("black", "white", "red", "blue", "green", "yellow", "brown", "silver", "striped")
_THINGS = ("dress", "shirt", "shoes", "bag", "watch", "chair", "lamp", "bottle", "toy", "book")


class QuerySample:
    """Keeps a uniform sample of the texts of the products that pass through it.

    Short of texts, plain phrases such as "red chair" fill it up. The sample is the same for the
    same products.
    """

    def __init__(self) -> None:
        self._random = random.Random(0)  # noqa: S311 - a sample, not a secret
        self._texts: list[str] = []
        self._seen = 0

    def watch(self, products: Iterable[NewProduct]) -> Iterator[NewProduct]:
        """Pass products on, one text of each being considered."""
        for product in products:
            texts = [value for value in product.fields.values() if isinstance(value, str)]
            if texts:
                self._consider(self._random.choice(texts)[:_MAX_CHARACTERS])
            yield product

    def embed(self, encoder: Encoder) -> FloatArray:
        """Unit vectors of the sample, `[n, dim]`."""
        phrases = [f"{colour} {thing}" for colour in _COLOURS for thing in _THINGS]
        texts = list(dict.fromkeys([*self._texts, *phrases]))[:_SIZE]
        return encode_many_texts(encoder, texts)

    def _consider(self, text: str) -> None:
        # Vitter 1985, algorithm R.
        self._seen += 1
        if len(self._texts) < _SIZE:
            self._texts.append(text)
        elif (place := self._random.randrange(self._seen)) < _SIZE:
            self._texts[place] = text
