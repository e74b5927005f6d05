"""Quoting of foreign text in messages."""

from __future__ import annotations

__all__ = ["quote_for_message"]

# Longer text is cut, so that a message stays one readable line.
_MAX_CHARACTERS = 80


def quote_for_message(text: str) -> str:
    """Quote foreign text for a message: one line, special characters escaped, cut to 80."""
    cut = text[:_MAX_CHARACTERS]
    return repr(cut) + ("..." if len(text) > len(cut) else "")
