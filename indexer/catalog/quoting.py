"""Quoting of foreign text in messages and lists."""

from __future__ import annotations

__all__ = ["quote_for_message", "shown_value"]

# Longer text is cut, so that a message stays one readable line.
_MAX_CHARACTERS = 80
# Of a value in a list of its own.
_MAX_VALUE_CHARACTERS = 200


def quote_for_message(text: str) -> str:
    """Quote foreign text for a message: one line, special characters escaped, cut to 80."""
    cut = text[:_MAX_CHARACTERS]
    return repr(cut) + ("..." if len(text) > len(cut) else "")


def shown_value(value: object) -> str:
    """Return a value as one line of text: special characters escaped, cut to 200."""
    text = f"{len(value):,} bytes" if isinstance(value, bytes) else str(value)
    cut = text[:_MAX_VALUE_CHARACTERS] + ("..." if len(text) > _MAX_VALUE_CHARACTERS else "")
    return cut if cut.isprintable() else cut.encode("unicode_escape").decode("ascii")
