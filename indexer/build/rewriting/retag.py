"""Retag: gives the products of an index new tags, from the vectors that it holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from embeddings import Encoder
from indexer.errors import TaxonomyError
from indexer.index import Index, IndexTags, TagChoice, tag_coverage, without_tags
from indexer.storage import Layout, exclusive_writing, new_generation, publish, remove_orphans

__all__ = ["RetagReport", "retag"]


@dataclass(frozen=True)
class RetagReport:
    """Result of retagging.

    Attributes:
        generation: The generation that is live now.
        products: Number of products in the index.
        taxonomy: Name of the taxonomy; None if the tags were removed.
        tagged: Number of products with a label, for each tag field.
        seconds: Duration, without loading the model.
    """

    generation: int
    products: int
    taxonomy: str | None
    tagged: Mapping[str, int]
    seconds: float


def retag(
    path: Path, load_encoder: Callable[[str], Encoder], choice: TagChoice | None = None
) -> RetagReport:
    """Tag all products of the live generation anew, and publish the result as a new generation.

    No image is decoded or embedded and no segment is written: tags come from the vectors and
    colours that the segments hold.

    Args:
        path: The index folder.
        load_encoder: Loads the encoder of a name; it embeds labels.
        choice: The taxonomy to tag with; by default the index's own, fitted again.

    Raises:
        NoIndexError: If nothing was ever published there.
        DamagedIndexError: If no generation is intact.
        EncoderMismatchError: The encoder that was loaded did not build the index.
        TaxonomyError: The index has no taxonomy and no choice is given, or the fit of the choice
            is for another encoder.
        IndexLockedError: Another process is writing this index.
        BuildError: The index folder can't be written.
        BuildInterruptedError: On Ctrl-C; the live generation is unchanged.
    """
    index = Index.open(path)  # raises before a folder or a lock is made where there is no index
    if choice is None and index.manifest.tagging is None:
        raise TaxonomyError("This index has no taxonomy yet: name one, such as `--tags retail`.")
    encoder = load_encoder(index.manifest.encoder.name)
    index.check_encoder(encoder.spec)
    layout = Layout(path)
    with exclusive_writing(layout):
        return _retag_locked(layout, encoder, choice)


def _retag_locked(layout: Layout, encoder: Encoder, choice: TagChoice | None) -> RetagReport:
    started = time.monotonic()
    index = Index.open(layout.root)
    index.check_encoder(encoder.spec)
    remove_orphans(layout)
    former = index.manifest
    tags = IndexTags(layout, encoder, former, choice, refit=True)
    plain = without_tags(
        new_generation(
            layout,
            encoder=former.encoder,
            segments=former.segments,
            fields=former.fields,
            catalog=former.catalog,
            confidence=former.confidence,
            examination=former.examination,
            adaptation=former.adaptation,
        )
    )
    manifest = tags.complete(plain, Index.of_manifest(layout, plain, index))
    tagged = tag_coverage(Index.of_manifest(layout, manifest, index))
    publish(layout, manifest)
    return RetagReport(
        generation=manifest.generation,
        products=manifest.products,
        taxonomy=manifest.tagging.taxonomy if manifest.tagging is not None else None,
        tagged=tagged,
        seconds=time.monotonic() - started,
    )
