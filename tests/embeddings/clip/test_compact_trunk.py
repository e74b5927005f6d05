"""The trunk of `compact`: its two branches and their weights."""

from __future__ import annotations

import pytest
import timm
import torch

from embeddings.clip import DIM, CompactTrunk, fold_batch_norms
from embeddings.clip.compact_trunk import CLASSES


@pytest.fixture
def trunk() -> CompactTrunk:
    torch.manual_seed(0)
    trunk = CompactTrunk(num_classes=0).eval()
    for module in trunk.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 1.5)
    # Sharp enough for images to differ in their classes.
    torch.nn.init.normal_(trunk.classes.weight, std=2.0)
    torch.nn.init.zeros_(trunk.trust.weight)
    return trunk


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(3, 3, 160, 160, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_without_trust_the_vector_is_the_mix_of_class_names(trunk, images):
    teacher = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    own = trunk.state_dict()
    teacher.load_state_dict(
        {name: own[name.replace("classifier.", "classes.")] for name in teacher.state_dict()}
    )
    with torch.no_grad():
        probabilities = (teacher(images) / 1.2).softmax(1)
        assert probabilities.max() > 0.1
        expected = probabilities @ trunk.names.weight.T
        torch.testing.assert_close(trunk(images), expected, atol=1e-4, rtol=1e-4)


def test_trust_adds_a_retail_vector_of_that_length(trunk, images):
    with torch.no_grad():
        general = trunk(images)
        trunk.trust.weight.fill_(0.7)
        added = trunk(images) - general
    torch.testing.assert_close(added.norm(dim=1), torch.full((3,), 0.7))


def test_classes_without_trust_keep_the_retail_branch_out(trunk):
    features = torch.zeros(2, 1280)
    features[0, 0] = features[1, 1] = 1.0
    torch.nn.init.zeros_(trunk.classes.weight)
    with torch.no_grad():
        trunk.classes.weight[10, 0] = trunk.classes.weight[20, 1] = 50.0
        trunk.trust.weight[0, 20] = 2.0
        low = [torch.rand(2, linear.in_features) for linear in trunk.from_low]
        vectors = trunk.vectors(features, torch.rand(2, 1280), low)
    named = trunk.names.weight.T[[10, 20]]
    torch.testing.assert_close(vectors[0], named[0], atol=1e-3, rtol=1e-3)
    assert (vectors[1] - named[1]).norm().item() == pytest.approx(2.0, abs=1e-3)


def test_training_the_retail_branch_leaves_the_general_one_alone(trunk):
    general = {id(module) for part in trunk.general_branch() for module in part.modules()}
    assert not general & {id(module) for module in trunk.retail.modules()}


def test_folding_batch_norms_keeps_its_vectors(trunk, images):
    trunk.trust.weight.data.fill_(0.7)
    with torch.no_grad():
        before = trunk(images)
        fold_batch_norms(trunk)
        assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in trunk.modules())
        torch.testing.assert_close(trunk(images), before, atol=1e-4, rtol=1e-3)


def test_timm_builds_it_by_name_but_has_no_weights_for_it():
    trunk = timm.create_model("lookalike_compact", num_classes=0)
    assert isinstance(trunk, CompactTrunk)
    assert trunk.num_features == DIM
    assert trunk.classes.out_features == CLASSES
    with pytest.raises(ValueError, match="no weights"):
        timm.create_model("lookalike_compact", pretrained=True)
