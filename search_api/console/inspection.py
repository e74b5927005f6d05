"""What was understood of a catalog, as text for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from search_api.console.console import for_terminal, out

if TYPE_CHECKING:
    from indexer.catalog import CatalogInspection

__all__ = ["print_inspection"]

_REFUSED = 5
_IMAGES = 3
_NAMES = 40
_VALUE_CHARACTERS = 60
_FIELDS = 12
_LINE_CHARACTERS = 1000


def print_inspection(found: CatalogInspection) -> None:
    """Print the format, columns, types, first products, and what would be refused."""
    for line in found.notes or (f"{found.catalog} is read as {found.format['format']}",):
        _say(line)
    if found.id_column is not None:
        _say(f"ids: {found.id_column}; images: {', '.join(found.image_columns)}")
    if found.types:
        fields = [f"{name} ({kind})" for name, kind in found.types.items()]
        _say(f"fields: {_some(fields, _NAMES)}")
    for product in found.products:
        place = f"{product.line} of {product.file}" if product.file else f"{product.line}"
        _say(f"line {place}: {product.id}  {_some(product.images, _IMAGES)}")
        for name, value in list(product.fields.items())[:_FIELDS]:
            shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            _say(f"    {name}: {shown[:_VALUE_CHARACTERS]}")
    bad = sum(found.reasons.values())
    read = ("row" if found.rows == 1 else "rows") + ("" if found.complete else " looked at")
    _say(f"{found.rows:,} {read}, {bad:,} would be refused")
    for reason, count in found.reasons.items():
        _say(f"  {count:,} {reason}")
    for row in found.refused[:_REFUSED]:
        place = f"{row.line} of {row.file}" if row.file else f"{row.line}"
        _say(f"    line {place}: {row.message}")


def _some(items: Sequence[str], most: int) -> str:
    more = f", and {len(items) - most:,} more" if len(items) > most else ""
    return ", ".join(item or "(bytes)" for item in items[:most]) + more


def _say(line: str) -> None:
    out.print(for_terminal(line, _LINE_CHARACTERS), soft_wrap=True)
