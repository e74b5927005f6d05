"""Trained parts: the retail branch of the image tower, the text tower, and the logit scale."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from open_clip.transformer import TextTransformer
from torch import Tensor, nn
from torch.nn import functional

from embeddings.clip import CompactTrunk
from scripts.training.model.views import LOW_WIDTHS, MAP_STEP, View

__all__ = ["Inputs", "Towers"]

# Share of the retail branch's pooled channels that are left out in training.
_DROPPED = 0.1


@dataclass(frozen=True)
class Inputs:
    """Some rows of a view, as tensors.

    Attributes:
        maps: `[n, 672, 5, 5]`, channels last in memory.
        low: `[n, LOW]`.
        features: `[n, 1280]`.
    """

    maps: Tensor
    low: Tensor
    features: Tensor

    @classmethod
    def of(cls, view: View, rows: NDArray[np.int64] | slice) -> Inputs:
        """Take rows of a view."""
        maps = (torch.from_numpy(view.maps[rows]) * MAP_STEP).to(torch.bfloat16).permute(0, 3, 1, 2)
        low = torch.from_numpy(view.low[rows].astype(np.float32))
        return cls(maps, low, torch.from_numpy(view.features[rows].astype(np.float32)))

    @staticmethod
    def concatenated(parts: Sequence[Inputs]) -> Inputs:
        """Concatenate several."""
        return Inputs(
            torch.cat([part.maps for part in parts]).contiguous(memory_format=torch.channels_last),
            torch.cat([part.low for part in parts]),
            torch.cat([part.features for part in parts]),
        )


class Towers(nn.Module):
    """The image trunk with folded batch norms, the text tower and the logit scale."""

    def __init__(self, trunk: CompactTrunk, text: TextTransformer) -> None:
        super().__init__()
        self.trunk = trunk
        self.text = text
        self.logit_scale = nn.Parameter(torch.tensor(25.0).log())

    def scale(self) -> Tensor:
        """Return the multiplier of cosines, at most 100 as in CLIP."""
        return self.logit_scale.exp().clamp(max=100)

    def image_vectors(self, inputs: Inputs) -> Tensor:
        """Return unit vectors `[n, dim]`."""
        with torch.autocast("cpu", torch.bfloat16):
            top = self.trunk.retail(inputs.maps)
        top = functional.dropout(top.float().mean((2, 3)), _DROPPED, self.training)
        features = inputs.features
        low = torch.split(inputs.low, LOW_WIDTHS, dim=1)
        return functional.normalize(self.trunk.vectors(features, top, low), dim=1)

    def branch(self) -> Iterator[nn.Parameter]:
        """Yield the retail branch's convolutions that learn.

        Depthwise filters stay ImageNet's: on a CPU the gradient of a 5 x 5 depthwise filter takes
        60 times as long as its forward pass, and products differ by how channels are mixed.
        """
        for module in self.trunk.retail.modules():
            if isinstance(module, nn.Conv2d) and module.groups == 1:
                yield from module.parameters()

    def head(self) -> Iterator[nn.Parameter]:
        """Yield the layers between the branch's pooled maps and the vector."""
        trunk = self.trunk
        for layer in (trunk.from_features, trunk.from_top, trunk.from_low, trunk.to_vector):
            yield from layer.parameters()
