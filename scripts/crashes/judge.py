"""Judging an index: whether it holds exactly what a catalog said, and what differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from embeddings import FakeEncoder
from indexer.index import Index, Segment
from indexer.tagging import Tagger
from scripts.crashes.catalogs import TAXONOMIES, Content, Product

__all__ = ["Verdict", "judge", "on_disk"]

# float16 rounds the components of a unit vector by less than half of this.
_ROUNDING = 1e-3
# This near to its threshold of one half, rounding may decide whether a label is given.
_DOUBTFUL = 0.02


@dataclass(frozen=True)
class Verdict:
    """How an index differs from the most similar of the contents that it may have.

    Attributes:
        content: The number of that content, from 0.
        lost: Products that are missing, or not as they should be.
        phantom: Products that should not be there, or not as they are.
        double: Ids that are there more than once.
    """

    content: int
    lost: int
    phantom: int
    double: int

    @property
    def wrong(self) -> int:
        """The number of differences; 0 for exactly that content."""
        return self.lost + self.phantom + self.double


def judge(index: Index, contents: Sequence[Content]) -> Verdict:
    """Compare an index with the contents that it may have, of which it may not be a mixture."""
    verdicts = [_compare(index, content, number) for number, content in enumerate(contents)]
    return min(verdicts, key=lambda verdict: verdict.wrong)


def on_disk(index: Path) -> list[int]:
    """Return the generations that have a manifest, oldest first."""
    return sorted(int(path.stem) for path in (index / "manifests").glob("[0-9]*.json"))


def _compare(index: Index, content: Content, number: int) -> Verdict:
    rows = [
        (segment.product_id(row), segment, row)
        for segment in index.segments
        for row in np.flatnonzero(segment.alive).tolist()
    ]
    tagging = index.manifest.tagging
    taxonomy = TAXONOMIES[tagging.taxonomy] if tagging is not None else None
    tagger = Tagger(FakeEncoder(), taxonomy) if taxonomy is not None else None
    there = Counter(product_id for product_id, _, _ in rows)
    hits = Counter(hit.id for hit in index.search(np.eye(3, dtype=np.float32)[0], 10 * len(rows)))
    right = {
        product_id
        for product_id, segment, row in rows
        if product_id in content
        and there[product_id] == hits[product_id] == 1
        and _same(segment, row, content[product_id])
        and _tagged(segment, row, content[product_id], tagger)
    }
    return Verdict(
        content=number,
        lost=len(content.keys() - right),
        phantom=len((there.keys() | hits.keys()) - right),
        double=sum(count > 1 for count in (there | hits).values()),
    )


def _same(segment: Segment, row: int, product: Product) -> bool:
    images = segment.image_rows(row)
    locations = [segment.location(image) for image in images]
    if locations != [image.location for image in product.images]:
        return False
    if segment.catalog_row(row) != {"title": product.title, "price": product.price}:
        return False
    expected = np.stack([image.vector for image in product.images])
    stored = np.asarray(segment.vectors[images.start : images.stop], np.float32)
    if not (np.abs(stored - expected) < _ROUNDING).all() or segment.colours is None:
        return False
    colours = np.stack([image.measured for image in product.images])
    return bool((segment.colours[images.start : images.stop] == colours).all())


def _tagged(segment: Segment, row: int, product: Product, tagger: Tagger | None) -> bool:
    """Return whether a product has the tags of the index's taxonomy and no others."""
    found = segment.fields(row).get("tag_hue", [])
    if tagger is None:
        return not found
    total = np.sum([image.vector for image in product.images], axis=0)
    (scored,) = tagger.scores((total / np.linalg.norm(total))[np.newaxis])
    best = int(scored.probabilities[0].argmax())
    if abs(float(scored.probabilities[0, best]) - 0.5) < _DOUBTFUL:
        return True
    return found == [label.name for label, given in zip(scored.group.labels, scored.given[0],
                                                        strict=True) if given]  # fmt: skip
