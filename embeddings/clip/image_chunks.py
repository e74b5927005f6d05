"""Image chunks: any number of images through a network, as many at once as the device holds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from embeddings.encoder import FloatArray, PixelArray
from embeddings.errors import ModelError

__all__ = ["ImageChunks", "to_device"]


class ImageChunks:
    """Runs a network on images, a chunk at a time; safe to call from several threads.

    When the device's memory runs out, the chunk is halved, and tried again from the same image on.
    Later calls keep the smaller chunks: memory that was short once would be short again.

    On a GPU nothing waits between chunks: the pixels of the next one are copied while the last one
    is computed, and the vectors are fetched together.

    Args:
        network: Takes `[n, height, width, 3]` uint8 pixels on the device, and returns `[n, …]`
            float32 rows there.
        device: Where it runs.
        size: The largest number of images at once, from 1.

    Attributes:
        size: As given, until memory ran out.
    """

    def __init__(
        self, network: Callable[[torch.Tensor], torch.Tensor], device: torch.device, size: int
    ) -> None:
        self.size = size
        self._network = network
        self._device = device

    def __call__(self, pixels: PixelArray) -> FloatArray:
        """Return the float32 rows `[n, …]` of `[n, height, width, 3]` uint8 pixels, n from 1.

        Raises:
            ModelError: The device has no memory for a single image.
        """
        done: list[torch.Tensor] = []
        start = 0
        while start < len(pixels):
            chunk = pixels[start : start + self.size]
            vectors = self._try(chunk)
            if vectors is None:
                self._halve(len(chunk))
                continue
            done.append(vectors)
            start += len(chunk)
        return np.asarray(torch.cat(done).cpu().numpy(), np.float32)

    def _try(self, chunk: PixelArray) -> torch.Tensor | None:
        """Return a chunk's vectors, or None if memory ran out.

        What the network held is free again only after the return: until then, the error's traceback
        refers to it.
        """
        try:
            return self._network(to_device(chunk, self._device))
        except torch.OutOfMemoryError:
            return None

    def _halve(self, count: int) -> None:
        if self._device.type == "cuda":
            torch.cuda.empty_cache()  # fragments of the larger chunk would be in the way
        if count == 1:
            raise ModelError(
                f"The device {str(self._device)!r} has too little free memory for one image. Close "
                "other programs that use it, choose a smaller model, or add --device cpu."
            )
        self.size = min(self.size, count // 2)


def to_device(pixels: PixelArray, device: torch.device) -> torch.Tensor:
    """Return pixels as a tensor on a device; a GPU copies pinned memory while it computes."""
    tensor = torch.from_numpy(np.ascontiguousarray(pixels))
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor
