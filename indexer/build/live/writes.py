"""Writes: one change of one product, and what became of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from indexer.catalog import FieldValue
from indexer.index import NewImage

__all__ = ["Action", "LoggedWrite", "Receipt", "Result", "Write"]

_DIGEST_BYTES = 16


class Action(StrEnum):
    """What a write does."""

    PUT = "put"
    """Adds a product, or takes the place of the one with its id."""
    PATCH = "patch"
    """Changes some fields of a product."""
    DELETE = "delete"
    """Takes a product out."""


class Result(StrEnum):
    """What a write did."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    UNCHANGED = "unchanged"
    """Nothing: the same write with the same version came before."""


@dataclass(frozen=True)
class Write:
    """One change of one product, as a caller asks for it.

    Attributes:
        action: What to do.
        id: A valid product id.
        fields: The fields of the product, or for a patch those that change; None removes one.
        images: The images of a product that is put, at least one, embedded by the encoder of the
            index.
        version: The product's version after it; None for the next one.
        key: The caller's Idempotency-Key with what tells callers apart; empty for none.
    """

    action: Action
    id: str
    fields: Mapping[str, object] = field(default_factory=dict)
    images: tuple[NewImage, ...] = ()
    version: int | None = None
    key: str = ""

    def digest(self) -> bytes:
        """Return 16 bytes that differ for writes that do not do the same."""
        hashed = hashlib.blake2b(digest_size=_DIGEST_BYTES)
        hashed.update(json.dumps([self.action, self.id, self.fields], sort_keys=True).encode())
        for image in self.images:
            hashed.update(image.sha256)
        return hashed.digest()


@dataclass(frozen=True)
class Receipt:
    """A write that is durable.

    Attributes:
        id: The product.
        version: Its version after the write.
        result: What the write did.
        number: Of the write in the log; a later one has a higher number.
    """

    id: str
    version: int
    result: Result
    number: int


@dataclass(frozen=True)
class LoggedWrite:
    """A write that no generation has yet.

    Attributes:
        number: Its number in the log.
        action: What it does.
        id: The product.
        fields: As they are stored; None removes a field.
        images: Of a product that is put.
        encoder: Fingerprint of the encoder of the images; empty without images.
    """

    number: int
    action: Action
    id: str
    fields: Mapping[str, FieldValue]
    images: tuple[NewImage, ...] = ()
    encoder: str = ""
