"""Face check: the images of an index that show faces, as its build found them or found now."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image

from embeddings.vision import Findings, find_faces
from indexer.index import ImageTable, Progress
from indexer.quality.health_facts import FaceImage

__all__ = ["find_face_images"]

# Images between two reports of progress.
_STEP = 256


def find_face_images(
    table: ImageTable,
    titles: Sequence[str | None],
    *,
    look: bool = False,
    on_progress: Progress = lambda *_: None,
) -> tuple[FaceImage, ...] | None:
    """Return the images with faces, those with most faces first.

    Args:
        table: The images.
        titles: One for each product, or none at all.
        look: Look at the thumbnails of images that the build did not examine.
        on_progress: Called from time to time.

    Returns:
        None if faces were not looked for in any image.

    Raises:
        ModelError: The detector is not installed, or damaged.
    """
    found: list[FaceImage] = []
    looked = look
    for image in range(len(table)):
        segment, row = table.locate(image)
        findings = Findings.from_json(segment.findings(row))
        looked = looked or findings.faces is not None
        count = len(findings.faces or ())
        if look and findings.faces is None:
            count = _count_in_thumbnail(table.thumbnail(image))
        if look and image % _STEP == 0:
            on_progress("faces", image, len(table))
        if count:
            product = int(table.product[image])
            title = titles[product] if titles else None
            found.append(
                FaceImage(
                    table.product_id(product),
                    title or "",
                    table.position(image),
                    count,
                    covered=findings.faces is not None,
                )
            )
    return tuple(sorted(found, key=lambda each: -each.faces)) if looked else None


def _count_in_thumbnail(content: bytes) -> int:
    if not content:
        return 0
    with Image.open(io.BytesIO(content), formats=["WEBP"]) as image:
        return len(find_faces(image.convert("RGB")))
