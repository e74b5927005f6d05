"""`ClipEncoder`: vectors, precision and threads, on a tiny model."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from embeddings import Encoder
from embeddings.clip import load_encoder, use_threads
from embeddings.onnx import Choice


def test_vectors_are_those_of_open_clip(tiny_model: Path, pixels: np.ndarray) -> None:
    encoder = load_encoder(f"local-dir:{tiny_model}", precision="fp32")
    assert isinstance(encoder, Encoder)
    model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{tiny_model}")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{tiny_model}")
    model.eval()
    image = Image.fromarray(pixels[0]).resize((50, 70))
    with torch.inference_mode():
        their_image = model.encode_image(transform(image)[None], normalize=True).numpy()
        their_text = model.encode_text(tokenizer(["a red dress"]), normalize=True).numpy()
    ours = encoder.encode_images(encoder.preprocess(image)[np.newaxis])
    np.testing.assert_allclose(ours, their_image, atol=1e-5)
    np.testing.assert_allclose(encoder.encode_texts(["a red dress"]), their_text, atol=1e-5)


def test_rows_are_unit_float32_and_do_not_depend_on_the_batch(
    tiny_model: Path, pixels: np.ndarray
) -> None:
    encoder = load_encoder(f"local-dir:{tiny_model}", precision="fp32")
    vectors = encoder.encode_images(pixels)
    assert (vectors.shape, vectors.dtype) == ((16, 32), np.float32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(encoder.encode_images(pixels[2:3]), vectors[2:3], atol=1e-5)
    assert encoder.encode_images(pixels[:0]).shape == (0, 32)
    assert encoder.encode_texts([]).shape == (0, 32)


def test_a_text_is_cut_at_the_context(tiny_model: Path) -> None:
    encoder = load_encoder(f"local-dir:{tiny_model}", precision="fp32")
    long, longer, other = encoder.encode_texts(["shoe " * 20, "shoe " * 200, "mug " * 20])
    np.testing.assert_allclose(long, longer, atol=1e-6)
    assert np.abs(long - other).max() > 0.01


def test_per_core_encoders_compute_the_same_side_by_side(
    tiny_model: Path, pixels: np.ndarray
) -> None:
    name, words = f"local-dir:{tiny_model}", ["a red dress", "shoes", "mug"] * 4
    encoder = load_encoder(name, device="cpu", precision="fp32")
    wanted = encoder.encode_images(pixels)
    use_threads(2)
    try:
        encoders = load_encoder(name, device="cpu", precision="fp32").per_core_encoders
        use_threads(1)
        alone = load_encoder(name, device="cpu", precision="fp32").per_core_encoders
    finally:
        use_threads(os.cpu_count() or 1)
    assert len(encoders) == 2
    assert alone == ()
    with ThreadPoolExecutor(4) as callers:
        found = list(callers.map(lambda n: encoders[n % 2].encode_images(pixels), range(8)))
        texts = list(callers.map(lambda n: encoders[n % 2].encode_texts(words), range(8)))
    for rows in found:
        np.testing.assert_allclose(rows, wanted, atol=1e-5)
    for rows in texts:
        np.testing.assert_allclose(rows, encoder.encode_texts(words), atol=1e-5)
    assert encoders[0].spec == encoder.spec


def test_spec_says_what_it_is(tiny_model: Path) -> None:
    spec = load_encoder(f"local-dir:{tiny_model}", device="cpu", precision="fp32").spec
    assert (spec.dim, spec.device, spec.precision) == (32, "cpu", "fp32")
    assert spec.logit_scale == pytest.approx(1 / 0.07, rel=1e-4)  # CLIP's initial value


def test_half_precision_stays_close(tiny_model: Path, pixels: np.ndarray) -> None:
    full = load_encoder(f"local-dir:{tiny_model}", precision="fp32").encode_images(pixels)
    automatic = load_encoder(f"local-dir:{tiny_model}").encode_images(pixels)
    assert (full * automatic).sum(axis=1).min() > 0.998


def test_a_model_survives_a_device_without_memory(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = load_encoder(f"local-dir:{tiny_model}", device="cpu")
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (9, 32, 32, 3), dtype=np.uint8)
    expected = encoder.encode_images(pixels)
    network = encoder._model._network
    encode = network.encode_image

    def encode_three(batch: torch.Tensor) -> torch.Tensor:
        if len(batch) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return encode(batch)

    monkeypatch.setattr(network, "encode_image", encode_three)
    np.testing.assert_allclose(encoder.encode_images(pixels), expected, atol=1e-5)


def test_a_build_gives_a_cpu_some_chunks_and_a_gpu_a_whole_one(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = load_encoder(f"local-dir:{tiny_model}", device="cpu")
    assert encoder.preferred_batch_size == 64
    on_gpu = Choice("fp16", 256, 0.0)
    monkeypatch.setattr(encoder._model, "_choice", on_gpu)
    assert encoder.preferred_batch_size == 256
