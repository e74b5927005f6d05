"""The text in a product's images as a field, which keyword search reads like the catalog's own."""

from __future__ import annotations

from collections.abc import Iterable

from embeddings.vision import Findings

__all__ = ["TEXT_FIELD", "image_text"]

TEXT_FIELD = "text_in_image"
"""The field's name."""

_MAX_CHARACTERS = 10_000


def image_text(findings: Iterable[str]) -> str:
    """Return all lines that were read, each once, in order; empty for none.

    Args:
        findings: Of a product's images, as `Findings.to_json` writes them.
    """
    lines = (line.text for text in findings for line in Findings.from_json(text).lines or ())
    return "\n".join(dict.fromkeys(lines))[:_MAX_CHARACTERS]
