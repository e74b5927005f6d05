"""Chunks of images, on a device whose memory runs out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from embeddings import ModelError, PixelArray
from embeddings.clip.image_chunks import ImageChunks

CPU = torch.device("cpu")


class Network:
    """Gives the mean colour of each image, and has memory for so many at once."""

    def __init__(self, memory: int) -> None:
        self.memory = memory
        self.chunks: list[int] = []

    def __call__(self, pixels: torch.Tensor) -> torch.Tensor:
        self.chunks.append(len(pixels))
        if len(pixels) > self.memory:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return pixels.float().mean(dim=(1, 2))


def pixels(count: int) -> PixelArray:
    rng = np.random.default_rng(count)
    return rng.integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)


def means(images: PixelArray) -> np.ndarray:
    return np.asarray(images.mean(axis=(1, 2), dtype=np.float64))


@pytest.mark.parametrize(("count", "chunks"), [(1, [1]), (8, [8]), (20, [8, 8, 4])])
def test_images_go_through_in_chunks(count: int, chunks: list[int]) -> None:
    network = Network(memory=8)
    images = pixels(count)
    vectors = ImageChunks(network, CPU, 8)(images)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, means(images), atol=1e-3)
    assert network.chunks == chunks


@pytest.mark.parametrize("memory", [1, 2, 3, 5, 7, 16])
def test_a_chunk_is_halved_until_it_fits(memory: int) -> None:
    network = Network(memory)
    chunks = ImageChunks(network, CPU, 16)
    images = pixels(37)
    np.testing.assert_allclose(chunks(images), means(images), atol=1e-3)
    assert memory / 2 < chunks.size <= memory
    network.chunks.clear()
    np.testing.assert_allclose(chunks(images), means(images), atol=1e-3)
    assert max(network.chunks) <= memory  # it is not tried again


def test_a_short_last_chunk_that_does_not_fit_is_halved_itself() -> None:
    network = Network(memory=16)
    chunks = ImageChunks(network, CPU, 16)
    network.memory = 2  # another program took the rest
    images = pixels(5)
    np.testing.assert_allclose(chunks(images), means(images), atol=1e-3)
    assert chunks.size == 2


def test_memory_for_no_image_is_an_error_with_the_next_step() -> None:
    chunks = ImageChunks(Network(memory=0), CPU, 4)
    with pytest.raises(ModelError, match="'cpu' has too little free memory for one image"):
        chunks(pixels(3))


def test_other_errors_are_not_mended() -> None:
    def broken(_: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("not memory")

    with pytest.raises(RuntimeError, match="not memory"):
        ImageChunks(broken, CPU, 4)(pixels(3))
