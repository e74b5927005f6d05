"""`OnnxEncoder`: torch's vectors on every runtime, precision by measurement, one fingerprint."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest

from embeddings import Encoder, FeatureEncoder, ModelError, encode_image_rows
from embeddings.clip import load_encoder as load_on_torch
from embeddings.models import COMPACT_FOLDER
from embeddings.onnx import load_folder, probe_images, sha256_of
from tests.support.canonical import TEXTS, VECTORS, images

RUNTIMES = ["openvino", "onnx"]


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (21, 32, 32, 3), dtype=np.uint8)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_vectors_and_fingerprint_are_those_of_torch(
    runtime: str, source_model: Path, exported_model: Path, pixels: np.ndarray
) -> None:
    torch = load_on_torch(f"local-dir:{source_model}", device="cpu", precision="fp32")
    ours = load_folder(exported_model, "tiny", runtime=runtime, precision="fp32")
    assert isinstance(ours, Encoder)
    assert ours.spec.fingerprint == torch.spec.fingerprint
    assert (ours.spec.dim, ours.spec.runtime, ours.spec.precision) == (32, runtime, "fp32")
    assert ours.spec.logit_scale == pytest.approx(torch.spec.logit_scale)
    assert ours.preprocess == torch.preprocess
    np.testing.assert_allclose(ours.encode_images(pixels), torch.encode_images(pixels), atol=1e-4)
    texts = ["a red dress", "shoes " * 50, "Größe"]
    np.testing.assert_allclose(ours.encode_texts(texts), torch.encode_texts(texts), atol=1e-4)
    assert ours.encode_images(pixels[:0]).shape == (0, 32)
    assert ours.encode_texts([]).shape == (0, 32)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_compact_has_its_canonical_vectors(runtime: str) -> None:
    encoder = load_folder(COMPACT_FOLDER, "compact", runtime=runtime, precision="fp32")
    expected = json.loads(VECTORS.read_text("utf-8"))
    shown = encoder.encode_images(np.stack([encoder.preprocess(image) for image in images()]))
    wanted = np.array(expected["images"])
    assert ((shown * wanted).sum(axis=1)).min() > 0.9999
    wanted = np.array(expected["texts"])
    assert (encoder.encode_texts(TEXTS) * wanted).sum(axis=1).min() > 0.9999


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_features_are_those_of_torch(
    runtime: str, source_model: Path, exported_model: Path, pixels: np.ndarray
) -> None:
    torch = load_on_torch(f"local-dir:{source_model}", device="cpu", precision="fp32")
    ours = load_folder(exported_model, "tiny", runtime=runtime, precision="fp32")
    assert isinstance(ours, FeatureEncoder)
    assert isinstance(torch, FeatureEncoder)
    assert ours.spec.features == torch.spec.features == 64
    rows = ours.encode_image_rows(pixels)
    assert (rows.shape, rows.dtype) == ((21, 32 + 64), np.float32)
    np.testing.assert_array_equal(rows[:, :32], ours.encode_images(pixels))
    np.testing.assert_allclose(rows, torch.encode_image_rows(pixels), atol=1e-3)
    assert ours.encode_image_rows(pixels[:0]).shape == (0, 96)
    alone = ours.parallel_encoders[0]
    np.testing.assert_allclose(encode_image_rows(alone, pixels), rows, atol=1e-4)
    np.testing.assert_allclose(alone.encode_images(pixels), rows[:, :32], atol=1e-4)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_compact_gives_features_of_the_same_pass(runtime: str) -> None:
    encoder = load_folder(COMPACT_FOLDER, "compact", runtime=runtime, precision="fp32")
    assert encoder.spec.features == 1600
    rows = encoder.encode_image_rows(np.stack([encoder.preprocess(image) for image in images()]))
    expected = np.array(json.loads(VECTORS.read_text("utf-8"))["images"])
    assert (rows[:, :256] * expected).sum(axis=1).min() > 0.9999
    assert (rows[:, 256:].std(axis=0) > 0).mean() > 0.5  # of four plain images


def test_a_folder_of_an_older_version_has_no_features(own_export: Path) -> None:
    file = own_export / "lookalike_model.json"
    graph = onnx.load_model(own_export / "image.onnx", load_external_data=False)
    del graph.graph.output[1]
    onnx.save_model(graph, own_export / "image.onnx")
    facts = json.loads(file.read_text())
    del facts["features"]
    facts["files"]["image.onnx"] = sha256_of(own_export / "image.onnx")
    file.write_text(json.dumps(facts))
    encoder = load_folder(own_export, "tiny", precision="fp32")
    pixels = np.zeros((2, 32, 32, 3), np.uint8)
    assert encoder.spec.features == 0
    assert encode_image_rows(encoder, pixels).shape == (2, 32)


def test_the_automatic_precision_of_compact_keeps_its_vectors() -> None:
    full = load_folder(COMPACT_FOLDER, "compact", precision="fp32")
    chosen = load_folder(COMPACT_FOLDER, "compact")
    probes = probe_images((160, 160))
    cosines = (full.encode_images(probes) * chosen.encode_images(probes)).sum(axis=1)
    assert np.median(cosines) >= 0.999
    assert cosines.min() >= 0.99


def test_a_row_does_not_depend_on_its_batch(exported_model: Path, pixels: np.ndarray) -> None:
    encoder = load_folder(exported_model, "tiny", precision="fp32", threads=3)
    together = encoder.encode_images(pixels)
    for size in (1, 2, 5):
        np.testing.assert_allclose(encoder.encode_images(pixels[:size]), together[:size], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


def test_threads_share_an_encoder(exported_model: Path, pixels: np.ndarray) -> None:
    encoder = load_folder(exported_model, "tiny", precision="fp32")
    wanted = encoder.encode_images(pixels)
    with ThreadPoolExecutor(8) as callers:
        batches = [pixels[n % 5 : n % 5 + 1 + n % 9] for n in range(64)]
        for n, rows in enumerate(callers.map(encoder.encode_images, batches)):
            np.testing.assert_allclose(rows, wanted[n % 5 : n % 5 + 1 + n % 9], atol=1e-5)


def test_the_first_inferences_of_a_process_may_come_from_several_threads() -> None:
    """OpenVINO's bindings locked up when two threads made a process's first inference."""
    program = f"""
import numpy as np
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from embeddings.onnx import load_folder
pixels = np.zeros((8, 160, 160, 3), np.uint8)
with ThreadPoolExecutor(4) as callers:
    encoders = list(callers.map(
        lambda n: load_folder(Path({str(COMPACT_FOLDER)!r}), "compact", precision="fp32"), range(2)
    ))
    print(sum(len(rows) for rows in callers.map(lambda e: e.encode_images(pixels), encoders * 4)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True
    )
    assert done.stdout.split() == ["64"]


def test_neither_torch_nor_telemetry_is_loaded() -> None:
    program = """
import sys
from embeddings import load_encoder
encoder = load_encoder("compact")
assert encoder.encode_texts(["shoes"]).shape == (1, 256)
print([name for name in sys.modules if name.split(".")[0] in {"torch", "openvino_telemetry"}])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_precision_that_the_runtime_lacks_is_refused(exported_model: Path) -> None:
    with pytest.raises(ModelError, match=r"onnx can't compute in 'bf16'.*auto or fp32"):
        load_folder(exported_model, "tiny", runtime="onnx", precision="bf16")
    with pytest.raises(ModelError, match="openvino can't compute in 'fp64'"):
        load_folder(exported_model, "tiny", precision="fp64")


def test_a_choice_is_measured_once(
    exported_model: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load_folder(exported_model, "tiny")
    monkeypatch.setattr("embeddings.onnx.encoder.choose", None)  # calling it would raise
    second = load_folder(exported_model, "tiny")
    assert second.spec == first.spec
    assert second.preferred_batch_size == first.preferred_batch_size
    kept = sorted((cache / "choices").iterdir())
    assert len(kept) == 2  # one for each tower
    kept[0].write_text('{"chunk": 4}')
    with pytest.raises(TypeError):
        load_folder(exported_model, "tiny")


def test_a_cache_that_can_not_be_written_is_done_without(
    exported_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pixels: np.ndarray
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LOOKALIKE_CACHE_DIR", str(tmp_path / "file" / "cache"))
    assert load_folder(exported_model, "tiny").encode_images(pixels).shape == (21, 32)
