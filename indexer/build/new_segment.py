"""New segment: writes the new and changed products of a build, and older segments it absorbs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from embeddings import Encoder
from indexer.build.images import ReusableImages
from indexer.build.ledger import Ledger, StagedImage
from indexer.build.reporting import Counts
from indexer.build.texts import (
    TEXT_FIELD,
    Adapting,
    QuerySample,
    TitleMixer,
    adapt_products,
    image_text,
    mix_titles,
)
from indexer.build.update import Update
from indexer.catalog import FieldType, FieldTyper
from indexer.index import Index, NewImage, NewProduct, new_segment_id, write_segment
from indexer.retrieval import NeighbourOptions, build_neighbours
from indexer.storage import Layout, SegmentLayout, SegmentRecord

__all__ = ["NewSegment"]


class NewSegment:
    """The one segment that a build adds to the index.

    Args:
        ledger: Holds the products of the catalog.
        update: Knows which products the live generation holds unchanged.
        reusable: Images that need no encoder.
        typer: Knows which values do not fit their fields.
        types: Types of the fields.
        live: The live generation, if there is one.
        counts: Counters of added and changed products, to add to.

    Attributes:
        absorbed: Older segments, by number, whose products it took over; known once it is written.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        update: Update,
        reusable: ReusableImages,
        typer: FieldTyper,
        types: Mapping[str, FieldType],
        live: Index | None,
        counts: Counts,
    ) -> None:
        self.absorbed: list[int] = []
        self._ledger = ledger
        self._update = update
        self._reusable = reusable
        self._typer = typer
        self._types = types
        self._live = live
        self._counts = counts

    def write(
        self,
        layout: Layout,
        encoder: Encoder,
        mixer: TitleMixer,
        options: NeighbourOptions,
        adapting: Adapting,
    ) -> SegmentRecord | None:
        """Write it into staging; None if there is nothing to write.

        Args:
            layout: Of the index folder.
            encoder: Embeds titles, and text queries to measure the FAISS index with.
            mixer: Mixes titles into the searched vectors, unless its weight is 0.
            options: The kind of FAISS index.
            adapting: Knows the map of the new generation, and whether features are kept.
        """
        sample = QuerySample()
        products = sample.watch(self._products())
        if adapting.map is not None:
            products = adapt_products(products, adapting.map)
        if mixer.weight:
            products = mix_titles(products, mixer)
        first = next(products, None)
        if first is None:
            return None
        return write_segment(
            SegmentLayout(layout.staging / new_segment_id()),
            itertools.chain([first], products),
            self._types,
            encoder.spec.dim,
            lambda segment: build_neighbours(segment, options, lambda: sample.embed(encoder)),
            text_weight=mixer.weight,
            findings=self._update.examined,
            adaptation=self._update.adaptation,
            features=adapting.kept,
        )

    def _products(self) -> Iterator[NewProduct]:
        images = 0
        for product in self._new_products():
            images += len(product.images)
            yield product
        # Only now the numbers of new images and of kept rows are known.
        self.absorbed = self._update.segments_to_absorb(images, self._types)
        yield from self._update.absorbed_products(self.absorbed)

    def _new_products(self) -> Iterator[NewProduct]:
        for product in self._ledger.products():
            images = [
                image
                for staged in product.images
                if (image := self._new_image(product.id, staged)) is not None
            ]
            if not images:
                continue
            contents = [(image.sha256, image.location) for image in images]
            digest = self._update.digest(product.fields, contents)
            if self._update.keep_if_unchanged(product.id, digest):
                continue
            if self._live is not None and product.id in self._live:
                self._counts.changed += 1
            else:
                self._counts.added += 1
            fields = dict(self._typer.cleaned(product.fields, self._types))
            if self._types.get(TEXT_FIELD) is FieldType.TEXT and not product.fields.get(TEXT_FIELD):
                fields[TEXT_FIELD] = image_text(image.findings for image in images) or None
            yield NewProduct(product.id, fields, images, digest)

    def _new_image(self, product_id: str, staged: StagedImage) -> NewImage | None:
        """Return an image ready to be written; None if it can't be used."""
        found, sha256 = staged.embedded, staged.sha256
        if staged.failed:
            former = self._reusable.former_content(product_id, staged.location)
            if former is None or former == staged.sha256:  # itself, held back now
                return None
            found, sha256 = None, former
        found = found or self._reusable.find(sha256)
        if found is None:
            return None
        return NewImage(
            sha256,
            staged.location,
            found.vector,
            found.thumbnail,
            colours=found.colours,
            findings=found.findings,
            features=found.features,
            adapted=found.adapted if self._update.adaptation else None,
        )
