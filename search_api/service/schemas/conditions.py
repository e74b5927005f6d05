"""Conditions between fields of a request, in JSON Schema, as the models' validators have them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["SEARCHED_BY", "exactly_one", "not_both", "one_or_more", "only_with"]

SEARCHED_BY = ("text", "image_base64", "image_url", "like", "parts", "colour")
"""Fields of a search of which one or more are given, unless an image is uploaded."""


def exactly_one(names: Iterable[str]) -> dict[str, Any]:
    """Return a schema for objects in which exactly one of some fields is not null."""
    return {"oneOf": [_given(name) for name in names]}


def one_or_more(names: Iterable[str]) -> dict[str, Any]:
    """Return a schema for objects in which some fields are not all null or empty."""
    return {"anyOf": [_given(name) for name in names]}


def only_with(name: str, others: Iterable[str]) -> dict[str, Any]:
    """Return a schema for objects in which other fields are null unless one field is given."""
    without = {"properties": {other: {"type": "null"} for other in others}}
    return {"anyOf": [_given(name), without]}


def not_both(one: str, other: str) -> dict[str, Any]:
    """Return a schema for objects in which one of two fields is null."""
    return {"anyOf": [{"properties": {name: {"type": "null"}}} for name in (one, other)]}


def _given(name: str) -> dict[str, Any]:
    # In words of JSON Schema that describe values: tools make requests of them.
    something = [{"type": ["string", "number"]}, {"type": "array", "minItems": 1}]
    return {"required": [name], "properties": {name: {"anyOf": something}}}
