"""Taggers of the service: one for each taxonomy, made on first use."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from embeddings import Encoder
from indexer.tagging import Tagger
from indexer.tagging.taxonomy import Taxonomy, built_in_names, read_taxonomy
from search_api.service.errors import InvalidRequestError

__all__ = ["Taggers"]


class Taggers:
    """Makes each tagger once, on a thread of its own: a large model needs minutes for its labels.

    Args:
        encoder: Embeds the labels.
        files: The shop's own taxonomy files, in addition to the built-in ones.

    Raises:
        TaxonomyError: A file is not a valid taxonomy.
    """

    def __init__(self, encoder: Encoder, files: Sequence[Path] = ()) -> None:
        self._encoder = encoder
        own = [read_taxonomy(path) for path in files]
        self._own: Mapping[str, Taxonomy] = {taxonomy.name: taxonomy for taxonomy in own}
        self._made: dict[str, Future[Tagger]] = {}
        self._thread = ThreadPoolExecutor(1, "labels")

    @property
    def names(self) -> list[str]:
        """Names of the taxonomies."""
        return sorted({*built_in_names(), *self._own})

    async def of(self, name: str) -> Tagger:
        """Return the tagger of a taxonomy; cancelling the caller does not cancel the making.

        Raises:
            InvalidRequestError: There is no such taxonomy.
            LookalikeError: Embedding the labels failed; the next call tries again.
        """
        if name not in self.names:
            known = ", ".join(self.names)
            raise InvalidRequestError(f"taxonomies: there is no {name!r}; there is {known}.")
        made = self._made.get(name)
        if made is None or (made.done() and made.exception() is not None):
            made = self._made[name] = self._thread.submit(self._make, name)
        return await asyncio.shield(asyncio.wrap_future(made))

    def close(self) -> None:
        """End the thread after the tagger that it is making."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _make(self, name: str) -> Tagger:
        return Tagger(self._encoder, self._own.get(name) or read_taxonomy(name))
