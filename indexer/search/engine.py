"""The engine: an encoder and an index, answering queries."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from PIL import Image

from embeddings import Encoder, FloatArray, PixelArray, Tag, ZeroShotClassifier
from indexer.calibration import Confidence, confidence_from_json
from indexer.errors import DamagedIndexError, IndexFolderError, QueryError
from indexer.index import Found, Index, Match, Product, stored_tagger
from indexer.retrieval import parse_filter
from indexer.search.by_colour import coloured, with_colour
from indexer.search.explain import explain
from indexer.search.hybrid import Candidates, TextSearch
from indexer.search.query import (
    ImagePart,
    LikePart,
    Query,
    QueryPart,
    SearchMode,
    SearchResult,
    TextPart,
)
from indexer.search.query_tags import query_tags
from indexer.search.ranking import POOL, Chosen, Surety, check_diversity, choose, diversified
from indexer.search.recommend import check_seeds, recommend
from indexer.storage import Layout, QueryKind, live_generation, read_manifest
from indexer.tagging import Tagger
from indexer.tagging.taxonomy import DEFAULT_TAXONOMY, read_taxonomy

__all__ = ["EncodedParts", "Engine", "encode_pictures", "tag_images"]

_log = structlog.get_logger(__name__)

# Below this length the weighted parts cancel out, and what is left is rounding noise.
_MIN_LENGTH = 1e-3

# Label sets whose embeddings are kept for the next request.
_LABEL_SETS = 64


@dataclass(frozen=True)
class EncodedParts:
    """The vectors of a query's parts that an encoder embeds.

    Attributes:
        texts: `[n, dim]`, one unit row for each text, in the order of the parts.
        pictures: `[m, dim]`, one unit row for each picture, in the order of the parts.
    """

    texts: FloatArray
    pictures: FloatArray


@dataclass(frozen=True)
class _Generation:
    """An opened generation and its confidence calibration (None in indexes of older versions)."""

    index: Index
    confidence: Confidence | None


class Engine:
    """Answers queries from one index with the encoder that built it; safe for several threads.

    Raises:
        EncoderMismatchError: At construction, if another encoder built the index.
    """

    def __init__(self, encoder: Encoder, index: Index, path: Path | None = None) -> None:
        index.check_encoder(encoder.spec)
        self.encoder = encoder
        self._generation = _generation(index)
        self._path = path
        # The manifest of a generation that turned out unusable, so that it is not opened again and
        # again.
        self._refused: bytes | None = None
        self._classifier = lru_cache(maxsize=_LABEL_SETS)(self._make_classifier)
        # By the name of its fit's file; of the built-in taxonomy "".
        self._tagger: tuple[str, Tagger] | None = None

    @classmethod
    def open(cls, path: Path, encoder: Encoder) -> Engine:
        """Open the index folder at `path`; errors as `Index.open` and the constructor."""
        return cls(encoder, Index.open(path), path)

    @property
    def index(self) -> Index:
        """The generation that answers now. Whoever asks it twice keeps it in a variable."""
        return self._generation.index

    def refresh(self) -> bool:
        """Move to the live generation of the folder this engine was opened from.

        Queries under way finish on the generation they began with. A generation that is damaged or
        was built with another encoder is passed over with a warning, and the present one serves on.

        Returns:
            Whether another generation answers now.
        """
        if self._path is None:
            return False
        layout = Layout(self._path)
        try:
            live = live_generation(layout)
            written = layout.manifest(live).read_bytes()
        except (IndexFolderError, OSError):
            return False  # in the middle of something; the next call sees how it ended
        if written == self._refused:
            return False
        try:
            # The number alone won't do: after a rollback and a prune it is given out again.
            if read_manifest(layout, live) == self.index.manifest:
                return False
            index = Index.open(self._path, live, previous=self.index)
            index.check_encoder(self.encoder.spec)
            generation = _generation(index)
        except IndexFolderError as error:
            self._refused = written
            _log.warning("new generation refused", generation=live, problem=error.message)
            return False
        self._generation = generation
        _log.info("moved to a new generation", generation=live)
        return True

    def search(self, query: Query) -> SearchResult:
        """Find the products nearest to a query, or that match its words.

        Raises:
            QueryError: The query means nothing: no parts, parts that cancel out, an unknown
                product or field, a filter that does not fit, a diversity that is none, a
                `min_confidence` that is none or that the index can't tell; or keywords are wanted
                and there is no text, or the index is of a format without them.
        """
        start = time.perf_counter()
        tagger = self.tagger() if query.tags else None
        return self.find(query, self.encode(query.parts), start, tagger)

    def tagger(self) -> Tagger:
        """Of the index's own taxonomy, or of the built-in one where it has none."""
        tagging = self.index.manifest.tagging if self._path is not None else None
        name = tagging.fit.name if tagging is not None else ""
        if self._tagger is None or self._tagger[0] != name:
            if tagging is not None and self._path is not None:
                made = stored_tagger(Layout(self._path), tagging, self.encoder)
            else:
                made = Tagger(self.encoder, read_taxonomy(DEFAULT_TAXONOMY))
            self._tagger = name, made
        return self._tagger[1]

    def find(
        self,
        query: Query,
        encoded: EncodedParts,
        started: float | None = None,
        tagger: Tagger | None = None,
    ) -> SearchResult:
        """The part of `search` that needs no encoder: the index is read once, at the beginning.

        Args:
            query: As for `search`.
            encoded: The vectors of its parts, from `encode` or from wherever they were gathered.
            started: When the query came, by `time.perf_counter`; by default now.
            tagger: Tags the query, where tags are wanted.

        Raises:
            QueryError: As `search`.
        """
        start = time.perf_counter() if started is None else started
        generation = self._generation
        index = generation.index
        types = index.manifest.columns
        where = None if query.filter is None else parse_filter(dict(query.filter), types)
        check_diversity(query.diversity)
        index.check_fields(query.fields or ())
        index.check_fields([query.group] if isinstance(query.group, str) else [])
        where = with_colour(index, query, where)
        vector = _combine(query.parts, encoded, index)
        liked = {part.id for part in query.parts if isinstance(part, LikePart)}
        kind = _query_kind(query.parts)
        candidates = Candidates(where, liked)
        page = choose(
            index,
            query,
            coloured(
                index, query, lambda count: _find(index, query, count, vector, candidates, kind)
            ),
            _surety(generation.confidence, query, vector, kind),
        )
        tags = () if tagger is None else query_tags(query, encoded.pictures, index, tagger)
        found = [chosen.found for chosen in page] if query.explain else []
        return SearchResult(
            hits=_hits(index, page, query.fields),
            facets=index.facets(query.facets, where),
            generation=index.manifest.generation,
            model=self.encoder.spec.name,
            took_ms=1000 * (time.perf_counter() - start),
            tags=tags,
            explanations=explain(index, query, found, tags),
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
        """Products that go with those liked, and away from those disliked (`recommend`).

        Args:
            liked: Ids, one or more; what is liked and disliked is never among the hits.
            disliked: Ids.
            k: How many hits, from 1.
            filter: As in a `Query`.
            fields: As in a `Query`.
            diversity: As in a `Query`.

        Returns:
            Hits with the most votes first; the score is the cosine to the nearest voter.

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
        ballots = recommend(index, seeds, max(k, POOL) if diversity else k, where)
        hits = [ballot.match for ballot in ballots]
        if diversity:
            hits = diversified(index, hits, diversity, [ballot.votes for ballot in ballots])
        return SearchResult(
            hits=tuple(_with_fields(index, hits[:k], fields)),
            facets={},
            generation=index.manifest.generation,
            model=self.encoder.spec.name,
            took_ms=1000 * (time.perf_counter() - start),
        )

    def embed(self, parts: Sequence[QueryPart]) -> FloatArray:
        """One unit vector `[dim]` for the weighted parts of a query.

        Raises:
            QueryError: As `search`.
        """
        return _combine(parts, self.encode(parts), self.index)

    def combine(self, parts: Sequence[QueryPart], encoded: EncodedParts) -> FloatArray:
        """As `embed`, of vectors that were embedded already."""
        return _combine(parts, encoded, self.index)

    def encode(self, parts: Sequence[QueryPart]) -> EncodedParts:
        """Embed the texts and pictures among the parts of a query, each kind as one batch."""
        texts = [part.text for part in parts if isinstance(part, TextPart)]
        pixels = [self.pixels(part) for part in parts if isinstance(part, ImagePart)]
        none = np.empty((0, self.encoder.spec.dim), np.float32)
        return EncodedParts(
            self.encoder.encode_texts(texts) if texts else none,
            self.encoder.encode_images(np.stack(pixels)) if pixels else none,
        )

    def pixels(self, part: ImagePart) -> PixelArray:
        """A picture as the encoder takes it, `[height, width, 3]`."""
        return self.encoder.preprocess(part.image) if part.pixels is None else part.pixels

    def encode_images(self, images: Sequence[Image.Image]) -> FloatArray:
        """Embed RGB pictures; `[n, dim]`."""
        return encode_pictures(self.encoder, images)

    def tag(
        self, images: Sequence[Image.Image], labels: Sequence[str], top: int | None = None
    ) -> list[list[Tag]]:
        """The `top` most probable of the caller's labels for each picture, best first."""
        return self.tag_vectors(self.encode_images(images), labels, top)

    def tag_vectors(
        self, vectors: FloatArray, labels: Sequence[str], top: int | None = None
    ) -> list[list[Tag]]:
        """As `tag`, for the vectors of pictures, `[n, dim]`."""
        return self._classifier(tuple(labels)).tag(vectors, top)

    def with_encoder(self, encoder: Encoder) -> Engine:
        """Another engine over the same index, with another way to the same encoder."""
        return Engine(encoder, self.index, self._path)

    def product(self, product_id: str) -> Product:
        """A product by its id.

        Raises:
            UnknownProductError: If there is none.
        """
        return self.index.get(product_id)

    def _make_classifier(self, labels: tuple[str, ...]) -> ZeroShotClassifier:
        return ZeroShotClassifier(self.encoder, labels)


def _generation(index: Index) -> _Generation:
    try:
        return _Generation(index, confidence_from_json(index.manifest.confidence))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedIndexError(
            f"The confidence calibration of generation {index.manifest.generation} is damaged. "
            "Rebuild the index to mend it."
        ) from error


def _combine(parts: Sequence[QueryPart], encoded: EncodedParts, index: Index) -> FloatArray:
    """The weighted sum of the parts' unit vectors, `[dim]`, scaled to length 1."""
    if not parts:
        raise QueryError("The query is empty: give text, an image, or a product to be like.")
    texts = [part for part in parts if isinstance(part, TextPart)]
    images = [part for part in parts if isinstance(part, ImagePart)]
    liked = [part for part in parts if isinstance(part, LikePart)]
    ordered: list[QueryPart] = [*texts, *images, *liked]
    vectors = (index.vector(part.id)[np.newaxis] for part in liked)
    rows = np.concatenate([encoded.texts, encoded.pictures, *vectors])
    weights = np.array([part.weight for part in ordered], np.float32)
    total = weights @ rows
    length = float(np.linalg.norm(total))
    if length < _MIN_LENGTH * float(np.abs(weights).sum()) or length == 0.0:
        raise QueryError("The parts of the query cancel each other out; change their weights.")
    return np.asarray(total / length, dtype=np.float32)


def _with_fields(index: Index, hits: Sequence[Match], names: Sequence[str] | None) -> list[Match]:
    """Hits that were found without their fields, with them."""
    return [replace(hit, fields=index.fields(hit.id, names)) for hit in hits]


def tag_images(
    encoder: Encoder, images: Sequence[Image.Image], labels: Sequence[str], top: int | None = None
) -> list[list[Tag]]:
    """As `Engine.tag`, for a caller who has no index."""
    return ZeroShotClassifier(encoder, labels).tag(encode_pictures(encoder, images), top)


def _find(
    index: Index,
    query: Query,
    count: int,
    vector: FloatArray,
    candidates: Candidates,
    kind: QueryKind,
) -> list[Found]:
    """The first `count` products in the order of the query's mode."""
    texts = [(p.text, p.weight) for p in query.parts if isinstance(p, TextPart) and p.weight > 0]
    if query.mode is SearchMode.VECTOR or (query.mode is SearchMode.HYBRID and not texts):
        return index.nearest(
            vector, count, exclude=candidates.exclude, where=candidates.where, kind=kind
        )
    search = TextSearch(index, texts, vector, candidates)
    if query.mode is SearchMode.KEYWORD:
        return search.by_keywords(count)
    return search.hybrid(count, query.keyword_weight, query.fusion, kind)


def _surety(
    confidence: Confidence | None, query: Query, vector: FloatArray, kind: QueryKind
) -> Surety | None:
    """How sure hits of a query are; None where the index can't tell and nobody asks."""
    if not 0 <= query.min_confidence <= 1:
        raise QueryError("min_confidence is a probability, from 0 to 1.")
    if confidence is None:
        if query.min_confidence:
            raise QueryError(
                "This index was built by an older version and holds no confidence: build it "
                "again, or leave min_confidence out."
            )
        return None
    return lambda scores: confidence.of(kind, vector, scores)


def _hits(index: Index, page: Sequence[Chosen], names: Sequence[str] | None) -> tuple[Match, ...]:
    """The products of a page, with their fields."""
    matches = index.matches([chosen.found for chosen in page], names)
    return tuple(
        replace(match, confidence=chosen.confidence, grouped=index.ids(chosen.others))
        for match, chosen in zip(matches, page, strict=True)
    )


def _query_kind(parts: Sequence[QueryPart]) -> QueryKind:
    words = sum(isinstance(part, TextPart) for part in parts)
    if words == len(parts):
        return QueryKind.TEXT
    return QueryKind.MIXED if words else QueryKind.IMAGE


def encode_pictures(encoder: Encoder, images: Sequence[Image.Image]) -> FloatArray:
    """Embed RGB pictures, for a caller who has no index; `[n, dim]`."""
    if not images:
        return np.empty((0, encoder.spec.dim), np.float32)
    return encoder.encode_images(np.stack([encoder.preprocess(image) for image in images]))
