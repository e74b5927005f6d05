"""Unsafe check: the images of an index that may not be fit to show, as its build judged them."""

from __future__ import annotations

from collections.abc import Sequence

from embeddings.vision import UNSAFE_SCORE, UNSAFE_SKIN_SCORE, Findings, shows_skin
from indexer.index import ImageTable
from indexer.quality.health_facts import UnsafeImage

__all__ = ["find_unsafe_images"]


def find_unsafe_images(
    table: ImageTable, titles: Sequence[str | None]
) -> tuple[UnsafeImage, ...] | None:
    """Return the images above the threshold of their product, the highest score first.

    Args:
        table: The images.
        titles: One for each product, or none at all.

    Returns:
        None if no image was judged.
    """
    found: list[UnsafeImage] = []
    judged = False
    for image in range(len(table)):
        segment, row = table.locate(image)
        findings = segment.findings(row)
        score = Findings.from_json(findings).unsafe if findings else None
        if score is None:
            continue
        judged = True
        if score < UNSAFE_SCORE:
            continue
        product = int(table.product[image])
        fields = segment.fields(int(segment.image_product[row])).values()
        if score >= (UNSAFE_SKIN_SCORE if shows_skin(fields) else UNSAFE_SCORE):
            title = titles[product] if titles else None
            found.append(
                UnsafeImage(table.product_id(product), title or "", table.position(image), score)
            )
    return tuple(sorted(found, key=lambda each: -each.score)) if judged else None
