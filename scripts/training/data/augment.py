"""Changes to training images that leave their captions true: geometry, light, background."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from scripts.training.data.pixels import PixelRows

__all__ = ["PACKSHOT", "PHOTO", "Augment", "augmented"]


@dataclass(frozen=True)
class Augment:
    """How far images are changed.

    Attributes:
        zoom: Least and greatest magnification; below 1 the image shrinks on its white ground.
        shift: Greatest move, as a share of the side.
        turn: Greatest rotation in degrees.
        stretch: Greatest change of the proportions, as a logarithm.
        light: Greatest change of brightness and of contrast, as a share.
        ground: Share of images whose white ground becomes another light colour.
    """

    zoom: tuple[float, float]
    shift: float
    turn: float
    stretch: float
    light: float
    ground: float


# The least value of all channels of a white pixel.
_WHITE = 0.96
# The share of white pixels in the middle from which on the product counts as white.
_WHITE_PRODUCT = 0.6
# Packshots fill their frame: with greater changes, what the title names would be cut off.
PACKSHOT = Augment((0.75, 1.15), 0.05, 8, 0.1, 0.1, 0.1)
PHOTO = Augment((0.9, 1.8), 0.12, 12, 0.15, 0.25, 0.0)


def augmented(pixels: PixelRows, plan: Augment, size: int, rng: np.random.Generator) -> Tensor:
    """Change images `[n, side, side, 3]` uint8; return `[n, 3, size, size]` from -1 to 1."""
    count = len(pixels)
    # White is 0 here, so that everything outside the image becomes white.
    batch = torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float() / 255 - 1
    grid = functional.affine_grid(
        _motions(count, plan, rng), [count, 3, size, size], align_corners=False
    )
    moved = functional.grid_sample(batch, grid, "bilinear", "zeros", align_corners=False)
    moved = _lit(_grounded(moved + 1, plan, rng), plan, rng)
    return (2 * moved.clamp(0, 1) - 1).contiguous(memory_format=torch.channels_last)


def _motions(count: int, plan: Augment, rng: np.random.Generator) -> Tensor:
    low, high = (math.log(edge) for edge in plan.zoom)
    scale = np.exp(-rng.uniform(low, high, count))
    stretch = np.exp(rng.uniform(-plan.stretch, plan.stretch, count))
    turn = np.radians(rng.uniform(-plan.turn, plan.turn, count))
    mirror = rng.choice((-1.0, 1.0), count)
    motions = np.zeros((count, 2, 3), dtype=np.float32)
    motions[:, 0, 0] = mirror * scale * stretch * np.cos(turn)
    motions[:, 0, 1] = -scale * np.sin(turn)
    motions[:, 1, 0] = mirror * scale * np.sin(turn)
    motions[:, 1, 1] = scale / stretch * np.cos(turn)
    # An enlarged image may be shown off its centre.
    reach = plan.shift + np.clip(1 - scale, 0, 1)
    motions[:, :, 2] = rng.uniform(-1, 1, (count, 2)) * reach[:, None]
    return torch.from_numpy(motions)


def _grounded(batch: Tensor, plan: Augment, rng: np.random.Generator) -> Tensor:
    """Tint the white ground of some images, but not where the product is white itself."""
    chosen = torch.from_numpy(rng.random(len(batch)) < plan.ground)
    if not chosen.any():
        return batch
    white = batch.amin(1, keepdim=True) > _WHITE
    middle = white[:, :, white.shape[2] // 4 : -white.shape[2] // 4].float().mean((1, 2, 3))
    chosen &= middle < _WHITE_PRODUCT
    tint = torch.from_numpy(rng.uniform(0.7, 1, (len(batch), 3, 1, 1)).astype(np.float32))
    return torch.where(white & chosen[:, None, None, None], tint.expand_as(batch), batch)


def _lit(batch: Tensor, plan: Augment, rng: np.random.Generator) -> Tensor:
    shape = (len(batch), 1, 1, 1)
    bright = torch.from_numpy(rng.uniform(1 - plan.light, 1 + plan.light, shape).astype(np.float32))
    strong = torch.from_numpy(rng.uniform(1 - plan.light, 1 + plan.light, shape).astype(np.float32))
    mean = batch.mean((1, 2, 3), keepdim=True)
    return ((batch - mean) * strong + mean) * bright
