"""Building and updating an index: a catalog in, a published generation out."""

from __future__ import annotations

import hashlib
import itertools
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from embeddings import Encoder
from embeddings.images import ImageLimits
from indexer.build.embedding import EmbeddingPipeline
from indexer.build.ledger import Ledger, StagedImage
from indexer.build.quarantine import write_quarantine
from indexer.build.query_sample import QuerySample
from indexer.build.reusable_images import KnownImages
from indexer.build.title_mix import DEFAULT_TEXT_WEIGHT, TextMixer, mix_titles
from indexer.build.update import Update
from indexer.calibration import confidence_to_json, fit_confidence
from indexer.catalog import (
    BadRow,
    Catalog,
    CatalogOptions,
    CatalogRow,
    FieldType,
    FieldTyper,
    FieldValue,
    ImageSource,
    join_types,
    open_catalog,
    product_digest,
)
from indexer.errors import (
    BuildError,
    BuildInterruptedError,
    CatalogError,
    DamagedIndexError,
    NoIndexError,
    SourceError,
    TooManyBadRowsError,
)
from indexer.image_loading import DecodeTask, open_decoder
from indexer.image_loading.fetching import AddressPolicy, Fetcher, FetchLimits, fetch_ahead
from indexer.index import (
    Index,
    IndexTags,
    NewImage,
    NewProduct,
    Segment,
    TagChoice,
    new_segment_id,
    without_tags,
    write_segment,
)
from indexer.retrieval import NeighbourOptions, build_neighbours
from indexer.storage import (
    EncoderRecord,
    Layout,
    Manifest,
    SegmentLayout,
    SegmentRecord,
    adopt_segment,
    hold_write_lock,
    live_generation,
    new_generation,
    publish,
    remove_orphans,
)

__all__ = ["BuildOptions", "BuildProgress", "BuildReport", "build_index"]

# Seconds between commits of the ledger: what a crash can cost in repeated work.
_COMMIT_EVERY = 1.0
# Pictures fetched before their turn; each may have up to `max_image_bytes`.
_FETCHED_AHEAD = 32


@dataclass(frozen=True)
class BuildOptions:
    """How to build.

    Attributes:
        catalog: How to read the catalog.
        limits: What a picture may weigh and measure.
        neighbours: What kind of FAISS index is wanted for what this build writes.
        thumbnails: Keep a thumbnail of every picture in the index.
        keep_missing: Keep products of the live generation that the catalog does not name.
        addresses: Where pictures at URLs may be fetched from.
        text_weight: The titles' share in the vectors that are searched, 0 to below 1;
            None for that of the live generation, or `DEFAULT_TEXT_WEIGHT`.
        tags: What products are tagged with; None for the taxonomy of the live generation, if any.
        batch_size: Pictures given to the encoder at once.
        workers: Decoding processes; None chooses by the number of processors. 0 decodes in the
            calling thread, which starts sooner, but an image that hangs or kills its decoder then
            stops the build.
        max_bad: Share of catalog rows, 0 to 1, that may be broken before the build is refused.
        decode_timeout: Seconds that decoding one picture may take.
    """

    catalog: CatalogOptions = field(default_factory=CatalogOptions)
    limits: ImageLimits = field(default_factory=ImageLimits)
    neighbours: NeighbourOptions = field(default_factory=NeighbourOptions)
    thumbnails: bool = True
    keep_missing: bool = False
    addresses: AddressPolicy = AddressPolicy.PUBLIC
    text_weight: float | None = None
    tags: TagChoice | None = None
    batch_size: int = 64
    workers: int | None = None
    max_bad: float = 0.8
    decode_timeout: float = 30.0


@dataclass(frozen=True)
class BuildProgress:
    """How far a build is.

    Attributes:
        stage: `reading` the catalog, or `writing` the new segment.
        rows: Catalog rows read.
        total: Catalog rows in all, where the catalog knows.
        embedded: Pictures embedded by this build.
        reused: Pictures whose vectors were there already.
        bad: Rows and pictures refused.
        seconds: Since the build began.
    """

    stage: str = "reading"
    rows: int = 0
    total: int | None = None
    embedded: int = 0
    reused: int = 0
    bad: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class BuildReport:
    """What a build did.

    Attributes:
        generation: The live generation now.
        published: False where the catalog gave exactly the index that was live already.
        products: Products in the index.
        images: Pictures in the index.
        embedded: Pictures embedded by this build.
        reused: Pictures whose vectors were there already, from the live generation, from an
            interrupted build, or because another product has the same picture.
        added: Products that the former generation did not have.
        changed: Products whose fields or pictures are others than before.
        removed: Products of the former generation that are gone.
        titles: Titles embedded by this build, where they are mixed into vectors.
        quarantined: Rows and pictures refused; `quarantine.jsonl` lists them.
        reasons: How many were refused for which reason.
        seconds: The whole build.
        images_per_second: Embedded pictures by the seconds spent reading, decoding and embedding.
        model: Name of the encoder.
        device: Where it ran.
        precision: The arithmetic it used.
    """

    generation: int
    published: bool
    products: int
    images: int
    embedded: int
    reused: int
    added: int
    changed: int
    removed: int
    titles: int
    quarantined: int
    reasons: Mapping[str, int]
    seconds: float
    images_per_second: float
    model: str
    device: str
    precision: str


def build_index(
    catalog_path: Path,
    index_path: Path,
    encoder: Encoder,
    options: BuildOptions | None = None,
    on_progress: Callable[[BuildProgress], None] = lambda progress: None,
) -> BuildReport:
    """Build an index from a catalog, or bring an existing one up to it.

    Pictures whose content the index holds already, or that an interrupted build has embedded, are
    not embedded again. The new generation goes live in one step at the end; until then readers see
    the old one. An existing index built with another encoder is built anew.

    Args:
        catalog_path: A folder of pictures, or a CSV, TSV, JSONL or Parquet file.
        index_path: The index folder; made if missing.
        encoder: Makes the vectors.
        options: How to build.
        on_progress: Called about once a second and at the end, from this thread.

    Raises:
        CatalogError: The catalog can't be read, or nothing in it can be indexed.
        TooManyBadRowsError: More than `max_bad` of it is broken; nothing is published.
        IndexLockedError: Another process is writing this index.
        BuildError: The index folder can't be written, as when the disk is full.
        BuildInterruptedError: On Ctrl-C; the same build resumes where this one stopped.
    """
    options = options or BuildOptions()
    catalog = open_catalog(catalog_path, options.catalog)
    layout = Layout(index_path)
    try:
        with hold_write_lock(layout):
            report = _build_locked(layout, catalog, encoder, options, on_progress)
            shutil.rmtree(layout.staging)
            return report
    except (OSError, sqlite3.Error) as error:
        raise BuildError(
            f"The index folder {str(index_path)!r} can't be written ({error}). What was live stays "
            "live; mend that and run the same command again to go on from here."
        ) from error


def _build_locked(
    layout: Layout,
    catalog: Catalog,
    encoder: Encoder,
    options: BuildOptions,
    on_progress: Callable[[BuildProgress], None],
) -> BuildReport:
    # What was embedded without thumbnails is of no use to a build that wants them.
    kind = f"{encoder.spec.fingerprint} thumbnails={options.thumbnails}"
    ledger = Ledger(layout.ledger, kind)
    try:
        return _Build(layout, catalog, encoder, options, ledger, on_progress).run()
    except KeyboardInterrupt as error:
        ledger.commit()
        raise BuildInterruptedError(
            "Stopped; nothing was published. Run the same command again to go on from here."
        ) from error
    finally:
        ledger.close()


class _Build:
    """One build, from reading the catalog to publishing."""

    def __init__(
        self,
        layout: Layout,
        catalog: Catalog,
        encoder: Encoder,
        options: BuildOptions,
        ledger: Ledger,
        on_progress: Callable[[BuildProgress], None],
    ) -> None:
        self._layout = layout
        self._catalog = catalog
        self._encoder = encoder
        self._options = options
        self._ledger = ledger
        self._on_progress = on_progress
        self._live = _open_live(layout)
        segments = self._usable_segments()
        self._known = KnownImages(segments, thumbnails=options.thumbnails)
        self._text_weight = self._choose_text_weight()
        self._mixer = TextMixer(encoder, self._text_weight, ledger)
        self._update = Update(segments, self._text_weight)
        live = self._live.manifest if self._live is not None else None
        self._tags = IndexTags(layout, encoder, live, options.tags)
        self._typer = self._new_typer()
        self._sample = QuerySample()
        self._start = self._last_commit = time.monotonic()
        self._rows = self._reused = self._refused = self._embedded = 0
        self._added = self._changed = 0
        self._absorbed: list[int] = []

    def run(self) -> BuildReport:
        """Read, embed, write, publish."""
        remove_orphans(self._layout)
        self._read_catalog()
        if not self._update.fits(self._typer.types()):
            # A column of numbers has words in it now: what was read as numbers is read again.
            self._start_over()
            self._read_catalog()
        read_seconds = time.monotonic() - self._start
        reasons = write_quarantine(self._layout.quarantine, self._ledger.refused())
        self._refuse_bad_catalog()
        if self._options.keep_missing:
            self._update.keep_missing()
        self._progress("writing")
        record = self._write_segment()
        former = self._live.manifest if self._live is not None else None
        manifest = self._manifest(record)
        published = (
            former is None
            or self._tags.changed
            or _content(manifest) != _content(former)
            # What was opened stands in for a live generation that is damaged or was never made so.
            or not _is_live(self._layout, former)
        )
        if published:
            self._publish(record, manifest)
        live = manifest if published or former is None else former
        return BuildReport(
            generation=live.generation,
            published=published,
            products=live.products,
            images=live.images,
            embedded=self._embedded,
            reused=self._reused,
            added=self._added,
            changed=self._changed,
            removed=(former.products if former is not None else 0) + self._added - live.products,
            titles=self._mixer.embedded,
            quarantined=reasons.total(),
            reasons=dict(reasons.most_common()),
            seconds=time.monotonic() - self._start,
            images_per_second=self._embedded / max(read_seconds, 1e-9),
            model=self._encoder.spec.name,
            device=self._encoder.spec.device,
            precision=self._encoder.spec.precision,
        )

    def _usable_segments(self) -> tuple[Segment, ...]:
        """The live generation's segments, if this encoder made their vectors."""
        if self._live is None:
            return ()
        spec, built = self._encoder.spec, self._live.manifest.encoder
        if built.fingerprint == spec.fingerprint:
            return self._live.segments
        if self._options.keep_missing:
            raise BuildError(
                f"The index was built with {built.name!r}; rows that are missing from the catalog "
                f"can't be kept for {spec.name!r}. Build without --keep-missing."
            )
        return ()

    def _choose_text_weight(self) -> float:
        if self._options.text_weight is not None:
            return self._options.text_weight
        return DEFAULT_TEXT_WEIGHT if self._live is None else self._live.manifest.text_weight

    def _new_typer(self) -> FieldTyper:
        known = dict(self._catalog.field_types or {})
        if self._options.keep_missing and self._live is not None:
            for name, kind in self._live.manifest.fields.items():
                known[name] = join_types(known.get(name, FieldType(kind)), FieldType(kind))
        return FieldTyper(parse_text=self._catalog.untyped, known=known)

    def _start_over(self) -> None:
        self._ledger.start_reading()
        self._update.start_over()
        self._typer = self._new_typer()
        self._rows = self._reused = self._refused = 0

    def _read_catalog(self) -> None:
        """Read every row and embed what is new."""
        task = DecodeTask(self._encoder.preprocess, self._options.thumbnails, self._options.limits)
        decoder = open_decoder(
            task, workers=self._options.workers, timeout=self._options.decode_timeout
        )
        limits = FetchLimits(max_bytes=self._options.catalog.max_image_bytes)
        with decoder, Fetcher(limits, self._options.addresses) as fetcher:
            pipeline = EmbeddingPipeline(
                self._encoder, decoder, self._ledger, self._options.batch_size
            )
            for row, fetched in fetch_ahead(
                self._catalog.rows(), _urls_of, fetcher, ahead=_FETCHED_AHEAD
            ):
                self._rows += 1
                if isinstance(row, BadRow):
                    self._refuse(row)
                else:
                    self._read_row(row, iter(fetched), pipeline)
                self._checkpoint(pipeline)
            for _ in pipeline.finish():
                self._checkpoint(pipeline)
            self._commit(pipeline)
            self._embedded += pipeline.embedded
            self._refused += pipeline.failed

    def _read_row(
        self,
        row: CatalogRow,
        fetched: Iterator[bytes | SourceError],
        pipeline: EmbeddingPipeline,
    ) -> None:
        self._typer.observe(row.fields)
        images: list[tuple[bytes, str, bytes]] = []
        complete = True
        for source in row.images:
            try:
                data = self._read_image(source, fetched)
            except SourceError as error:
                self._refuse(BadRow(row.line, row.id, error.reason, error.message))
                complete = False
                if (former := self._former_content(row.id, source.location)) is not None:
                    images.append((former, source.location, b""))
                continue
            images.append((hashlib.sha256(data).digest(), source.location, data))
        pairs = [(sha256, location) for sha256, location, _ in images]
        if complete and self._update.stays(row.id, self._digest(row.fields, pairs)):
            self._reused += len(images)
            return
        product = self._ledger.add_product(row)
        for sha256, location, data in images:
            self._ledger.add_image(product, sha256, location)
            if sha256 in pipeline or sha256 in self._known or self._ledger.was_tried(sha256):
                self._reused += 1
            else:
                pipeline.submit(sha256, data)

    def _read_image(self, source: ImageSource, fetched: Iterator[bytes | SourceError]) -> bytes:
        if source.url is None:
            return source.read(self._options.catalog.max_image_bytes)
        got = next(fetched)
        if isinstance(got, SourceError):
            raise got
        return got

    def _former_content(self, product_id: str, location: str) -> bytes | None:
        """The picture that the live generation has from a URL, for as long as that is out of order.

        Files are the shop's own: one that is gone or broken is so for good.
        """
        if not location.startswith(("http://", "https://")):
            return None
        former = self._update.former_content(product_id, location)
        return former if former is not None and former in self._known else None

    def _digest(
        self, fields: Mapping[str, FieldValue], images: Iterable[tuple[bytes, str]]
    ) -> bytes:
        return product_digest(
            fields,
            images,
            thumbnails=self._options.thumbnails,
            text_weight=self._text_weight,
        )

    def _refuse(self, row: BadRow) -> None:
        self._refused += 1
        self._ledger.add_refused(row)

    def _checkpoint(self, pipeline: EmbeddingPipeline) -> None:
        """Commit and report, if a while has passed since the last time."""
        if time.monotonic() - self._last_commit >= _COMMIT_EVERY:
            self._commit(pipeline)

    def _commit(self, pipeline: EmbeddingPipeline) -> None:
        self._ledger.commit()
        self._last_commit = time.monotonic()
        self._progress("reading", pipeline.embedded, pipeline.failed)

    def _progress(self, stage: str, embedded: int = 0, failed: int = 0) -> None:
        progress = BuildProgress(
            stage=stage,
            rows=self._rows,
            total=self._catalog.count,
            embedded=self._embedded + embedded,
            reused=self._reused,
            bad=self._refused + failed,
            seconds=time.monotonic() - self._start,
        )
        self._on_progress(progress)

    def _refuse_bad_catalog(self) -> None:
        bad = self._ledger.count_bad_lines()
        kept = "The live generation stays as it was." if self._live else "Nothing was published."
        if self._rows == 0:
            raise CatalogError(f"{self._catalog.name!r} has no rows. {kept}")
        if bad > self._options.max_bad * self._rows or bad == self._rows:
            raise TooManyBadRowsError(
                f"{bad} of {self._rows} catalog rows can't be used; see "
                f"{self._layout.quarantine.name} in the index folder for each one's reason. {kept}"
            )

    def _write_segment(self) -> SegmentRecord | None:
        """Write what is new or changed, and the older segments it takes in; None for nothing."""
        products = self._sample.watch(self._products())
        if self._text_weight:
            products = mix_titles(products, self._mixer)
        first = next(products, None)
        if first is None:
            return None
        return write_segment(
            SegmentLayout(self._layout.staging / new_segment_id()),
            itertools.chain([first], products),
            self._typer.types(),
            self._encoder.spec.dim,
            lambda layout: build_neighbours(
                layout, self._options.neighbours, lambda: self._sample.embed(self._encoder)
            ),
            text_weight=self._text_weight,
        )

    def _products(self) -> Iterator[NewProduct]:
        images = 0
        for product in self._new_products():
            images += len(product.images)
            yield product
        # Only now is known what stays, and how much came.
        self._absorbed = self._update.to_absorb(images, self._typer.types())
        yield from self._update.absorbed_products(self._absorbed)

    def _new_products(self) -> Iterator[NewProduct]:
        for product in self._ledger.products():
            images = [
                image
                for staged in product.images
                if (image := self._new_image(product.id, staged)) is not None
            ]
            if not images:
                continue
            digest = self._digest(product.fields, [(i.sha256, i.location) for i in images])
            replaces = self._live is not None and product.id in self._live
            if self._update.stays(product.id, digest):
                continue
            self._changed += replaces
            self._added += not replaces
            yield NewProduct(product.id, product.fields, images, digest)

    def _new_image(self, product_id: str, staged: StagedImage) -> NewImage | None:
        """A picture ready to be written; None if it can't be used."""
        found, sha256 = staged.embedded, staged.sha256
        if staged.failed:
            former = self._former_content(product_id, staged.location)
            if former is None:
                return None
            found, sha256 = None, former
        found = found or self._known.find(sha256)
        if found is None:
            return None
        return NewImage(
            sha256, staged.location, found.vector, found.thumbnail, colours=found.colours
        )

    def _manifest(self, record: SegmentRecord | None) -> Manifest:
        segments = (*self._update.records(self._absorbed), *([record] if record else ()))
        spec = self._encoder.spec
        return new_generation(
            self._layout,
            encoder=EncoderRecord(name=spec.name, fingerprint=spec.fingerprint, dim=spec.dim),
            segments=segments,
            fields={name: str(kind) for name, kind in self._typer.types().items()},
            catalog=self._catalog.name,
        )

    def _publish(self, record: SegmentRecord | None, manifest: Manifest) -> None:
        if record is not None:
            adopt_segment(self._layout, record.id)
        index = Index.of_manifest(self._layout, without_tags(manifest), self._live)
        confidence = fit_confidence(index, self._encoder)
        complete = self._tags.complete(manifest, index)
        publish(self._layout, replace(complete, confidence=confidence_to_json(confidence)))


def _urls_of(row: CatalogRow | BadRow) -> list[str]:
    if isinstance(row, BadRow):
        return []
    return [source.url for source in row.images if source.url is not None]


def _is_live(layout: Layout, manifest: Manifest) -> bool:
    try:
        return live_generation(layout) == manifest.generation
    except (NoIndexError, DamagedIndexError):
        return False


def _content(manifest: Manifest) -> tuple[object, ...]:
    """What makes a generation another one."""
    return manifest.encoder.fingerprint, manifest.segments, manifest.fields


def _open_live(layout: Layout) -> Index | None:
    try:
        return Index.open(layout.root)
    except (NoIndexError, DamagedIndexError):
        # A damaged index is what a rebuild is there to mend.
        return None
