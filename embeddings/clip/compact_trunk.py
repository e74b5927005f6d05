"""The image tower of `compact`, as a timm model: a retail branch beside ImageNet's own.

open_clip builds it by its name, `lookalike_compact`, once this module is imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from functools import partial
from typing import Any

from timm.layers.activations import GELU
from timm.layers.create_norm import get_norm_layer
from timm.layers.linear import Linear
from timm.models import register_model
from timm.models._efficientnet_builder import (
    BN_EPS_TF_DEFAULT,
    decode_arch_def,
    resolve_act_layer,
    round_channels,
)
from timm.models.efficientnet import EfficientNet
from torch import Tensor, cat, nn

__all__ = ["CLASSES", "DIM", "FORK", "LOW_STAGES", "CompactTrunk", "lookalike_compact", "pools"]

DIM = 256
CLASSES = 1000  # ImageNet's
# The branches part in the first block of this stage, after its depthwise convolution; the stages
# before it are ImageNet's and serve both.
FORK = 5
# Stages whose maps still tell colours and textures apart; the retail branch sees their means.
LOW_STAGES = 4
_HIDDEN = 512
# Divides the ImageNet classifier's logits. On stand-ins for ImageNet's images 1.0 and 1.5 named
# them as well, 2.5 worse.
_TEMPERATURE = 1.2

# EfficientNet-Lite0 (Tan and Le 2019, and TensorFlow's efficientnet/lite), in timm's notation.
_STAGES = [
    ["ds_r1_k3_s1_e1_c16"],
    ["ir_r2_k3_s2_e6_c24"],
    ["ir_r2_k5_s2_e6_c40"],
    ["ir_r3_k3_s2_e6_c80"],
    ["ir_r3_k5_s1_e6_c112"],
    ["ir_r4_k5_s2_e6_c192"],
    ["ir_r1_k3_s1_e6_c320"],
]
_LOW_WIDTHS = (16, 24, 40, 80)
_FEATURES = 1280
# Of the four blocks of the stage at the fork; a fourth would cost too much time per image.
_RETAIL_BLOCKS = 3
# Keeps the division by a vector's length defined where the vector is zero.
_LEAST_LENGTH = 1e-6


def pools(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Return means `[n, channels]` over whole maps and over their middle, where products are.

    The middle is half as wide and half as high as the maps.
    """
    height, width = maps.shape[2] // 4, maps.shape[3] // 4
    middle = maps[:, :, height:-height, width:-width]
    return maps.mean((2, 3)), middle.mean((2, 3))


class CompactTrunk(EfficientNet):
    """EfficientNet-Lite0 with a second branch, and vectors instead of classes.

    The *general* branch is ImageNet's own, unchanged: its probabilities over 1,000 classes, times
    the embeddings of the classes' names by the text tower (ConSE, Norouzi et al. 2014). The
    *retail* branch has copies of some of the last blocks, trained on products. Its weight depends
    on the probabilities: training raises `trust` for the classes that products resemble, and leaves
    it low for all others.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(
            block_args=decode_arch_def(_STAGES, fix_first_last=True),
            num_features=_FEATURES,
            stem_size=32,
            fix_stem=True,
            pad_type="same",
            round_chs_fn=partial(round_channels, multiplier=1.0),
            act_layer=resolve_act_layer({}, "relu6"),
            norm_layer=partial(get_norm_layer("batchnorm2d"), eps=BN_EPS_TF_DEFAULT),
            **options,
        )
        self.classes = Linear(_FEATURES, CLASSES)
        self.names = Linear(CLASSES, DIM, bias=False)
        self.trust = Linear(CLASSES, 1, bias=False)
        self.start_retail_branch()
        self.from_features = Linear(_FEATURES, _HIDDEN)
        self.from_top = Linear(_FEATURES, _HIDDEN, bias=False)
        self.from_low = nn.Sequential(
            *(Linear(width, _HIDDEN, bias=False) for width in _LOW_WIDTHS for _ in range(2))
        )
        self.activation = GELU()
        self.to_vector = Linear(_HIDDEN, DIM, bias=False)
        self.num_features = DIM

    def start_retail_branch(self) -> None:
        """Copy the general branch's present weights into the retail branch."""
        self.retail = nn.Sequential(*deepcopy(self.general_branch(_RETAIL_BLOCKS)))

    def forward(self, x: Tensor) -> Tensor:
        """Embed images `[n, 3, height, width]`; `[n, 256]` vectors, not of length 1."""
        return self.vectors_and_features(x)[0]

    def vectors_and_features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Embed images, and return what the general branch and the first stages see in them.

        Returns:
            As `forward`; and `[n, 1600]`: the general branch's 1,280 pooled features, then `pools`
            of the first stages, in order. No training on products has changed these.
        """
        maps = self.bn1(self.conv_stem(x))
        low: list[Tensor] = []
        for number, stage in enumerate(self.blocks[:FORK]):
            maps = stage(maps)
            if number < LOW_STAGES:
                low += pools(maps)
        forked = self.forked(maps)
        features = self.features(forked).mean((2, 3))
        vectors = self.vectors(features, self.retail(forked).mean((2, 3)), low)
        return vectors, cat([features, *low], dim=1)

    def forked(self, maps: Tensor) -> Tensor:
        """Return the maps that both branches start from.

        Returns:
            `[n, 672, height / 32, width / 32]`, values 0 to 6.
        """
        stage: Any = self.blocks[FORK]
        first = stage[0]
        forked: Tensor = first.bn2(first.conv_dw(first.bn1(first.conv_pw(maps))))
        return forked

    def features(self, forked: Tensor) -> Tensor:
        """Return ImageNet's own last maps, `[n, 1280, height / 32, width / 32]`."""
        maps = forked
        for module in self.general_branch():
            maps = module(maps)
        return maps

    def general_branch(self, blocks: int | None = None) -> list[nn.Module]:
        """Return the modules after the fork, with all or the first `blocks` of the fork's stage."""
        stage: Any = self.blocks[FORK]
        first, *others = stage[:blocks]
        last: Any = self.blocks[FORK + 1 :]
        return [first.conv_pwl, first.bn3, *others, *last, self.conv_head, self.bn2]

    def vectors(self, features: Tensor, top: Tensor, low: Sequence[Tensor]) -> Tensor:
        """Combine both branches into vectors `[n, 256]`, not of length 1.

        Args:
            features: `[n, 1280]`, ImageNet's pooled features.
            top: `[n, 1280]`, the retail branch's pooled features.
            low: `pools` of the first stages, in order.
        """
        probabilities = (self.classes(features) / _TEMPERATURE).softmax(-1)
        hidden = self.from_features(features) + self.from_top(top)
        for linear, pooled in zip(self.from_low, low, strict=True):
            hidden = hidden + linear(pooled)
        retail = self.to_vector(self.activation(hidden))
        retail = retail / retail.norm(dim=-1, keepdim=True).clamp(min=_LEAST_LENGTH)
        vectors: Tensor = self.names(probabilities) + self.trust(probabilities) * retail
        return vectors


@register_model
def lookalike_compact(*, pretrained: bool = False, **options: Any) -> CompactTrunk:
    """Build the trunk for timm's registry; its weights come from the model folder, not a hub."""
    if pretrained:
        raise ValueError("lookalike_compact has no weights on a hub; use --model compact")
    known = {name: options[name] for name in ("num_classes", "global_pool") if name in options}
    return CompactTrunk(**known)
