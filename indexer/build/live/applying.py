"""Application of logged writes: one small segment, deleted rows, and a new generation."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from embeddings import Encoder
from indexer.build.live.log import WriteLog
from indexer.build.live.writes import Action, LoggedWrite
from indexer.build.rewriting import kept_features
from indexer.build.texts import (
    TEXT_FIELD,
    MemoryTextVectors,
    TitleMixer,
    adapt_products,
    image_text,
    mix_titles,
)
from indexer.build.update import Update, stored_product
from indexer.calibration import count_touched
from indexer.catalog import FieldType, FieldValue, title_of
from indexer.errors import EncoderMismatchError
from indexer.index import (
    Index,
    IndexTags,
    NewProduct,
    new_segment_id,
    without_tags,
    write_segment,
)
from indexer.storage import (
    Layout,
    Manifest,
    SegmentLayout,
    SegmentRecord,
    adopt_segment,
    format_ranges,
    hold_write_lock,
    live_generation,
    new_generation,
    publish,
    remove_empty_staging,
    remove_orphans,
    sync_folder,
)

__all__ = ["Applied", "apply_writes", "keeps_thumbnails", "remove_superseded"]

# Writes in one generation. Images up to which a segment is always absorbed, and most images of a
# segment that is written while others wait: it takes less than a second.
_MOST_WRITES = 2000
_SMALL, _MOST_IMAGES = 100, 4000
# Seconds for which a generation of writes stays after the next one: readers may be opening it.
_KEPT_SECONDS = 10.0


@dataclass(frozen=True)
class Applied:
    """Writes that became a generation.

    Attributes:
        number: The writes up to this one are applied.
        generation: The generation that has them.
        writes: How many they are.
    """

    number: int
    generation: int
    writes: int


def apply_writes(
    layout: Layout, log: WriteLog, encoder: Encoder, served: Index | None = None
) -> Applied | None:
    """Publish a generation with the oldest writes of the log; None if there are none.

    It may be killed at any moment: what was not marked as applied is applied again, with the same
    result.

    Args:
        layout: Of the index folder.
        log: The log of its writes.
        encoder: Of the index; it embeds titles.
        served: A generation of the folder that is open; what it shares is not read again.

    Raises:
        IndexLockedError: Another process is writing this index.
        EncoderMismatchError: Another encoder built the index, or embedded an image of the log.
        IndexFolderError: The index can't be opened.
        OSError: The folder can't be written.
    """
    with hold_write_lock(layout, serving=True):
        pending = log.pending(_MOST_WRITES)
        if not pending:
            return None
        index = Index.open(layout.root, previous=served)
        index.check_encoder(encoder.spec)
        generation = _Application(layout, log, encoder, index).run(pending)
        last = pending[-1].number
        log.mark_applied(last, generation)
        return Applied(last, generation, len(pending))


def keeps_thumbnails(index: Index) -> bool:
    """Return whether an index keeps thumbnails; one without images does."""
    return next((bool(s.thumbnail(0)) for s in index.segments if s.record.images), True)


class _Application:
    """One generation of writes."""

    def __init__(self, layout: Layout, log: WriteLog, encoder: Encoder, index: Index) -> None:
        self._layout, self._log, self._encoder, self._index = layout, log, encoder, index
        self._former = former = index.manifest
        self._weight = former.text_weight
        self._adaptation = index.segments[0].record.adaptation if index.segments else ""
        self._types = log.types(index)
        self._update = Update(
            index.segments,
            former.fields,
            text_weight=self._weight,
            thumbnails=keeps_thumbnails(index),
            examination=former.examination,
        )
        self._update.adaptation = self._adaptation

    def run(self, pending: Sequence[LoggedWrite]) -> int:
        """Write and publish; returns the generation that has the writes."""
        products = self._products(pending)
        new = []
        for product_id, product in products.items():
            if product is None:
                self._update.drop(product_id)
            elif not self._update.keep_if_unchanged(product_id, product.digest):
                new.append(product)
        self._update.keep_missing()
        record, absorbed = self._write(new)
        remaining = self._update.remaining_segments(absorbed)
        if record is None and not remaining and self._former.segments:
            remaining = [_emptied(self._former.segments[-1])]
        segments = (*remaining, *([record] if record is not None else []))
        if segments == self._former.segments:
            return self._former.generation
        return self._publish(segments, record, touched=len(products))

    def _products(self, pending: Sequence[LoggedWrite]) -> dict[str, NewProduct | None]:
        """Return the products that the writes leave behind, None for those that they delete."""
        products: dict[str, NewProduct | None] = {}
        for write in pending:
            if write.encoder not in ("", self._former.encoder.fingerprint):
                raise EncoderMismatchError(
                    "Images of the log of writes were embedded by another model than the index's. "
                    f"Build with that model again, or remove {self._layout.writes.name}."
                )
            if write.action is Action.PUT:
                products[write.id] = self._put(write)
            elif write.action is Action.DELETE:
                products[write.id] = None
            else:
                before = products[write.id] if write.id in products else self._stored(write.id)
                products[write.id] = None if before is None else self._patched(before, write)
        return products

    def _put(self, write: LoggedWrite) -> NewProduct:
        fields = dict(write.fields)
        if self._types.get(TEXT_FIELD) is FieldType.TEXT and not fields.get(TEXT_FIELD):
            text = image_text(image.findings for image in write.images)
            if text:
                fields[TEXT_FIELD] = text
        return self._product(write.id, fields, NewProduct(write.id, fields, write.images, b""))

    def _patched(self, before: NewProduct, write: LoggedWrite) -> NewProduct:
        merged = {**before.fields, **write.fields}
        fields = {name: value for name, value in merged.items() if value is not None}
        if title_of(fields) != title_of(before.fields):
            images = [replace(image, searched=None) for image in before.images]
            before = replace(before, images=images)
        return self._product(write.id, fields, before)

    def _product(
        self, product_id: str, fields: Mapping[str, FieldValue], before: NewProduct
    ) -> NewProduct:
        contents = [(image.sha256, image.location) for image in before.images]
        digest = self._update.digest(fields, contents)
        return NewProduct(product_id, fields, before.images, digest)

    def _stored(self, product_id: str) -> NewProduct | None:
        for segment in self._index.segments:
            row = segment.find(product_id)
            if row is not None:
                return stored_product(segment, row, self._weight, self._adaptation)
        return None

    def _write(self, new: Sequence[NewProduct]) -> tuple[SegmentRecord | None, list[int]]:
        """Write the new segment into staging, if there is anything for it."""
        images = sum(len(product.images) for product in new)
        absorbed = self._update.segments_to_absorb(
            images, self._types, small=_SMALL, most=max(images, _MOST_IMAGES)
        )
        products = self._completed(itertools.chain(new, self._update.absorbed_products(absorbed)))
        first = next(products, None)
        if first is None:
            return None, absorbed
        record = write_segment(
            SegmentLayout(self._layout.staging / new_segment_id()),
            itertools.chain([first], products),
            self._types,
            self._former.encoder.dim,
            text_weight=self._weight,
            findings=bool(self._former.examination),
            adaptation=self._adaptation,
            features=kept_features(self._index) if self._index.segments else 0,
        )
        return record, absorbed

    def _completed(self, products: Iterable[NewProduct]) -> Iterator[NewProduct]:
        """Yield products with the vectors that are searched."""
        if self._adaptation and self._index.adaptation is not None:
            products = adapt_products(products, self._index.adaptation)
        if self._weight:
            mixer = TitleMixer(self._encoder, self._weight, MemoryTextVectors())
            products = mix_titles(products, mixer)
        return iter(products)

    def _publish(
        self, segments: Sequence[SegmentRecord], record: SegmentRecord | None, *, touched: int
    ) -> int:
        former, layout = self._former, self._layout
        manifest = new_generation(
            layout,
            encoder=former.encoder,
            segments=segments,
            fields={name: str(kind) for name, kind in self._types.items()},
            catalog=former.catalog,
            confidence=count_touched(former.confidence, touched),
            examination=former.examination,
            adaptation=former.adaptation,
        )
        if record is not None:
            adopt_segment(layout, record.id)
        if former.tagging is not None:
            opened = Index.of_manifest(layout, without_tags(manifest), self._index)
            manifest = IndexTags(layout, self._encoder, former).complete(manifest, opened)
        self._log.announce(manifest.generation, _digest(manifest))
        publish(layout, manifest)
        remove_empty_staging(layout)
        return manifest.generation


def remove_superseded(layout: Layout, log: WriteLog) -> int:
    """Remove generations that were published for writes and that later ones replaced.

    Those of builds stay, and the newest ones, which readers may be opening.

    Returns:
        How many were removed.

    Raises:
        IndexLockedError: Another process is writing this index.
        OSError: The folder can't be written.
    """
    with hold_write_lock(layout, serving=True):
        announced = log.announced(time.time() - _KEPT_SECONDS)
        live = live_generation(layout)
        old = [number for number in announced if number < live]
        removed = 0
        for number in old:
            path = layout.manifest(number)
            # A number may be used again after a rollback and a prune.
            if path.is_file() and _sha256(path.read_bytes()) == announced[number]:
                path.unlink()
                removed += 1
        if removed:
            sync_folder(layout.manifests)
            remove_orphans(layout)
        log.forget(old)
    return removed


def _emptied(record: SegmentRecord) -> SegmentRecord:
    """Return a segment without any of its products; it still says how an index was built."""
    return replace(
        record,
        deleted=format_ranges(np.ones(record.products, np.bool_)),
        deleted_products=record.products,
        deleted_images=record.images,
    )


def _digest(manifest: Manifest) -> str:
    return _sha256(manifest.to_json().encode())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
