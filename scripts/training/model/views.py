"""Views: every training image, changed in some way, after the frozen stages of the trunk.

Frozen stages give the same maps in every epoch, so the maps of a view are computed once and kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from embeddings.clip import FORK, LOW_STAGES, CompactTrunk, pools
from scripts.training.data.augment import PACKSHOT, PHOTO, augmented
from scripts.training.data.catalogs import CLOTHING, GROCERY_PHOTOS
from scripts.training.data.pixels import PixelRows
from scripts.training.model.vision import FEATURES, pixel_tensor

__all__ = ["LOW", "LOW_WIDTHS", "MAPS", "MAP_STEP", "View", "cached_view", "frozen_forward"]

Halves = NDArray[np.float16]

MAPS = (5, 5, 672)
# Maps lie between 0 and 6; kept in bytes.
MAP_STEP = 6 / 255
# Means of the first four stages over the whole image and over its middle.
LOW_WIDTHS = [width for width in (16, 24, 40, 80) for _ in range(2)]
LOW = sum(LOW_WIDTHS)
_BATCH = 16


@dataclass(frozen=True)
class View:
    """One view of a whole set.

    Attributes:
        maps: `[n, 5, 5, 672]`, the input of the retail branch, in steps of `MAP_STEP`.
        low: `[n, LOW]` pooled maps of the first stages.
        features: `[n, 1280]` pooled features of the ImageNet tower.
    """

    maps: PixelRows
    low: Halves
    features: Halves


def frozen_forward(trunk: CompactTrunk, batch: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return maps at the fork `[n, 672, 5, 5]`, low features and pooled features of images."""
    with torch.autocast("cpu", torch.bfloat16):
        maps = trunk.bn1(trunk.conv_stem(batch))
        low: list[Tensor] = []
        for place, stage in enumerate(trunk.blocks[:FORK]):
            maps = stage(maps)
            if place < LOW_STAGES:
                low += pools(maps.float())
        forked = trunk.forked(maps)
        features = trunk.features(forked).float().mean((2, 3))
    return forked.float(), torch.cat(low, 1), features


def _changed(name: str, block: PixelRows, view: int, rng: np.random.Generator) -> Tensor:
    if view < 2:
        return pixel_tensor(block[:, :, ::-1] if view else block)
    plan = PHOTO if name in (GROCERY_PHOTOS, CLOTHING) else PACKSHOT
    return augmented(block, plan, block.shape[1], rng)


def cached_view(cache: Path, trunk: CompactTrunk, name: str, pixels: PixelRows, view: int) -> View:
    """Return a view of a set, memory-mapped; it is computed on the first call.

    Args:
        cache: The folder of what is kept between runs.
        trunk: The trunk with folded batch norms.
        name: The set.
        pixels: The set's pixels.
        view: 0 for unchanged, 1 for mirrored, from 2 on changed at random by this number.
    """
    shapes = {"maps": MAPS, "low": (LOW,), "features": (FEATURES,)}
    paths = {part: cache / "forked" / f"{name}-{view}-{part}.npy" for part in shapes}
    if not all(path.exists() for path in paths.values()):
        paths["maps"].parent.mkdir(parents=True, exist_ok=True)
        rows = {
            part: np.lib.format.open_memmap(
                paths[part].with_suffix(".partial"),
                "w+",
                np.uint8 if part == "maps" else np.float16,
                (len(pixels), *shape),
            )
            for part, shape in shapes.items()
        }
        rng = np.random.default_rng([len(pixels), view])
        with torch.inference_mode():
            for start in range(0, len(pixels), _BATCH):
                block = pixels[start : start + _BATCH]
                maps, low, features = frozen_forward(trunk, _changed(name, block, view, rng))
                end = start + len(block)
                steps = (maps.permute(0, 2, 3, 1) / MAP_STEP).round()
                rows["maps"][start:end] = steps.to(torch.uint8).numpy()
                rows["low"][start:end] = low.numpy()
                rows["features"][start:end] = features.numpy()
        for part, written in rows.items():
            written.flush()
            paths[part].with_suffix(".partial").rename(paths[part])
    return View(**{part: np.load(path, mmap_mode="r") for part, path in paths.items()})
