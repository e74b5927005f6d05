"""Markup: the words of texts with HTML tags and entities in them."""

from __future__ import annotations

import html
import re

__all__ = ["without_markup"]

# What is not closed ends with the text, as in a browser; so no text takes quadratic time.
_HIDDEN = re.compile(r"<(script|style)\b[^<>]*>.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<!--.*?(?:-->|\Z)|</?[a-z][^<>]*>|<!doctype[^<>]*>", re.IGNORECASE | re.DOTALL)


def without_markup(text: str) -> str:
    """Return a text without tags, and with the letters that its entities stand for.

    A `<` that begins no tag stays, as in `size < 3`. Texts without markup come back as they are.
    """
    if "<" in text:
        text = _TAG.sub(" ", _HIDDEN.sub(" ", text))
    return html.unescape(text) if "&" in text else text
