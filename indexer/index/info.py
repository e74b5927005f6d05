"""Summary of an opened index: counts, model, kind, recall and tag coverage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from indexer.index.index import Index
from indexer.retrieval import Exists
from indexer.storage import TUNED_KINDS, IndexKind, Layout, Manifest, generations

__all__ = ["describe", "index_kind", "index_recall", "tag_coverage"]


def describe(index: Index, path: Path) -> dict[str, Any]:
    """Return what `lookalike index info` shows.

    Args:
        index: The opened generation.
        path: The index folder it was opened from.
    """
    manifest = index.manifest
    files = [file for segment in manifest.segments for file in segment.files.values()]
    files += [*manifest.tag_files.values(), *manifest.map_files.values()]
    return {
        "generation": manifest.generation,
        "generations": sorted(generations(Layout(path))),
        "created": manifest.created,
        "catalog": manifest.catalog,
        "products": manifest.products,
        "images": manifest.images,
        "model": manifest.encoder.name,
        "fingerprint": manifest.encoder.fingerprint,
        "dim": manifest.encoder.dim,
        "kind": index_kind(manifest),
        "text_weight": manifest.text_weight,
        "recall": index_recall(manifest),
        "segments": len(manifest.segments),
        "bytes": sum(file.bytes for file in files),
        "fields": dict(manifest.fields),
        **_tags(index),
        **_adaptation(index),
    }


def _adaptation(index: Index) -> dict[str, Any]:
    """Return whether the index learned from its catalog, from what, and what that gains."""
    record = index.manifest.adaptation
    if record is None:
        return {"adapted": False}
    return {
        "adapted": index.adaptation is not None,
        "adapt": record.choice,
        **({"not_adapted_because": record.reason} if record.reason else {}),
        "learned_from": list(record.fields),
        "learned_products": record.products,
        "adapted_weight": record.weight,
        # By measure: the mean before and after on products left out, and the number of queries.
        "gains": {name: list(figures) for name, *figures in record.gains},
    }


def _tags(index: Index) -> dict[str, Any]:
    """Return the taxonomy, and for each field of tags the share of products with a label."""
    tagging = index.manifest.tagging
    if tagging is None:
        return {}
    products = max(1, index.manifest.products)
    tagged = {name: round(count / products, 4) for name, count in tag_coverage(index).items()}
    return {"taxonomy": tagging.taxonomy, "taxonomy_version": tagging.version, "tagged": tagged}


def tag_coverage(index: Index) -> dict[str, int]:
    """Return for each field of tags how many products have a label in it."""
    tagging = index.manifest.tagging
    names = tagging.fields if tagging is not None else ()
    return {name: index.count(Exists(name, wanted=True)) for name in names}


def index_kind(manifest: Manifest) -> str:
    """Return the kind of the largest segment's FAISS index; `flat` if there is no segment."""
    largest = max(manifest.segments, key=lambda segment: segment.images, default=None)
    return str(largest.neighbours.kind if largest is not None else IndexKind.FLAT)


def index_recall(manifest: Manifest) -> dict[str, float]:
    """Return recall@10 against exact search by kind of query, of the segment with the lowest."""
    return {
        str(query): min(
            (segment.neighbours.recall.get(query, 1.0) for segment in manifest.segments),
            default=1.0,
        )
        for query in TUNED_KINDS
    }
