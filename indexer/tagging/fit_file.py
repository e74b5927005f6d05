"""Fit files: a taxonomy's prototypes, scales and thresholds for one model.

Files are safetensors: arrays, and a header of plain text. They contain no code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from embeddings import EncoderSpec, FloatArray
from indexer.errors import TaxonomyError
from indexer.storage import replace_file
from indexer.tagging.taxonomy import BUILT_IN, Group, Taxonomy

__all__ = ["Fitted", "GroupFit", "read_fitted", "shipped_fit", "write_fitted"]

_FORMAT = "lookalike-tags-1"
# Prototypes of 5,000 labels of 1,024 dimensions take 20 MB.
_MAX_BYTES = 2**26
# Dimensions of an array with rows and columns.
_MATRIX = 2


@dataclass(frozen=True)
class GroupFit:
    """How a group's labels are scored: log-odds are `gain * cosine + bias`.

    Attributes:
        prototypes: `[labels, dim]` unit vectors.
        gain: `[labels]`, what a cosine is multiplied by.
        bias: `[labels]`, what is added.
        threshold: `[labels]`, the least probability at which a label is given.
        others: `[m, dim]` unit vectors of competitors, which stand for images with none of the
            labels of an exclusive group; m may be 0.
        other_gain: `[m]`, as `gain`.
        other_bias: `[m]`, as `bias`.
    """

    prototypes: FloatArray
    gain: FloatArray
    bias: FloatArray
    threshold: FloatArray
    others: FloatArray
    other_gain: FloatArray
    other_bias: FloatArray


@dataclass(frozen=True)
class Fitted:
    """Fits of the groups of a taxonomy for one model.

    Attributes:
        fingerprint: The fingerprint of the encoder whose vectors it was fitted to.
        groups: By `Group.digest`.
        gate: `[dim + 1]` weights and offset of the log-odds that an image shows a product at all.
            None where it was not fitted.
        about: What it was fitted to, for people and for scripts that measure.
    """

    fingerprint: str
    groups: Mapping[str, GroupFit]
    gate: FloatArray | None = None
    about: Mapping[str, str] = field(default_factory=dict)

    def of(self, group: Group) -> GroupFit | None:
        """Return the fit of a group; None if the group has changed since, or has no fit."""
        return self.groups.get(group.digest)


def write_fitted(path: Path, fitted: Fitted) -> None:
    """Write a fit.

    Raises:
        OSError: The file cannot be written; an earlier one is left as it was.
    """
    tensors: dict[str, NDArray[Any]] = {}
    for digest, fit in fitted.groups.items():
        for part in fields(GroupFit):
            values = getattr(fit, part.name)
            kind = np.float16 if part.name in ("prototypes", "others") else np.float32
            tensors[f"{digest}/{part.name}"] = np.ascontiguousarray(values, kind)
    if fitted.gate is not None:
        tensors["gate"] = np.ascontiguousarray(fitted.gate, np.float32)
    header = {
        "format": _FORMAT,
        "encoder": fitted.fingerprint,
        "about": json.dumps(dict(fitted.about)),
    }
    replace_file(path, save(tensors, header))


def read_fitted(path: Path) -> Fitted:
    """Read a fit.

    Raises:
        TaxonomyError: The file is missing or damaged, or another version wrote it.
    """
    return _read(path, str(path))


def shipped_fit(taxonomy: Taxonomy, spec: EncoderSpec) -> Fitted | None:
    """Return the fit that ships for any group of a taxonomy and an encoder, or None."""
    for fitted in _shipped():
        if fitted.fingerprint == spec.fingerprint and any(map(fitted.of, taxonomy.groups)):
            return fitted
    return None


@cache
def _shipped() -> tuple[Fitted, ...]:
    return tuple(_read(path, path.name) for path in sorted(BUILT_IN.glob("*.safetensors")))


def _read(path: Path, name: str) -> Fitted:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise TaxonomyError(f"{name}: a fit of tags has at most {_MAX_BYTES >> 20} MB.")
        with safe_open(path, "np") as file:
            header = file.metadata() or {}
            arrays = {name: np.asarray(file.get_tensor(name), np.float32) for name in file.keys()}  # noqa: SIM118 (it is not a mapping)
    except OSError as error:
        raise TaxonomyError(
            f"{name}: could not read this fit of tags: {error.strerror}."
        ) from error
    except (SafetensorError, TypeError, ValueError) as error:
        raise TaxonomyError(f"{name}: this is not a fit of tags, or it is damaged.") from error
    if header.get("format") != _FORMAT:
        raise TaxonomyError(
            f"{name}: this is not a fit of tags of this version; make one with `lookalike tag fit`."
        )
    return _Assembled(name, arrays).fitted(header.get("encoder", ""), _about(header))


def _about(header: Mapping[str, str]) -> dict[str, str]:
    try:
        about = json.loads(header.get("about", "{}"))
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in about.items()} if isinstance(about, dict) else {}


@dataclass(frozen=True)
class _Assembled:
    """Puts a file's arrays together, and checks them."""

    name: str
    arrays: Mapping[str, FloatArray]

    def fitted(self, fingerprint: str, about: Mapping[str, str]) -> Fitted:
        digests = dict.fromkeys(name.partition("/")[0] for name in self.arrays if "/" in name)
        gate = self.arrays.get("gate")
        if not all(np.isfinite(array).all() for array in self.arrays.values()):
            raise self._broken()
        groups = {digest: self._group(digest) for digest in digests}
        return Fitted(fingerprint, groups, gate, about)

    def _group(self, digest: str) -> GroupFit:
        try:
            fit = GroupFit(**{f.name: self.arrays[f"{digest}/{f.name}"] for f in fields(GroupFit)})
        except KeyError:
            raise self._broken() from None
        labels, others = fit.prototypes.shape[:1], fit.others.shape[:1]
        sound = (
            fit.prototypes.ndim == fit.others.ndim == _MATRIX
            and fit.gain.shape == fit.bias.shape == fit.threshold.shape == labels
            and fit.other_gain.shape == fit.other_bias.shape == others
        )
        if not sound:
            raise self._broken()
        return fit

    def _broken(self) -> TaxonomyError:
        return TaxonomyError(f"{self.name}: this fit of tags is damaged; make it again.")
