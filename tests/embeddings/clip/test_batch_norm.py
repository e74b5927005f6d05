"""Batch-norm folding, on a small convolutional tower."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import open_clip
import torch
from safetensors.torch import save_file

from embeddings.clip import fold_batch_norms, load_encoder

CONFIG = {
    "model_cfg": {
        "embed_dim": 32,
        "vision_cfg": {"timm_model_name": "resnet10t", "timm_pool": "avg", "image_size": 32},
        "text_cfg": {
            "context_length": 16,
            "vocab_size": 49408,
            "width": 32,
            "heads": 2,
            "layers": 1,
        },
    },
    "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.25] * 3, "resize_mode": "squash"},
}


def test_folded_batch_norms_keep_the_vectors(tmp_path: Path, pixels: np.ndarray) -> None:
    (tmp_path / "open_clip_config.json").write_text(json.dumps(CONFIG))
    torch.manual_seed(0)
    model = open_clip.create_model(f"local-dir:{tmp_path}").eval()
    for module in model.modules():  # as training leaves them; fresh ones would fold to nothing
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            torch.nn.init.uniform_(module.weight, 0.5, 2)
    save_file(model.state_dict(), tmp_path / "open_clip_model.safetensors")
    encoder = load_encoder(f"local-dir:{tmp_path}", precision="fp32")
    kept = [
        m for m in encoder._model._network.visual.modules() if isinstance(m, torch.nn.BatchNorm2d)
    ]
    assert len(kept) < 3  # of a dozen
    batch = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div(255).sub(0.5).div(0.25)
    with torch.inference_mode():
        expected = model.encode_image(batch, normalize=True).numpy()
    np.testing.assert_allclose(encoder.encode_images(pixels), expected, atol=1e-4)


def test_only_a_batch_norm_right_after_its_convolution_is_folded() -> None:
    torch.manual_seed(0)
    module = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 1),
        torch.nn.BatchNorm2d(4),
        torch.nn.ReLU(),
        torch.nn.BatchNorm2d(4),
    ).eval()
    module[1].running_mean.normal_()
    images = torch.rand(2, 3, 5, 5)
    with torch.no_grad():
        before = module(images)
        fold_batch_norms(module)
        torch.testing.assert_close(module(images), before)
    kinds = [type(child) for child in module]
    assert kinds == [torch.nn.Conv2d, torch.nn.Identity, torch.nn.ReLU, torch.nn.BatchNorm2d]
