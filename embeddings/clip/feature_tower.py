"""Feature towers: an open_clip image tower that also gives what its vectors are projected from."""

from __future__ import annotations

import copy
from typing import Any

import torch
from open_clip.model import CLIP, CustomTextCLIP
from open_clip.modified_resnet import ModifiedResNet
from open_clip.timm_model import TimmModel
from open_clip.transformer import VisionTransformer
from torch import Tensor, nn

from embeddings.clip.compact_trunk import CompactTrunk

__all__ = ["FeatureTower"]

_POOLED_DIMENSIONS = 2


class FeatureTower(nn.Module):
    """The image tower of a network, and the features before its last projection.

    | image tower | features |
    |---|---|
    | `compact` | the general branch's pooled maps, and the means of the first stages |
    | a transformer of open_clip | its pooled tokens |
    | a ResNet of open_clip | the mean of its last maps |
    | a model of timm | what its head or classifier takes, pooled |
    | any other | none |

    Args:
        network: The open_clip model. Its parts are shared, not copied.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network
        # open_clip does not declare the parts of its towers.
        visual: Any = network.visual
        self.kind = _kind(network)
        self.bare = _without_projection(visual) if self.kind == "transformer" else None

    @torch.no_grad()
    def width(self, size: tuple[int, int]) -> int:
        """Return the number of features, 0 for none, by a run on one black image.

        Args:
            size: (height, width) of the images.
        """
        weight = next(self.network.visual.parameters())
        image = torch.zeros((1, 3, *size), device=weight.device, dtype=torch.float32)
        return int(self(image)[1].shape[1])

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Embed normalised images `[n, 3, height, width]`.

        Returns:
            `[n, dim]` vectors, not of length 1, and `[n, width]` features of the same pass.
        """
        visual: Any = self.network.visual
        if self.kind == "compact":
            trunk: CompactTrunk = visual.trunk
            return trunk.vectors_and_features(images)
        if self.kind == "transformer":
            features: Tensor = self.bare(images)  # type: ignore[misc]  # it is there for this kind
            return features @ visual.proj, features
        if self.kind == "resnet":
            maps = visual.stem(images)
            for layer in (visual.layer1, visual.layer2, visual.layer3, visual.layer4):
                maps = layer(maps)
            return visual.attnpool(maps), _pooled(maps)
        if self.kind == "timm":
            return _of_timm(visual, images)
        vectors: Tensor = self.network.encode_image(images)
        return vectors, vectors[:, :0]


def _kind(network: Any) -> str:
    """Return which way of taking features a network's image tower allows; empty for none."""
    visual: Any = network.visual
    if not isinstance(network, CLIP | CustomTextCLIP):  # others may do more than run their tower
        return ""
    if isinstance(visual, TimmModel):
        return "compact" if isinstance(visual.trunk, CompactTrunk) else "timm"
    if isinstance(visual, ModifiedResNet):
        return "resnet"
    projected = isinstance(visual, VisionTransformer) and visual.proj is not None
    return "transformer" if projected and not visual.output_tokens else ""


def _without_projection(visual: nn.Module) -> nn.Module:
    """Return a view of a transformer that shares its parts, and does not project."""
    bare = copy.copy(visual)
    # A shallow copy shares the table of parameters too, in which `proj` is to be missing here only.
    vars(bare)["_parameters"] = {**vars(visual)["_parameters"], "proj": None}
    return bare


def _of_timm(visual: Any, images: Tensor) -> tuple[Tensor, Tensor]:
    trunk = visual.trunk
    if not trunk.num_classes:
        pooled = trunk(images)
        return visual.head(pooled), _pooled(pooled)
    maps = trunk.forward_features(images)  # its classifier is the projection
    features = trunk.forward_head(maps, pre_logits=True)
    return visual.head(trunk.forward_head(maps)), _pooled(features)


def _pooled(features: Tensor) -> Tensor:
    """Return `[n, width]`: the mean over places, where there are places."""
    if features.ndim == _POOLED_DIMENSIONS:
        return features
    is_maps = features.ndim > _POOLED_DIMENSIONS + 1
    return features.mean((2, 3)) if is_maps else features.mean(1)
