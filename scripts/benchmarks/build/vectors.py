"""Vectors of the automatic choice against float32, and of reduced JPEGs against full ones."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from embeddings import PixelArray, Preprocess, ResizeMode
from embeddings.images import open_image, open_reduced
from scripts.benchmarks.build.encoding import AUTO, encode_worker
from scripts.benchmarks.build.pictures import labelled, photos
from scripts.benchmarks.build.setup import Setup
from scripts.support.measuring import Measure

__all__ = [
    "compare_vectors",
    "neighbours",
    "overlap",
    "precision_at_10",
    "reduced_jpegs",
    "vectors",
]

_EXACT = "auto_fp32"
_NEAREST = 10
_COMPARED = 1000
# JPEGs of enlarged photos; the sides are halved in some and quartered in others.
_JPEG_QUALITY = 92
_SCALES = (2, 4)
_LEAST_COSINE = 0.999

Vectors = NDArray[np.float32]


def vectors(setup: Setup) -> Iterator[Measure]:
    """Encode labelled product pictures with `compact`, in float32 and by the automatic choice."""
    images, kinds = labelled(setup.data, setup.effort.vectors)
    pictures = setup.folder / "pictures.npy"
    found: dict[str, Vectors] = {}
    chosen = ""
    for choice in (_EXACT, AUTO):
        with encode_worker(setup, "compact", choice) as worker:
            if not pictures.exists():
                np.save(pictures, _pixels(images, worker.ready["preprocess"]))
            out = setup.folder / f"{choice}.npy"
            worker.ask(pictures=str(pictures), vectors=str(out))
            found[choice] = np.load(out)
            chosen = f"{worker.ready['runtime']} {worker.ready['precision']}"
    yield from compare_vectors(found[_EXACT], found[AUTO], kinds, chosen)


def reduced_jpegs(setup: Setup) -> Iterator[Measure]:
    """Encode photos with `compact` in float32, as JPEGs decoded in full and reduced.

    The shared photos are smaller than those that a build reduces. So they are enlarged, to sizes
    that leave just what the model needs, and mostly not divisible, where a reduced image differs
    most.
    """
    out = setup.folder / "vectors.npy"
    found = []
    with encode_worker(setup, "compact", "auto_fp32") as worker:
        preprocess = _preprocess_of(worker.ready["preprocess"])
        for number, pixels in enumerate(
            _both(photos(setup.data, min(_COMPARED, setup.effort.vectors)), preprocess)
        ):
            file = setup.folder / f"pixels-{number}.npy"
            np.save(file, pixels)
            worker.ask(pictures=str(file), vectors=str(out))
            found.append(np.load(out))
            file.unlink()
    full, reduced = found
    cosines = np.sum(full * reduced, axis=1)
    yield Measure("reduced_median_cosine", float(np.median(cosines)), _LEAST_COSINE)
    yield Measure("reduced_share_of_0.999", float(np.mean(cosines >= _LEAST_COSINE)))
    yield Measure("reduced_least_cosine", float(cosines.min()), None, note=f"{len(full)} photos")


def compare_vectors(
    exact: Vectors, chosen: Vectors, kinds: Sequence[str], note: str
) -> Iterator[Measure]:
    """Compare vectors `[n, dim]` of length 1 with those of float32.

    Args:
        exact: In float32.
        chosen: Of the precision to judge.
        kinds: A label for each row.
        note: What was chosen.
    """
    cosines = np.sum(exact[:_COMPARED] * chosen[:_COMPARED], axis=1)
    yield Measure("vectors_median_cosine", float(np.median(cosines)), 0.999, note=note)
    yield Measure("vectors_least_cosine", float(cosines.min()), 0.99)
    near = [neighbours(each[:_COMPARED]) for each in (exact, chosen)]
    yield Measure("vectors_top_10_overlap", overlap(*near), 0.95)
    before, after = (precision_at_10(each, kinds) for each in (exact, chosen))
    yield Measure("vectors_precision_lost", 1 - after / before, 0.005, "lower")
    yield Measure("vectors_precision_at_10_fp32", before)


def neighbours(rows: Vectors) -> NDArray[np.int64]:
    """Return the ten nearest other rows of each row, `[n, 10]`."""
    scores = rows @ rows.T
    np.fill_diagonal(scores, -np.inf)
    return np.argsort(-scores, axis=1, kind="stable")[:, :_NEAREST]


def overlap(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """Return the mean share of neighbours that are the same, in any order."""
    same = [len(np.intersect1d(a, b)) for a, b in zip(one, other, strict=True)]
    return float(np.mean(same) / one.shape[1])


def precision_at_10(rows: Vectors, kinds: Sequence[str]) -> float:
    """Return the mean share of the ten nearest others that have the row's label."""
    labels = np.asarray(kinds)
    same = labels[neighbours(rows)] == labels[:, None]
    return int(np.count_nonzero(same)) / (_NEAREST * len(rows))


def _preprocess_of(fields: dict[str, Any]) -> Preprocess:
    """Return the preprocessing that an encoder's process told."""
    size = tuple(fields["size"])
    return Preprocess(**{**fields, "size": size, "mode": ResizeMode(fields["mode"])})


def _pixels(images: Sequence[bytes], fields: dict[str, Any]) -> NDArray[np.uint8]:
    preprocess = _preprocess_of(fields)
    return np.stack([preprocess(Image.open(io.BytesIO(image))) for image in images])


def _both(images: Sequence[bytes], preprocess: Preprocess) -> tuple[PixelArray, PixelArray]:
    """Return the pixels `[n, height, width, 3]` of full and of reduced images."""
    full, reduced = [], []
    for number, image in enumerate(images):
        large = _enlarged(image, preprocess.least_side, number)
        opened = open_reduced(large, target=preprocess.least_side)
        assert opened.reduction is not None
        full.append(preprocess(open_image(large)))
        reduced.append(preprocess(opened.image, opened.reduction))
    return np.stack(full), np.stack(reduced)


def _enlarged(image: bytes, least: int, number: int) -> bytes:
    """Return a photo with a shortest side that can be halved, or quartered, and a rest."""
    scale = _SCALES[number % len(_SCALES)]
    opened = open_image(image)
    times = (least * scale + number % scale) / min(opened.size)
    size = round(opened.width * times), round(opened.height * times)
    out = io.BytesIO()
    opened.resize(size, Image.Resampling.LANCZOS).save(out, "JPEG", quality=_JPEG_QUALITY)
    return out.getvalue()
