"""Feature towers: the vectors of open_clip, and what they are projected from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import open_clip
import pytest
import torch
from open_clip.model import CustomTextCLIP

from embeddings.clip import fold_batch_norms
from embeddings.clip.compact_trunk import CompactTrunk
from embeddings.clip.feature_tower import FeatureTower
from tests.embeddings.clip.conftest import TEXT, VISION

TIMM = {"timm_model_name": "test_resnet", "timm_model_pretrained": False, "image_size": 64}
TIMM_VIT = {"timm_model_name": "test_vit", "timm_model_pretrained": False, "image_size": 160}
RESNET = {"layers": [1, 1, 1, 1], "width": 16, "image_size": 64}
COMPACT = {"timm_model_name": "lookalike_compact", "timm_pool": "avg", "timm_proj": "none"}


def network_of(vision: Mapping[str, Any], dim: int = 32) -> Any:
    torch.manual_seed(0)
    return CustomTextCLIP(dim, dict(vision), dict(TEXT)).eval()


def images_of(vision: Mapping[str, Any]) -> torch.Tensor:
    size = vision.get("image_size", 64)
    return torch.rand(3, 3, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize(
    ("vision", "width", "kind"),
    [
        (VISION, 64, "transformer"),
        (RESNET, 512, "resnet"),
        ({**TIMM, "timm_pool": "avg", "timm_proj": "linear"}, 96, "timm"),
        ({**TIMM, "timm_pool": "avg", "timm_proj": ""}, 96, "timm"),
        ({**TIMM_VIT, "timm_pool": "token", "timm_proj": "mlp"}, 64, "timm"),
        ({**TIMM_VIT, "timm_pool": "map", "timm_proj": "none"}, 64, "timm"),
    ],
)
def test_vectors_are_those_of_open_clip(vision: Mapping[str, Any], width: int, kind: str) -> None:
    network, images = network_of(vision), images_of(vision)
    tower = FeatureTower(network)
    assert tower.kind == kind
    size = vision["image_size"]
    assert tower.width((size, size)) == width
    with torch.inference_mode():
        vectors, features = tower(images)
        torch.testing.assert_close(vectors, network.encode_image(images), atol=1e-5, rtol=1e-4)
    assert features.shape == (3, width)
    assert features.std(0).max() > 0  # they tell images apart


def test_the_vector_is_the_projection_of_the_features() -> None:
    network = network_of({**TIMM, "timm_pool": "avg", "timm_proj": "linear"})
    with torch.inference_mode():
        vectors, features = FeatureTower(network)(images_of(TIMM))
        torch.testing.assert_close(network.visual.head(features), vectors)
    network = network_of(VISION)
    with torch.inference_mode():
        vectors, features = FeatureTower(network)(images_of(VISION))
        torch.testing.assert_close(features @ network.visual.proj, vectors)
        # The network itself projects as before.
        torch.testing.assert_close(network.encode_image(images_of(VISION)), vectors)


def test_compact_gives_its_general_branch_and_its_first_stages() -> None:
    network = network_of(COMPACT, 256)
    trunk: CompactTrunk = network.visual.trunk
    images = images_of({"image_size": 64})
    with torch.inference_mode():
        vectors, features = FeatureTower(network)(images)
        torch.testing.assert_close(vectors, trunk(images))
        assert features.shape == (3, 1600)
        trunk.retail.apply(_clear)
        trunk.to_vector.weight.zero_()
        general, untrained = FeatureTower(network)(images)
        torch.testing.assert_close(untrained, features)
        probabilities = (trunk.classes(features[:, :1280]) / 1.2).softmax(1)
        torch.testing.assert_close(general, trunk.names(probabilities))


def test_folded_batch_norms_keep_the_features() -> None:
    network = network_of({**TIMM, "timm_pool": "avg", "timm_proj": "linear"})
    tower, images = FeatureTower(network), images_of(TIMM)
    with torch.inference_mode():
        before = tower(images)[1]
        fold_batch_norms(network.visual)
        torch.testing.assert_close(tower(images)[1], before, atol=1e-4, rtol=1e-3)


def test_a_tower_of_another_kind_has_no_features() -> None:
    network = open_clip.model.CLIP(32, dict(VISION), dict(TEXT)).eval()
    network.visual = _Mean()
    tower = FeatureTower(network)
    assert tower.width((32, 32)) == 0
    with torch.inference_mode():
        vectors, features = tower(images_of(VISION))
    assert vectors.shape == (3, 3)
    assert features.shape == (3, 0)


class _Mean(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(3))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean((2, 3)) * self.scale


def _clear(module: torch.nn.Module) -> None:
    for parameter in module.parameters(recurse=False):
        parameter.zero_()
