"""The open_clip adapter, on a tiny model with random weights that the test makes itself."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from embeddings import Encoder
from embeddings.clip import load_encoder, loading, use_threads
from embeddings.errors import (
    BrokenModelError,
    ModelError,
    ModelUnavailableError,
    UnknownModelError,
    UnsafeWeightsError,
)

VISION = {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8}
TEXT = {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}
CONFIG = {
    "model_cfg": {"embed_dim": 32, "vision_cfg": VISION, "text_cfg": TEXT},
    "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.25] * 3, "resize_mode": "squash"},
}


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    (folder / "open_clip_config.json").write_text(json.dumps(CONFIG))
    torch.manual_seed(0)
    model = open_clip.create_model(f"local-dir:{folder}")
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    return folder


@pytest.fixture
def folder(pristine: Path, tmp_path: Path) -> Path:
    for path in pristine.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def pixels(count: int = 5) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


def test_vectors_are_those_of_open_clip(pristine: Path) -> None:
    encoder = load_encoder(f"local-dir:{pristine}", precision="fp32")
    assert isinstance(encoder, Encoder)
    model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{pristine}")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{pristine}")
    model.eval()
    image = Image.fromarray(pixels(1)[0]).resize((50, 70))
    with torch.inference_mode():
        their_image = model.encode_image(transform(image)[None], normalize=True).numpy()
        their_text = model.encode_text(tokenizer(["a red dress"]), normalize=True).numpy()
    ours = encoder.encode_images(encoder.preprocess(image)[np.newaxis])
    np.testing.assert_allclose(ours, their_image, atol=1e-5)
    np.testing.assert_allclose(encoder.encode_texts(["a red dress"]), their_text, atol=1e-5)


def test_rows_are_unit_float32_and_do_not_depend_on_the_batch(pristine: Path) -> None:
    encoder = load_encoder(f"local-dir:{pristine}", precision="fp32")
    vectors = encoder.encode_images(pixels())
    assert (vectors.shape, vectors.dtype) == ((5, 32), np.float32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(encoder.encode_images(pixels()[2:3]), vectors[2:3], atol=1e-5)
    assert encoder.encode_images(pixels(0)).shape == (0, 32)
    assert encoder.encode_texts([]).shape == (0, 32)
    assert encoder.encode_texts(["x" * 10_000]).shape == (1, 32)


def test_per_core_encoders_compute_the_same_side_by_side(pristine: Path) -> None:
    encoder = load_encoder(f"local-dir:{pristine}", device="cpu", precision="fp32")
    wanted, words = encoder.encode_images(pixels(16)), ["a red dress", "shoes", "mug"] * 4
    use_threads(2)
    try:
        encoders = load_encoder(
            f"local-dir:{pristine}", device="cpu", precision="fp32"
        ).per_core_encoders
        use_threads(1)
        alone = load_encoder(
            f"local-dir:{pristine}", device="cpu", precision="fp32"
        ).per_core_encoders
    finally:
        use_threads(os.cpu_count() or 1)
    assert len(encoders) == 2
    assert alone == ()
    with ThreadPoolExecutor(4) as callers:
        found = list(callers.map(lambda n: encoders[n % 2].encode_images(pixels(16)), range(8)))
        texts = list(callers.map(lambda n: encoders[n % 2].encode_texts(words), range(8)))
    for rows in found:
        np.testing.assert_allclose(rows, wanted, atol=1e-5)
    for rows in texts:
        np.testing.assert_allclose(rows, encoder.encode_texts(words), atol=1e-5)
    assert encoders[0].spec == encoder.spec


def test_weights_that_are_not_those_released_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 45 of CASES.md: a flipped bit of the shipped model, which would load all the same."""
    for path in loading.COMPACT_FOLDER.iterdir():
        shutil.copy(path, tmp_path)
    (weights,) = tmp_path.glob("*.safetensors")
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    monkeypatch.setattr(loading, "COMPACT_FOLDER", tmp_path)
    with pytest.raises(BrokenModelError, match=f"{re.escape(weights.name)} .*SHA-256"):
        load_encoder("compact")


def test_spec_says_what_it_is(pristine: Path) -> None:
    spec = load_encoder(f"local-dir:{pristine}", device="cpu", precision="fp32").spec
    assert (spec.dim, spec.device, spec.precision) == (32, "cpu", "fp32")
    assert spec.logit_scale == pytest.approx(1 / 0.07, rel=1e-4)  # CLIP's initial value


def test_half_precision_stays_close(pristine: Path) -> None:
    full = load_encoder(f"local-dir:{pristine}", precision="fp32").encode_images(pixels())
    automatic = load_encoder(f"local-dir:{pristine}").encode_images(pixels())
    assert (full * automatic).sum(axis=1).min() > 0.998


def test_fingerprint_follows_content_not_place(pristine: Path, folder: Path) -> None:
    original = load_encoder(f"local-dir:{pristine}").spec.fingerprint
    assert load_encoder(f"local-dir:{folder}").spec.fingerprint == original
    config = json.loads((folder / "open_clip_config.json").read_text())
    config["preprocess_cfg"]["resize_mode"] = "longest"
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    assert load_encoder(f"local-dir:{folder}").spec.fingerprint != original


def test_fingerprint_follows_the_weights(pristine: Path, folder: Path) -> None:
    weights = load_file(folder / "open_clip_model.safetensors")
    weights["logit_scale"] += 0.001
    save_file(weights, folder / "open_clip_model.safetensors")
    original = load_encoder(f"local-dir:{pristine}").spec.fingerprint
    assert load_encoder(f"local-dir:{folder}").spec.fingerprint != original


def test_folded_batch_norms_keep_the_vectors(tmp_path: Path) -> None:
    vision = {"timm_model_name": "resnet10t", "timm_pool": "avg", "image_size": 32}
    config = {**CONFIG, "model_cfg": {**CONFIG["model_cfg"], "vision_cfg": vision}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
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
    batch = torch.from_numpy(pixels()).permute(0, 3, 1, 2).float().div(255).sub(0.5).div(0.25)
    with torch.inference_mode():
        expected = model.encode_image(batch, normalize=True).numpy()
    np.testing.assert_allclose(encoder.encode_images(pixels()), expected, atol=1e-4)


class _Payload:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.marker,))


@pytest.mark.parametrize("name", ["open_clip_pytorch_model.bin", "model.pt", "model.pth"])
def test_pickles_are_refused_and_not_run(folder: Path, name: str) -> None:
    (folder / "open_clip_model.safetensors").unlink()
    marker = folder / "payload-ran"
    torch.save(_Payload(marker), folder / name)
    with pytest.raises(UnsafeWeightsError, match="no safetensors"):
        load_encoder(f"local-dir:{folder}")
    assert not marker.exists()


@pytest.mark.parametrize("cut", [0, 4, 100, -1])
def test_damaged_weights_are_named(folder: Path, cut: int) -> None:
    path = folder / "open_clip_model.safetensors"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(BrokenModelError, match=r"open_clip_model\.safetensors"):
        load_encoder(f"local-dir:{folder}")


def test_weights_of_another_architecture_are_refused(folder: Path) -> None:
    weights = load_file(folder / "open_clip_model.safetensors")
    del weights["visual.proj"]
    save_file(weights, folder / "open_clip_model.safetensors")
    with pytest.raises(BrokenModelError, match="does not fit"):
        load_encoder(f"local-dir:{folder}")


def test_missing_folders_and_configs_are_named(folder: Path) -> None:
    with pytest.raises(ModelUnavailableError, match="no model folder"):
        load_encoder(f"local-dir:{folder / 'nowhere'}")
    (folder / "open_clip_config.json").write_text("{")
    with pytest.raises(BrokenModelError):
        load_encoder(f"local-dir:{folder}")
    (folder / "open_clip_config.json").unlink()
    with pytest.raises(ModelUnavailableError, match="open_clip_config"):
        load_encoder(f"local-dir:{folder}")


def test_unknown_pairs_get_suggestions() -> None:
    with pytest.raises(UnknownModelError, match=r"ViT-B-32/laion2b_s34b_b79k"):
        load_encoder("ViT-B-32/laion2b_s34b_b79")


def test_pickle_only_pairs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"url": "https://example.org/weights.pt", "hf_hub": "", "mean": (0.5,) * 3}
    monkeypatch.setattr(open_clip, "get_pretrained_cfg", lambda architecture, tag: row)
    with pytest.raises(UnsafeWeightsError, match="only as a pickle"):
        load_encoder("ViT-B-32/old")


@pytest.mark.parametrize(("device", "precision"), [("tpu9", "auto"), ("cpu", "fp7")])
def test_unknown_devices_and_precisions_are_refused(
    pristine: Path, device: str, precision: str
) -> None:
    with pytest.raises(ModelError, match=device if device != "cpu" else precision):
        load_encoder(f"local-dir:{pristine}", device=device, precision=precision)


OFFLINE_PROBE = """
import sys
from embeddings import clip
from embeddings.clip import load_encoder, use_threads
from embeddings.errors import LookalikeError
try:
    print(load_encoder(sys.argv[1]).spec.dim)
except LookalikeError as error:
    print(error.code, error.message)
"""


def run_offline(name: str, cache: Path) -> str:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(cache)}
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE_PROBE, name],
        capture_output=True, text=True, env=environment, check=True,
    )  # fmt: skip
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["hf-hub:Marqo/marqo-fashionSigLIP", "ViT-B-32/laion2b_s34b_b79k"])
def test_an_unreachable_hub_names_the_ways_out(name: str, tmp_path: Path) -> None:
    said = run_offline(name, tmp_path)
    assert said.startswith("model_unavailable")
    assert "compact" in said
    assert "local-dir:" in said


def test_a_cached_hub_model_needs_no_network(pristine: Path, tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--shop--tiny"
    snapshot = repository / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("a" * 40)
    for path in pristine.iterdir():
        (snapshot / path.name).write_bytes(path.read_bytes())
    assert run_offline("hf-hub:shop/tiny", tmp_path) == "32"
