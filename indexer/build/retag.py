"""Retagging: other labels for the products of an index, from the vectors that it holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from embeddings import Encoder
from indexer.errors import BuildError, BuildInterruptedError, TaxonomyError
from indexer.index import Index, IndexTags, TagChoice, tag_coverage, without_tags
from indexer.storage import Layout, hold_write_lock, new_generation, publish, remove_orphans

__all__ = ["RetagReport", "retag"]


@dataclass(frozen=True)
class RetagReport:
    """What retagging did.

    Attributes:
        generation: The live generation now.
        products: Products in the index.
        taxonomy: Name of the taxonomy; None where the tags were taken off.
        tagged: For each field of tags how many products have a label in it.
        seconds: How long it took, the loading of the model left out.
    """

    generation: int
    products: int
    taxonomy: str | None
    tagged: Mapping[str, int]
    seconds: float


def retag(
    path: Path, load_encoder: Callable[[str], Encoder], choice: TagChoice | None = None
) -> RetagReport:
    """Tag all products of the live generation anew, and publish the result as another generation.

    Pictures are neither decoded nor embedded, and no segment is written: tags come from the vectors
    and colours that the segments hold.

    Args:
        path: The index folder.
        load_encoder: Gives the encoder of a name; it embeds labels.
        choice: What to tag with; by default the index's own taxonomy, fitted again.

    Raises:
        NoIndexError: If nothing was ever published there.
        DamagedIndexError: If no generation is intact.
        EncoderMismatchError: The encoder that was loaded did not build the index.
        TaxonomyError: The index has no taxonomy of its own and no choice is given, or what was
            fitted is for another encoder.
        IndexLockedError: Another process is writing this index.
        BuildError: The index folder can't be written.
        BuildInterruptedError: On Ctrl-C; the live generation is as it was.
    """
    index = Index.open(path)  # no folder is made, nor lock taken, where there is no index
    if choice is None and index.manifest.tagging is None:
        raise TaxonomyError("This index has no taxonomy yet: name one, such as `--tags retail`.")
    encoder = load_encoder(index.manifest.encoder.name)
    index.check_encoder(encoder.spec)
    layout = Layout(path)
    try:
        with hold_write_lock(layout):
            return _retag_locked(layout, encoder, choice)
    except KeyboardInterrupt as error:
        raise BuildInterruptedError("Stopped; nothing was published. Retag again.") from error
    except OSError as error:
        raise BuildError(
            f"The index folder {str(path)!r} can't be written ({error}). What was live stays live."
        ) from error


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
