"""Holding back of images that may not be fit to show, and their release by a person."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from embeddings.vision import UNSAFE_SCORE, UNSAFE_SKIN_SCORE, Findings, shows_skin
from indexer.build.images.reusable import ReusableImages
from indexer.build.ledger import StagedImage, StagedProduct
from indexer.storage import Layout, exclusive_writing, replace_file

__all__ = ["hold_unsafe", "read_released", "release", "unsafe_reason"]


def hold_unsafe(
    reusable: ReusableImages, released: frozenset[str]
) -> Callable[[StagedProduct, StagedImage], str | None]:
    """Return the judge of `Ledger.judge`.

    Args:
        reusable: Has the findings of images that this build did not embed.
        released: Ids of products whose images may be shown.
    """

    def hold(product: StagedProduct, image: StagedImage) -> str | None:
        embedded = image.embedded or reusable.find(image.sha256)
        if embedded is None or product.id in released:
            return None
        return unsafe_reason(embedded.findings, product.fields.values())

    return hold


def unsafe_reason(findings: str, values: Iterable[object]) -> str | None:
    """Return why a product may not show an image; None if it may.

    Args:
        findings: What was found in the image, as `Findings.to_json` writes it.
        values: Of the product's fields.
    """
    unsafe = Findings.from_json(findings).unsafe
    threshold = UNSAFE_SKIN_SCORE if shows_skin(values) else UNSAFE_SCORE
    if unsafe is None or unsafe < threshold:
        return None
    return (
        f"the image may not be fit to show: score {unsafe:.2f}, held from {threshold:.2f}; "
        "look at it, and release its product by id: lookalike index quarantine --release ID"
    )


def read_released(layout: Layout) -> frozenset[str]:
    """Return the ids of the products that were released."""
    try:
        ids = json.loads(layout.released.read_text("utf-8"))
    except (OSError, ValueError):
        return frozenset()  # holding too much is the safe side
    listed = ids if isinstance(ids, list) else []
    return frozenset(one for one in listed if isinstance(one, str))


def release(layout: Layout, ids: Iterable[str]) -> None:
    """Let products keep their images, from the next build on.

    Raises:
        IndexLockedError: Another process is writing this index.
        BuildError: The index folder can't be written.
    """
    with exclusive_writing(layout):
        both = sorted(read_released(layout) | set(ids))
        replace_file(layout.released, json.dumps(both, ensure_ascii=False).encode())
