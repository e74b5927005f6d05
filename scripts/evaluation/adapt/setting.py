"""Vectors and features of the shared sets, and the lessons that their rows teach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from embeddings import COMPACT_FOLDER, Encoder, FloatArray, encode_image_rows
from embeddings.images import open_image
from indexer.adaptation import Lessons, group_products, kind_fields, plain
from scripts.support.encoding import BATCH
from scripts.training.data.catalogs import SetRows, read_images, read_rows

__all__ = ["Pictures", "general_vectors", "lessons_of", "pictures_of"]

# Of the trunk of `compact`: embeddings/clip/compact_trunk.py.
_GENERAL, _TEMPERATURE = 1280, 1.2
_FIELDS_LEFT_OUT = frozenset({"id", "title", "year"})


@dataclass(frozen=True)
class Pictures:
    """Some rows of a set.

    Attributes:
        rows: Their numbers in the set.
        vectors: `[n, dim]` unit vectors by `compact`.
        features: `[n, 1600]` float16.
    """

    rows: NDArray[np.int64]
    vectors: FloatArray
    features: NDArray[np.float16]

    def some(self, count: int) -> Pictures:
        """Return the first `count`."""
        return Pictures(self.rows[:count], self.vectors[:count], self.features[:count])


def pictures_of(
    encoder: Encoder, data: Path, cache: Path, name: str, rows: NDArray[np.int64]
) -> Pictures:
    """Embed rows of a set in the order given, or read them from the cache."""
    key = f"{name}-{len(rows)}-{int(rows.sum())}-{encoder.spec.fingerprint[:16]}"
    path = cache / "features" / f"{key}.npy"
    if path.exists():
        found: NDArray[np.float16] = np.load(path)
    else:
        order = np.argsort(rows)
        wanted = set(rows.tolist())
        pixels = (
            encoder.preprocess(open_image(content))
            for row, content in enumerate(read_images(data, name))
            if row in wanted
        )
        found = np.empty((len(rows), encoder.spec.dim + encoder.spec.features), np.float16)
        for start in range(0, len(rows), BATCH):
            part = order[start : start + BATCH]
            found[part] = encode_image_rows(encoder, np.stack([*islice(pixels, len(part))]))
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, found)
    dim = encoder.spec.dim
    vectors = found[:, :dim].astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return Pictures(rows, vectors / lengths, found[:, dim:])


def general_vectors(features: NDArray[np.float16]) -> FloatArray:
    """Return what the general branch of `compact` alone says: it has never seen a shop."""
    with safe_open(COMPACT_FOLDER / "open_clip_model.safetensors", framework="numpy") as file:
        names, weight, bias = (
            file.get_tensor(f"visual.trunk.{name}").astype(np.float32)
            for name in ("names.weight", "classes.weight", "classes.bias")
        )
    logits = (features[:, :_GENERAL].astype(np.float32) @ weight.T + bias) / _TEMPERATURE
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    vectors = (shares / shares.sum(axis=1, keepdims=True)) @ names.T
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def lessons_of(
    data: Path, name: str, pictures: Pictures, vectors: FloatArray, dealt: int | None = None
) -> Lessons:
    """Return what rows of a set teach, by their titles and the fields that name kinds.

    Args:
        data: The folder of the shared catalogs.
        name: The set.
        pictures: The rows.
        vectors: `[n, dim]` what stands for the model.
        dealt: A seed by which the words are dealt to wrong pictures; None for right ones.
    """
    of: SetRows = read_rows(data, name)
    order = np.arange(len(pictures.rows))
    if dealt is not None:
        order = np.random.default_rng(dealt).permutation(order)
    rows = pictures.rows[order]
    texts: dict[str, Sequence[str]] = {
        column: [plain(values[row]) for row in rows]
        for column, values in of.columns.items()
        if column not in _FIELDS_LEFT_OUT
    }
    titles = [str(of.columns["title"][row]) for row in rows] if "title" in of.columns else []
    titles = titles or [""] * len(rows)
    kinds = {column: texts[column] for column in kind_fields(texts)}
    groups = group_products([title.casefold() for title in titles])
    return Lessons(vectors.astype(np.float16), pictures.features, titles, kinds, groups)
