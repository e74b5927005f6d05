"""Build: turns a catalog into a published generation of an index, new or updated."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from embeddings import Encoder
from embeddings.vision import ModerationMode
from indexer.build.catalog_reader import CatalogReader
from indexer.build.images import ReusableImages, hold_unsafe, read_released
from indexer.build.ledger import Ledger
from indexer.build.new_segment import NewSegment
from indexer.build.options import BuildOptions
from indexer.build.reporting import (
    BuildProgress,
    BuildReport,
    Counts,
    Stage,
    StageClock,
    odd_rows,
    write_quarantine,
)
from indexer.build.texts import SAMPLE, TEXT_FIELD, Adapting, TitleMixer, adaptation_notes
from indexer.build.update import Update, is_live, open_live
from indexer.calibration import (
    confidence_to_json,
    fit_confidence,
    keep_confidence,
    mark_as_fitted,
)
from indexer.catalog import (
    Catalog,
    FieldType,
    FieldTyper,
    join_types,
    open_catalog,
)
from indexer.errors import (
    BuildError,
    BuildInterruptedError,
    CatalogError,
    TooManyBadRowsError,
)
from indexer.index import (
    Index,
    IndexTags,
    Segment,
    without_tags,
)
from indexer.storage import (
    EncoderRecord,
    Layout,
    Manifest,
    SegmentRecord,
    adopt_segment,
    exclusive_writing,
    new_generation,
    publish,
    remove_orphans,
)

__all__ = ["build_index"]


def build_index(
    catalog_path: Path | Sequence[Path] | Catalog,
    index_path: Path,
    encoder: Encoder,
    options: BuildOptions | None = None,
    on_progress: Callable[[BuildProgress], None] = lambda _: None,
) -> BuildReport:
    """Build an index from a catalog, or update an existing one.

    Images whose content the index holds already, or that an interrupted build has embedded, are
    not embedded again. The new generation goes live in one step at the end; until then readers see
    the old one. An index of another encoder is built anew.

    Args:
        catalog_path: A file or folder as `open_catalog` takes it, several, or what it returned.
        index_path: The index folder; it is made if missing.
        encoder: Makes the vectors.
        options: How to build.
        on_progress: Called about once a second and at the end, from this thread.

    Raises:
        CatalogError: The catalog can't be read, or nothing in it can be indexed.
        TooManyBadRowsError: More than `max_bad` of it is unusable; nothing is published.
        IndexLockedError: Another process is writing this index.
        BuildError: The index folder can't be written, as when the disk is full.
        BuildInterruptedError: On Ctrl-C; the same build resumes where this one stopped.
    """
    options = options or BuildOptions()
    catalog = catalog_path
    if not isinstance(catalog, Catalog):
        catalog = open_catalog(catalog, options.catalog)
    layout = Layout(index_path)
    with exclusive_writing(layout):
        report = _build_locked(layout, catalog, encoder, options, on_progress)
        shutil.rmtree(layout.staging)
        return report


def _build_locked(
    layout: Layout,
    catalog: Catalog,
    encoder: Encoder,
    options: BuildOptions,
    on_progress: Callable[[BuildProgress], None],
) -> BuildReport:
    live = open_live(layout)
    options = options.completed(None if live is None else live.manifest)
    options.examination.check()
    ledger = Ledger(layout.ledger, options.images_kind(encoder.spec))
    try:
        return _Build(layout, catalog, encoder, options, ledger, on_progress, live).run()
    except KeyboardInterrupt as error:
        ledger.commit()
        raise BuildInterruptedError(
            "Stopped; nothing was published. Run the same command again to resume."
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
        live: Index | None,
    ) -> None:
        assert options.text_weight is not None
        assert options.adapt is not None
        self._layout = layout
        self._catalog = catalog
        self._encoder = encoder
        self._options = options
        self._ledger = ledger
        self._on_progress = on_progress
        self._start = time.monotonic()
        self._counts = Counts()
        self._clock = StageClock()
        self._live = live
        self._former = live.manifest if live is not None else None
        self._text_weight = options.text_weight
        self._examination = options.examination
        self._former_fields = self._former.fields if self._former is not None else {}
        segments = self._usable_segments()
        examined = self._examination.key
        self._reusable = ReusableImages(segments, thumbnails=options.thumbnails, examined=examined)
        self._mixer = TitleMixer(encoder, self._text_weight, ledger, self._clock)
        self._update = Update(
            segments,
            self._former_fields,
            text_weight=self._text_weight,
            thumbnails=options.thumbnails,
            examination=examined,
        )
        usable = live if segments else None
        self._adapting = Adapting(
            layout, encoder.spec, options.adapt, usable, keep=bool(options.keep_features)
        )
        self._tags = IndexTags(layout, encoder, self._former, options.tags)

    def run(self) -> BuildReport:
        """Read, embed, write, publish."""
        remove_orphans(self._layout)
        self._read_catalog()
        if not self._update.fits(self._types()):
            # A column of numbers has lists in it now: rows that were kept are read again as lists.
            self._ledger.start_reading()
            self._update.restart()
            self._counts = Counts(embedded=self._counts.embedded)
            self._read_catalog()
        read_seconds = time.monotonic() - self._start
        if self._examination.moderation is ModerationMode.HOLD:
            self._ledger.judge(hold_unsafe(self._reusable, read_released(self._layout)))
        refused = chain(self._ledger.refused(), odd_rows(self._typer))
        reasons = write_quarantine(self._layout.quarantine, refused, self._catalog.place)
        self._refuse_bad_catalog()
        if self._options.keep_missing:
            self._update.keep_missing()
        with self._clock.during(Stage.WRITING):
            self._progress("writing")
            live, published = self._write()
        return self._report(live, reasons, published=published, read_seconds=read_seconds)

    def _write(self) -> tuple[Manifest, bool]:
        """Write and publish what changed.

        Returns:
            The live manifest, and whether this build published it.
        """
        self._adapting.settle(self._ledger.lessons(SAMPLE), self._typer.types(), self._mixer)
        self._update.adaptation = self._adapting.digest
        segment = NewSegment(
            self._ledger,
            update=self._update,
            reusable=self._reusable,
            typer=self._typer,
            types=self._types(),
            live=self._live,
            counts=self._counts,
        )
        neighbours, adapting = self._options.neighbours, self._adapting
        record = segment.write(self._layout, self._encoder, self._mixer, neighbours, adapting)
        manifest = self._manifest(record, segment.absorbed)
        published = self._differs(manifest)
        if published:
            self._publish(record, manifest)
        return (manifest if published or self._former is None else self._former), published

    def _report(
        self, live: Manifest, reasons: Counter[str], *, published: bool, read_seconds: float
    ) -> BuildReport:
        counts, spec = self._counts, self._encoder.spec
        before = self._former.products if self._former is not None else 0
        return BuildReport(
            generation=live.generation,
            published=published,
            products=live.products,
            images=live.images,
            embedded=counts.embedded,
            reused=counts.reused,
            added=counts.added,
            changed=counts.changed,
            removed=before + counts.added - live.products,
            titles=self._mixer.embedded,
            quarantined=reasons.total(),
            reasons=dict(reasons.most_common()),
            seconds=time.monotonic() - self._start,
            images_per_second=counts.embedded / read_seconds,
            model=spec.name,
            device=spec.device,
            precision=spec.precision,
            stages=self._clock.shares(),
            notes=(*self._catalog.notes, *self._typer.notes(), *adaptation_notes(live.adaptation)),
        )

    def _usable_segments(self) -> tuple[Segment, ...]:
        """Return the live generation's segments, if this encoder made their vectors."""
        if self._live is None:
            return ()
        spec, former = self._encoder.spec, self._live.manifest
        same_encoder = former.encoder.fingerprint == spec.fingerprint
        if self._options.keep_missing:
            if not same_encoder:
                raise BuildError(
                    f"The index was built with {former.encoder.name!r}; products that are missing "
                    f"from the catalog can't be kept for {spec.name!r}. Build without "
                    "--keep-missing."
                )
            if former.examination != self._examination.key:
                raise BuildError(
                    "Products that are missing from the catalog can't be kept, since their images "
                    "were not examined like this. Build without --keep-missing."
                )
        return self._live.segments if same_encoder else ()

    def _read_catalog(self) -> None:
        self._typer = self._new_typer()
        CatalogReader(
            self._catalog,
            self._encoder,
            self._options,
            self._ledger,
            update=self._update,
            reusable=self._reusable,
            typer=self._typer,
            counts=self._counts,
            clock=self._clock,
            on_progress=lambda: self._progress("reading"),
            examination=self._examination,
            features=self._adapting.width,
            fetched=self._layout.fetched,
        ).read()

    def _types(self) -> dict[str, FieldType]:
        """Return the types of the fields, that of the text in images included."""
        types = self._typer.types()
        if self._examination.text:
            types.setdefault(TEXT_FIELD, FieldType.TEXT)
        return types

    def _new_typer(self) -> FieldTyper:
        types = dict(self._catalog.field_types or {})
        former = {name: FieldType(kind) for name, kind in self._former_fields.items()}
        kept = former if self._options.keep_missing else {}
        for name in types.keys() & kept.keys():
            types[name] = join_types(types[name], kept[name])
        return FieldTyper(
            parse_text=self._catalog.untyped,
            known=types,
            former=former,
            kept=kept,
            forced=self._options.catalog.types,
            place=self._catalog.place,
        )

    def _progress(self, stage: str) -> None:
        self._on_progress(
            BuildProgress(
                stage=stage,
                rows=self._counts.rows,
                total=self._catalog.count,
                embedded=self._counts.embedded,
                reused=self._counts.reused,
                bad=self._counts.refused,
                seconds=time.monotonic() - self._start,
                bottleneck=self._clock.bottleneck(),
            )
        )

    def _refuse_bad_catalog(self) -> None:
        rows, bad = self._counts.rows, self._ledger.count_bad_lines()
        effect = "The live generation is unchanged." if self._live else "Nothing was published."
        if rows == 0:
            raise CatalogError(f"{self._catalog.name!r} has no rows. {effect}")
        if bad > self._options.max_bad * rows or bad == rows:
            raise TooManyBadRowsError(
                f"{bad} of {rows} catalog rows can't be used; see {self._layout.quarantine.name} "
                f"in the index folder for the reasons. {effect}"
            )

    def _manifest(self, record: SegmentRecord | None, absorbed: Sequence[int]) -> Manifest:
        new = [record] if record is not None else []
        spec = self._encoder.spec
        return new_generation(
            self._layout,
            encoder=EncoderRecord(name=spec.name, fingerprint=spec.fingerprint, dim=spec.dim),
            segments=(*self._update.remaining_segments(absorbed), *new),
            fields={name: str(kind) for name, kind in self._types().items()},
            catalog=self._catalog.name,
            examination=self._examination.key,
            adaptation=self._adapting.record,
        )

    def _differs(self, manifest: Manifest) -> bool:
        """Whether a generation has to be published, or the live one is the same already."""
        return (
            self._former is None
            or self._tags.changed
            or _content(manifest) != _content(self._former)
            # An older generation was opened because the live one is damaged or was never made live.
            or not is_live(self._layout, self._former)
        )

    def _publish(self, record: SegmentRecord | None, manifest: Manifest) -> None:
        if record is not None:
            adopt_segment(self._layout, record.id)
        index = Index.of_manifest(self._layout, without_tags(manifest), self._live)
        confidence = self._kept_confidence(manifest)
        if confidence is None:
            fitted = confidence_to_json(fit_confidence(index, self._encoder))
            confidence = mark_as_fitted(fitted, manifest.products)
        complete = self._tags.complete(manifest, index)
        publish(self._layout, replace(complete, confidence=confidence))

    def _kept_confidence(self, manifest: Manifest) -> dict[str, Any] | None:
        """Return the former generation's fit if the products did not change enough to move it."""
        former = self._former
        if (
            former is None
            or not self._update.segments  # of another encoder, or none
            or former.text_weight != self._text_weight
            or former.adaptation != self._adapting.record
            or former.fields != manifest.fields
        ):
            return None
        removed = former.products + self._counts.added - manifest.products
        touched = self._counts.added + self._counts.changed + removed
        return keep_confidence(former.confidence, touched)


def _content(manifest: Manifest) -> tuple[object, ...]:
    """Return what distinguishes a generation from another."""
    content = manifest.encoder.fingerprint, manifest.segments, manifest.fields
    return *content, manifest.examination, manifest.adaptation
