"""`MultiDeviceEncoder`: processes on several devices give what one encoder gives, and all end."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import Pipe
from pathlib import Path

import numpy as np
import pytest
import torch

from embeddings import Encoder, EncoderSpec
from embeddings.clip import MultiDeviceEncoder, device_processes, load_encoder, require_gpus
from embeddings.errors import BrokenModelError, ModelError, UnsafeWeightsError

# Two names of the same CPU, so that an error can tell them apart.
DEVICES = ["cpu", "cpu:0"]

# Seconds; nothing waits so long when all is well.
PATIENCE = 120

KILLED_PARENT = """
import sys
from embeddings.clip import MultiDeviceEncoder

if __name__ == "__main__":
    encoder = MultiDeviceEncoder(sys.argv[1], ["cpu", "cpu:0"], precision="fp32")
    encoder.encode_texts(["a red dress"])
    print("loaded", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def encoder(tiny_model: Path) -> Iterator[MultiDeviceEncoder]:
    encoder = MultiDeviceEncoder(f"local-dir:{tiny_model}", DEVICES, precision="fp32", threads=2)
    yield encoder
    encoder.close()


@pytest.fixture(scope="module")
def alone(tiny_model: Path) -> Encoder:
    """An encoder of the same model in this process."""
    return load_encoder(f"local-dir:{tiny_model}", device="cpu", precision="fp32")


def test_it_says_what_one_encoder_says(encoder: MultiDeviceEncoder, alone: Encoder) -> None:
    assert isinstance(encoder, Encoder)
    assert encoder.spec == replace(alone.spec, device="cpu,cpu:0")
    assert encoder.preprocess == alone.preprocess
    assert encoder.preferred_batch_size == 2 * 64


@pytest.mark.parametrize("count", [0, 1, 2, 7, 16])
def test_vectors_are_those_of_one_encoder_in_order(
    encoder: MultiDeviceEncoder, alone: Encoder, pixels: np.ndarray, count: int
) -> None:
    batch = np.repeat(pixels, 2, axis=0)[: 2 * count : 2]  # not contiguous
    vectors = encoder.encode_images(batch)
    assert (vectors.shape, vectors.dtype) == ((count, 32), np.float32)
    np.testing.assert_allclose(vectors, alone.encode_images(batch), atol=1e-5)
    texts = ["a red dress", "shoes", "mug"] * count
    np.testing.assert_allclose(encoder.encode_texts(texts), alone.encode_texts(texts), atol=1e-5)


def test_each_device_gets_its_share(
    encoder: MultiDeviceEncoder, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares: list[tuple[str, int]] = []
    encode = device_processes._DeviceProcess.image_rows

    def watched(process, part: np.ndarray) -> np.ndarray:
        shares.append((process._device, len(part)))
        return encode(process, part)

    monkeypatch.setattr(device_processes._DeviceProcess, "image_rows", watched)
    encoder.encode_images(pixels[:7])
    assert sorted(shares) == [("cpu", 4), ("cpu:0", 3)]


def test_several_threads_get_their_own_answers(
    encoder: MultiDeviceEncoder, alone: Encoder, pixels: np.ndarray
) -> None:
    images, words = alone.encode_images(pixels), ["a red dress", "shoes", "mug"]
    texts = alone.encode_texts(words)
    with ThreadPoolExecutor(6) as callers:
        found = callers.map(lambda n: encoder.encode_images(pixels[n : n + 5]), range(12))
        read = callers.map(lambda n: encoder.encode_texts(words[n % 3 :]), range(12))
        for start, vectors in enumerate(found):
            np.testing.assert_allclose(vectors, images[start : start + 5], atol=1e-5)
        for number, vectors in enumerate(read):
            np.testing.assert_allclose(vectors, texts[number % 3 :], atol=1e-5)


def test_an_error_in_a_process_is_raised_here(
    encoder: MultiDeviceEncoder, alone: Encoder, pixels: np.ndarray
) -> None:
    with pytest.raises(ModelError, match="The model failed on device 'cpu'"):
        encoder.encode_images(np.zeros((2, 16, 24, 3), np.uint8))
    vectors = encoder.encode_images(pixels)  # the next request is not answered by that error
    np.testing.assert_allclose(vectors, alone.encode_images(pixels), atol=1e-5)


def test_an_error_of_loading_keeps_its_class(own_model: Path) -> None:
    (own_model / "open_clip_model.safetensors").unlink()
    (own_model / "open_clip_pytorch_model.bin").touch()
    with pytest.raises(UnsafeWeightsError, match="no safetensors"):
        MultiDeviceEncoder(f"local-dir:{own_model}", ["cpu"])


def test_a_process_that_dies_is_named_and_the_others_end(
    tiny_model: Path, pixels: np.ndarray
) -> None:
    encoder = MultiDeviceEncoder(f"local-dir:{tiny_model}", DEVICES, precision="fp32")
    processes = [each._process for each in encoder._processes]
    os.kill(processes[1].pid, signal.SIGSTOP)  # so that it is killed before it can answer
    with ThreadPoolExecutor(1) as caller:
        vectors = caller.submit(encoder.encode_images, pixels)
        os.kill(processes[1].pid, signal.SIGKILL)
        with pytest.raises(ModelError, match=r"device 'cpu:0' has ended \(exit code -9\)"):
            vectors.result(PATIENCE)
    with pytest.raises(ModelError, match="device 'cpu:0' has ended"):
        encoder.encode_images(pixels)
    assert processes[0].is_alive()
    del encoder, vectors
    gc.collect()
    assert not processes[0].is_alive()


def test_processes_end_when_their_parent_is_killed(tiny_model: Path, tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(KILLED_PARENT)
    parent = subprocess.Popen(
        [sys.executable, script, f"local-dir:{tiny_model}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"loaded\n"
    parent.kill()
    # Every process that the parent started has its standard output: it ends with the last of them.
    assert parent.communicate(timeout=PATIENCE) == (b"", None)


def test_ctrl_c_ends_no_process(tiny_model: Path) -> None:
    """A terminal sends it to all, and each would print a traceback."""
    process = device_processes._DeviceProcess(f"local-dir:{tiny_model}", "cpu", "fp32", None)
    os.kill(process._process.pid, signal.SIGINT)  # while it imports torch
    assert process.wait_for_model().spec.dim == 32
    os.kill(process._process.pid, signal.SIGINT)
    assert process.encode_texts(["a red dress"]).shape == (1, 32)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()
    process.terminate()
    process.join()
    assert process._process.exitcode == -signal.SIGTERM


def test_a_closed_connection_ends_a_process(tiny_model: Path) -> None:
    ours, theirs = Pipe()
    arguments = (theirs, f"local-dir:{tiny_model}", "cpu", "fp32", None)
    child = threading.Thread(target=device_processes._compute_for_parent, args=arguments)
    child.start()
    assert ours.recv().spec.dim == 32
    ours.close()
    child.join(PATIENCE)
    assert not child.is_alive()


def test_files_that_change_during_loading_are_refused() -> None:
    specs = [EncoderSpec("local-dir:m", print_, 32) for print_ in ("a" * 64, "b" * 64)]
    with pytest.raises(BrokenModelError, match="changed while cpu, cpu:0 loaded them"):
        device_processes._common_spec(specs, DEVICES)


@pytest.mark.parametrize(("found", "advice"), [(0, "cpu, or auto"), (2, "gpu=2, or auto")])
def test_missing_gpus_are_counted(found: int, advice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: found)
    require_gpus(found)
    with pytest.raises(ModelError, match=f"gpu=4 needs 4 CUDA devices.*finds {found}.*{advice}"):
        require_gpus(4)
