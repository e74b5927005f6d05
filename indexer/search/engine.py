"""The search engine: an encoder and an index that together answer queries."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embeddings import Encoder, FloatArray, PixelArray, Tag, ZeroShotClassifier
from indexer.index import Index, Product
from indexer.retrieval import parse_filter, words
from indexer.search.following import DamageReport, Followed
from indexer.search.query import Explanation, ImagePart, Query, QueryPart, SearchResult, TextPart
from indexer.search.query_vector import EncodedParts, combine, encode_parts, pixels_of
from indexer.search.ranked_search import RankedSearch
from indexer.search.ranking import DIVERSITY_DEPTH, check_diversity, diversify
from indexer.search.recommendation import check_seeds, recommend
from indexer.search.understanding import names_with_negators
from indexer.storage import Layout, Manifest

if TYPE_CHECKING:
    from indexer.tagging import Tagger

__all__ = ["Engine"]

# Label sets whose embeddings are kept for later requests.
_CACHED_LABEL_SETS = 64


class Engine:
    """Answers queries from one index with the encoder that built it; safe for several threads.

    Args:
        encoder: Embeds queries.
        index: An opened generation.
        path: The index folder, from which `refresh` opens later generations; None for never.

    Raises:
        EncoderMismatchError: At construction, if another encoder built the index.
    """

    def __init__(self, encoder: Encoder, index: Index, path: Path | None = None) -> None:
        index.check_encoder(encoder.spec)
        self.encoder = encoder
        self._followed = Followed(index, encoder.spec, path)
        self._path = path
        self._classifier = lru_cache(maxsize=_CACHED_LABEL_SETS)(self._make_classifier)
        # The tagger, with the name of its fit's file; "" for the built-in taxonomy.
        self._tagger: tuple[str, Tagger] | None = None
        # Names of the catalog with negators in them, and the generation that has them.
        self._names: tuple[int, frozenset[tuple[str, str]]] | None = None

    @classmethod
    def open(cls, path: Path, encoder: Encoder) -> Engine:
        """Open the index folder at `path`; errors as `Index.open` and the constructor."""
        return cls(encoder, Index.open(path), path)

    @property
    def index(self) -> Index:
        """The current generation. `refresh` replaces it: read it once for one piece of work.

        Raises:
            DamagedIndexError: It was damaged while it was open, and no other one is intact.
        """
        return self._followed.current.index

    @property
    def path(self) -> Path | None:
        """The index folder; None for an index that never changes."""
        return self._path

    @property
    def served(self) -> Manifest:
        """The manifest of the current generation, damaged or not."""
        return self._followed.opened.index.manifest

    @property
    def damage(self) -> DamageReport | None:
        """What is wrong with the generation that should be served; None if nothing is."""
        return self._followed.damage

    def refresh(self, scrub_bytes: int = 0) -> bool:
        """Move to the live generation of the folder this engine was opened from.

        Queries under way finish on the generation they began with. A generation that is damaged or
        was built with another encoder is refused with a warning, and the present one stays. If a
        file of the present one was changed, the newest intact one takes its place.

        Args:
            scrub_bytes: How many bytes of the present files to hash again, for damage that the file
                system does not tell; each call goes on where the one before ended.

        Returns:
            Whether the engine moved to another generation.
        """
        return self._followed.refresh(scrub_bytes)

    def search(self, query: Query) -> SearchResult:
        """Find the products nearest to a query, or that match its words.

        Raises:
            QueryError: The query has parts that cancel each other out; it names an unknown product
                or field; a filter does not fit; a number is out of range; or the index lacks the
                keywords, colours or confidence that the query needs.
        """
        start = time.perf_counter()
        query = self.understand(query)
        tagger = self.tagger() if query.tags else None
        encoded = self.encode(query.parts) if query.parts else None
        return self.find(query, encoded, start, tagger)

    def understand(self, query: Query) -> Query:
        """Return a query with its texts read, as `search` does before it embeds them.

        The first text that negates something looks for names of the catalog that do.
        """
        if not query.has_negation:
            return query.read(lambda *_: False)
        index = self.index
        if self._names is None or self._names[0] != index.manifest.generation:
            texts = (column for segment in index.segments for column in segment.short_texts)
            self._names = index.manifest.generation, names_with_negators(texts)
        names = self._names[1]
        return query.read(lambda negator, word: (negator, *words(word, query=True)[:1]) in names)

    def find(
        self,
        query: Query,
        encoded: EncodedParts | None,
        started: float | None = None,
        tagger: Tagger | None = None,
    ) -> SearchResult:
        """Search with parts that are already embedded.

        The current generation is read once, at the beginning.

        Args:
            query: As for `search`.
            encoded: The vectors of its parts, from `encode`. None gives hits without score and
                confidence; only for a query that `needs_vector` says needs none.
            started: When the query arrived, by `time.perf_counter`; by default now.
            tagger: Tags the query, if tags are wanted.

        Raises:
            QueryError: As `search`.
        """
        start = time.perf_counter() if started is None else started
        generation = self._followed.current
        index = generation.index
        with closing(RankedSearch(index, generation.confidence, query, encoded)) as search:
            answer = search.answer()
            hits = search.hits(answer.page)
            facets, colour = search.facets(), search.point
        tags: tuple[Tag, ...] = ()
        if tagger is not None and encoded is not None:
            from indexer.search.describing import query_tags

            tags = query_tags(query, encoded.images, index, tagger)
        explanations: tuple[Explanation, ...] = ()
        if query.explain:
            from indexer.search.describing import explain

            explanations = explain(index, query, [hit.found for hit in answer.page], tags)
        return SearchResult(
            hits=() if answer.no_match else hits,
            total=answer.matches.total,
            exact=answer.matches.exact,
            no_match=answer.no_match,
            suggestions=hits if answer.no_match else (),
            facets=facets,
            generation=index.manifest.generation,
            model=self.encoder.spec.name,
            took_ms=1000 * (time.perf_counter() - start),
            tags=tags,
            explanations=explanations,
            adapted=index.adaptation is not None,
            colour=colour,
            understood=query.understood,
        )

    def recommend(
        self,
        liked: Sequence[str],
        disliked: Sequence[str] = (),
        k: int = 20,
        filter: Mapping[str, Any] | None = None,  # noqa: A002 (as `Query.filter`)
        fields: Sequence[str] | None = None,
        diversity: float = 0.0,
    ) -> SearchResult:
        """Recommend products that are similar to those liked, and unlike those disliked.

        Args:
            liked: Ids, one or more. Liked and disliked products are never among the hits.
            disliked: Ids.
            k: Number of hits, from 1.
            filter: As in a `Query`.
            fields: As in a `Query`.
            diversity: As in a `Query`.

        Returns:
            Hits with the most votes first (`indexer.search.recommendation`); every product that
            passes the filter matches. The score is the greatest cosine to a liked product's vector,
            moved away from the disliked ones.

        Raises:
            QueryError: Nothing is liked, a product is in both lists or unknown, or a field, filter
                or diversity does not fit.
        """
        start = time.perf_counter()
        index = self.index
        check_diversity(diversity)
        index.check_fields(fields or ())
        where = None if filter is None else parse_filter(dict(filter), index.manifest.columns)
        seeds = check_seeds(index, liked, disliked)
        candidates = recommend(index, seeds, max(k, DIVERSITY_DEPTH) if diversity else k, where)
        found = [candidate.found for candidate in candidates]
        votes = np.array([candidate.votes for candidate in candidates], np.float32)
        order = diversify(index, found, votes, diversity)[:k]
        return SearchResult(
            hits=tuple(index.matches([found[place] for place in order], fields)),
            total=index.count(where, exclude=(*seeds.liked, *seeds.disliked)),
            facets={},
            generation=index.manifest.generation,
            model=self.encoder.spec.name,
            took_ms=1000 * (time.perf_counter() - start),
            adapted=index.adaptation is not None,
        )

    def embed(self, parts: Sequence[QueryPart]) -> FloatArray:
        """Embed the weighted parts of a query as one unit vector `[dim]`.

        Raises:
            QueryError: There are no parts, they cancel each other out, or a product is unknown.
        """
        return combine(parts, self.encode(parts), self.index)

    def embed_each(self, parts: Sequence[QueryPart]) -> FloatArray:
        """Embed parts one by one, each as a unit vector that the index compares, `[n, dim]`.

        Raises:
            QueryError: As `embed`, for each part by itself.
        """
        encoded = self.encode(parts)
        index = self.index
        rows = np.empty((len(parts), index.manifest.encoder.dim), np.float32)
        texts = [n for n, part in enumerate(parts) if isinstance(part, TextPart)]
        images = [n for n, part in enumerate(parts) if isinstance(part, ImagePart)]
        rows[texts] = encoded.texts
        rows[images] = index.adapted(encoded.images, encoded.features)
        for number in sorted(set(range(len(parts))) - {*texts, *images}):
            rows[number] = combine([parts[number]], self.encode([]), index)
        return rows

    def combine(self, parts: Sequence[QueryPart], encoded: EncodedParts) -> FloatArray:
        """As `embed`, with parts that are already embedded, by the model's own vectors alone.

        It is to be compared with vectors of images, not with those that the index searches.
        """
        return combine(parts, encoded, self.index, adapted=False)

    def encode(self, parts: Sequence[QueryPart]) -> EncodedParts:
        """Embed the texts and images of a query, each kind as one batch."""
        return encode_parts(self.encoder, parts)

    def pixels(self, part: ImagePart) -> PixelArray:
        """Return an image as the encoder takes it, `[height, width, 3]`."""
        return pixels_of(self.encoder, part)

    def tag_vectors(
        self, vectors: FloatArray, labels: Sequence[str], top: int | None = None
    ) -> list[list[Tag]]:
        """Return the `top` most probable of the caller's labels for each image, best first.

        Args:
            vectors: `[n, dim]` unit vectors of images.
            labels: One or more; exactly one of them is taken to be true.
            top: How many labels; all by default.
        """
        return self._classifier(tuple(labels)).tag(vectors, top)

    def tagger(self) -> Tagger:
        """Return the tagger of the index's taxonomy, or of the built-in one if it has none."""
        tagging = self.index.manifest.tagging if self._path is not None else None
        name = tagging.fit.name if tagging is not None else ""
        if self._tagger is None or self._tagger[0] != name:
            from indexer.index import stored_tagger
            from indexer.tagging import Tagger
            from indexer.tagging.taxonomy import DEFAULT_TAXONOMY, read_taxonomy

            if tagging is not None and self._path is not None:
                tagger = stored_tagger(Layout(self._path), tagging, self.encoder)
            else:
                tagger = Tagger(self.encoder, read_taxonomy(DEFAULT_TAXONOMY))
            self._tagger = name, tagger
        return self._tagger[1]

    def with_encoder(self, encoder: Encoder) -> Engine:
        """Return an engine over the same index that calls the same encoder in another way."""
        return Engine(encoder, self._followed.opened.index, self._path)

    def product(self, product_id: str) -> Product:
        """Return a product by its id.

        Raises:
            UnknownProductError: The index has no such product.
        """
        return self.index.get(product_id)

    def _make_classifier(self, labels: tuple[str, ...]) -> ZeroShotClassifier:
        return ZeroShotClassifier(self.encoder, labels)
