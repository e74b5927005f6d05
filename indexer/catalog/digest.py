"""Product digests: tell an update which products of a catalog changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from indexer.catalog.fields import FieldValue

__all__ = ["DIGEST_BYTES", "product_digest"]

# A false match among ten million products has a chance below 1e-24.
DIGEST_BYTES = 16
# Made once: `json.dumps` makes an encoder for each call that sorts the keys.
_JSON = json.JSONEncoder(sort_keys=True)


def product_digest(
    fields: Mapping[str, FieldValue],
    images: Iterable[tuple[bytes, str]],
    *,
    thumbnails: bool,
    text_weight: float = 0.0,
    examination: str = "",
) -> bytes:
    """Return 16 bytes that differ if a product would be stored differently.

    Args:
        fields: As the catalog gives them, before their types are inferred. Blank and missing values
            count as absent, so that a new empty column changes no product.
        images: The SHA-256 and location of every image that is indexed, in order.
        thumbnails: Whether thumbnails are kept.
        text_weight: Weight of the titles in the searched vectors.
        examination: What was looked for in the images; empty for nothing.
    """
    present = {name: value for name, value in fields.items() if value not in (None, "", [])}
    digest = hashlib.blake2b(
        _JSON.encode(present).encode(), digest_size=DIGEST_BYTES, salt=b"product"
    )
    digest.update(b"\1" if thumbnails else b"\0")
    if text_weight:
        digest.update(f"text {text_weight}".encode() + b"\0")
    if examination:
        digest.update(f"examined {examination}".encode() + b"\0")
    for sha256, location in images:
        # Locations contain no NUL, so that different lists of images give different bytes.
        digest.update(sha256 + location.encode() + b"\0")
    return digest.digest()
