"""Catalog reader: stages a catalog's products in the ledger and embeds their new images."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from embeddings import Encoder
from embeddings.vision import Examination
from indexer.build.embedding import EmbeddingPipeline, batch_size_for
from indexer.build.images import FetchedImage, ImageFetcher, ReusableImages
from indexer.build.ledger import Ledger
from indexer.build.options import BuildOptions
from indexer.build.reporting import Counts, Stage, StageClock
from indexer.build.update import Update
from indexer.catalog import (
    BadRow,
    Catalog,
    CatalogRow,
    FieldTyper,
    ImageSource,
)
from indexer.errors import SourceError
from indexer.image_loading import DecodeTask, open_decoder
from indexer.image_loading.fetching import Fetcher, FetchLimits, ValidatorStore, prefetch

__all__ = ["CatalogReader"]

# Seconds between commits of the ledger: the most work that a crash can cost.
_COMMIT_EVERY = 1.0
# Number of images fetched before their turn; each may have up to `max_image_bytes`.
_PREFETCHED = 32


class CatalogReader:
    """Reads a catalog from beginning to end, once.

    Args:
        catalog: The catalog.
        encoder: Makes the vectors of images that have none yet.
        options: How to build.
        ledger: Takes products, images and refusals; committed about once a second.
        update: Knows which products the live generation holds unchanged.
        reusable: Images that need no encoder.
        typer: Finds the types of the fields.
        counts: Counters to add to.
        clock: Told which stages work.
        on_progress: Called after every commit.
        examination: What to look for in new images.
        features: Number of features to keep of each new image; 0 for none.
        fetched: The file of what servers call the images that were fetched.
    """

    def __init__(
        self,
        catalog: Catalog,
        encoder: Encoder,
        options: BuildOptions,
        ledger: Ledger,
        *,
        update: Update,
        reusable: ReusableImages,
        typer: FieldTyper,
        counts: Counts,
        clock: StageClock,
        on_progress: Callable[[], None],
        examination: Examination,
        features: int = 0,
        fetched: Path,
    ) -> None:
        self._fetched = fetched
        self._features = features
        self._catalog = catalog
        self._encoder = encoder
        self._options = options
        self._ledger = ledger
        self._update = update
        self._reusable = reusable
        self._typer = typer
        self._counts = counts
        self._clock = clock
        self._on_progress = on_progress
        self._examination = examination
        self._last_commit = time.monotonic()

    def read(self) -> None:
        """Read every row, and embed every new image."""
        options, clock = self._options, self._clock
        batch_size = batch_size_for(self._encoder, options.batch_size)
        decoder = open_decoder(
            DecodeTask(
                self._encoder.preprocess, options.thumbnails, options.limits, self._examination
            ),
            batch_size=batch_size,
            workers=options.workers,
            timeout=options.decode_timeout,
        )
        pipeline = EmbeddingPipeline(
            self._encoder,
            decoder,
            self._ledger,
            counts=self._counts,
            clock=clock,
            batch_size=batch_size,
            features=self._features,
        )
        limits = FetchLimits(max_bytes=options.catalog.max_image_bytes)
        with (
            pipeline,
            decoder,
            self._fetcher(limits) as fetcher,
            ValidatorStore(self._fetched) as validators,
        ):
            rows = clock.during_each(Stage.READING, self._catalog.rows())
            images = ImageFetcher(fetcher, validators, self._reusable, limits.max_bytes)
            fetching = prefetch(rows, _urls_of, images, ahead=_PREFETCHED)
            for row, fetched in clock.during_each(Stage.FETCHING, fetching):
                self._counts.rows += 1
                if isinstance(row, BadRow):
                    self._refuse(row)
                else:
                    self._read_row(row, iter(fetched), pipeline)
                pipeline.advance()
                self._commit_if_due()
            for _ in pipeline.finish():
                self._commit_if_due()
            self._commit()

    def _fetcher(self, limits: FetchLimits) -> Fetcher:
        return Fetcher(limits, self._options.addresses, manners=self._options.fetching)

    def _read_row(
        self,
        row: CatalogRow,
        fetched: Iterator[FetchedImage | SourceError],
        pipeline: EmbeddingPipeline,
    ) -> None:
        self._typer.observe(row.fields, row.line, row.id)
        images: list[tuple[bytes, str, bytes]] = []
        complete = True
        for source in row.images:
            try:
                sha256, data = self._read_image(source, fetched)
            except SourceError as error:
                self._refuse(BadRow.of(row.line, row.id, error.at(None, source.location)))
                complete = False
                former = self._reusable.former_content(row.id, source.location)
                if former is not None:
                    images.append((former, source.location, b""))
                continue
            images.append((sha256, source.location, data))
        if complete:
            contents = [(sha256, location) for sha256, location, _ in images]
            digest = self._update.digest(row.fields, contents)
            if self._update.keep_if_unchanged(row.id, digest):
                self._counts.reused += len(images)
                return
        product = self._ledger.add_product(row)
        for sha256, location, data in images:
            self._ledger.add_image(product, sha256, location)
            if sha256 in pipeline or sha256 in self._reusable or self._ledger.was_tried(sha256):
                self._counts.reused += 1
            else:
                pipeline.submit(sha256, data)

    def _read_image(
        self, source: ImageSource, fetched: Iterator[FetchedImage | SourceError]
    ) -> FetchedImage:
        if source.url is None:
            data = source.read(self._options.catalog.max_image_bytes)
            return FetchedImage(hashlib.sha256(data).digest(), data)
        result = next(fetched)
        if isinstance(result, SourceError):
            raise result
        return result

    def _refuse(self, row: BadRow) -> None:
        self._counts.refused += 1
        self._ledger.add_refused(row)

    def _commit_if_due(self) -> None:
        if time.monotonic() - self._last_commit >= _COMMIT_EVERY:
            self._commit()

    def _commit(self) -> None:
        with self._clock.during(Stage.WRITING):
            self._ledger.commit()
        self._last_commit = time.monotonic()
        self._on_progress()


def _urls_of(row: CatalogRow | BadRow) -> list[str]:
    if isinstance(row, BadRow):
        return []
    return [source.url for source in row.images if source.url is not None]
