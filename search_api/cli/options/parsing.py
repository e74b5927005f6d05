"""Option values as the types that they stand for; a wrong value ends the command."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, TypeVar

from search_api import console

__all__ = ["choice", "json_object", "name_value_pairs", "size_in_bytes"]

E = TypeVar("E", bound=StrEnum)

# A number of at most 9 digits and 3 decimals, and a unit: powers of 1024.
_SIZE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?) ?([kmgt]?)i?b?")
_UNITS = " kmgt"
# Quoted for a shell.
_EXAMPLE = """'{"colour": "red", "price": {"lt": 50}}'"""


def choice(option: str, kind: type[E], value: str) -> E:
    """Look up the member of an enumeration."""
    try:
        return kind(value)
    except ValueError:
        console.fail(f"{option} is one of {', '.join(kind)}, not {value!r}.")


def json_object(option: str, text: str) -> dict[str, Any]:
    """Parse a JSON object."""
    try:
        value = json.loads(text)
    except ValueError as error:
        console.fail(f"{option} is not valid JSON: {error}. Write it as {_EXAMPLE}.")
    if not isinstance(value, dict):
        console.fail(f"{option} must be a JSON object, such as {_EXAMPLE}.")
    return value


def size_in_bytes(option: str, text: str) -> int:
    """Parse a size of memory, such as `4GB`."""
    found = _SIZE.fullmatch(text.strip().lower())
    if found is None:
        console.fail(f"{option} is a size such as 4GB or 500MB, not {text!r}.")
    return int(float(found[1]) * 1024 ** _UNITS.index(found[2] or " "))


def name_value_pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    """Parse the values of an option that takes NAME=VALUE."""
    split = [
        (name.strip(), value.strip()) for name, _, value in (one.partition("=") for one in given)
    ]
    if not all(name and value for name, value in split):
        console.fail(f"{option} must be NAME=VALUE, such as type=article_type.")
    return dict(split)
