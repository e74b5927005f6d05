"""Lists: the values of fields of which a product can have several."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence

__all__ = ["ListItem", "all_numbers", "as_label", "distinct_items", "list_in_text"]

ListItem = str | int | float | bool
"""One value of a list."""

# Integers beyond this lose digits as float64.
_MAX_EXACT = 2**53
# As Python and data frames write a list of texts and numbers: ['red', 'gift'].
_PYTHON_ITEM = r"""\s*(?:'([^'\\]*)'|"([^"\\]*)"|(-?\d+(?:\.\d+)?))\s*"""
_PYTHON_LIST = re.compile(rf"\[{_PYTHON_ITEM}(?:,{_PYTHON_ITEM})*\]")
_PYTHON_ITEMS = re.compile(_PYTHON_ITEM)


def list_in_text(text: str) -> list[ListItem] | None:
    """Return the values of a cell that holds a list, as JSON or as Python writes it; else None.

    A list of objects is none: it would have no field's name.
    """
    text = text.strip()
    if text[:1] != "[" or text[-1:] != "]":
        return None
    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        if not _PYTHON_LIST.fullmatch(text):
            return None
        found = _PYTHON_ITEMS.findall(text[1:-1])
        items = [single or double or float(number or "nan") for single, double, number in found]
    return None if _holds_objects(items) else distinct_items(items)


def distinct_items(value: Sequence[object]) -> list[ListItem]:
    """Return the values of a list in their order, each once: without gaps, and of inner lists too.

    Args:
        value: Texts, numbers, booleans, None, or lists of these.
    """
    found: dict[tuple[type, object], ListItem] = {}
    for raw in _flat(value):
        item = raw.strip() if isinstance(raw, str) else raw
        if item is None or item == "" or (isinstance(item, float) and not math.isfinite(item)):
            continue
        found.setdefault((type(item), item), item)  # type: ignore[arg-type]
    return list(found.values())


def all_numbers(items: Sequence[object]) -> bool:
    """Whether a list holds numbers alone, and such as float64 holds exactly."""
    return all(
        isinstance(item, int | float)
        and not isinstance(item, bool)
        and (isinstance(item, float) or abs(item) <= _MAX_EXACT)
        for item in items
    )


def as_label(item: object) -> str:
    """Return a value of a list as text: `38`, not `38.0`."""
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, float) and item.is_integer():
        return str(int(item))
    return str(item)


def _flat(value: Sequence[object]) -> Iterator[object]:
    for item in value:
        if isinstance(item, list | tuple):
            yield from _flat(item)
        else:
            yield item


def _holds_objects(value: object) -> bool:
    if isinstance(value, list):
        return any(map(_holds_objects, value))
    return isinstance(value, dict)
