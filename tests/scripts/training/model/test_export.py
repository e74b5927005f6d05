"""Export of the towers: the same function, the same vectors, the same bytes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from embeddings import load_encoder
from embeddings.clip import CompactTrunk
from scripts.training.model.export import export, unfolded
from scripts.training.model.text_tower import encode, tokenize
from scripts.training.model.vision import new_trunk


def test_a_folded_trunk_unfolds_to_the_same_function():
    folded = new_trunk(0)
    plain = CompactTrunk(num_classes=0).eval()
    plain.load_state_dict(unfolded(folded, plain))
    image = torch.randn(2, 3, 160, 160, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(plain(image), folded(image), atol=1e-4, rtol=1e-3)


def test_an_exported_folder_is_a_model_with_the_same_vectors(tmp_path, text_tower):
    trunk = new_trunk(0)
    torch.nn.init.normal_(trunk.names.weight)
    export(tmp_path / "model", trunk, text_tower, 25.0)
    encoder = load_encoder(f"local-dir:{tmp_path / 'model'}", precision="fp32")
    assert encoder.spec.logit_scale == pytest.approx(25.0, rel=1e-3)
    texts = ["red dress", "a photo of a dog"]
    with torch.no_grad():
        expected = encode(text_tower, tokenize(texts)).numpy()
    assert (encoder.encode_texts(texts) * expected).sum(axis=1).min() > 0.99
    pixels = np.random.default_rng(0).integers(0, 256, (2, 160, 160, 3), dtype=np.uint8)
    batch = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.no_grad():
        wanted = torch.nn.functional.normalize(trunk(batch), dim=1).numpy()
    assert (encoder.encode_images(pixels) * wanted).sum(axis=1).min() > 0.999
    again = tmp_path / "again"
    export(again, trunk, text_tower, 25.0)
    name = "open_clip_model.safetensors"
    assert (again / name).read_bytes() == (tmp_path / "model" / name).read_bytes()
