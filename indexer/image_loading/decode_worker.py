"""Decode worker: what runs in each process of a decode pool."""

from __future__ import annotations

from collections.abc import Sequence

from embeddings import ImageError
from indexer.image_loading.decode_task import DecodeTask
from indexer.image_loading.decoded_batch import Outcome
from indexer.image_loading.pixel_memory import PixelMemory

__all__ = ["decode_images", "start_worker"]


class _Worker:
    """The task and the memory of this process; set once, when it starts."""

    task: DecodeTask
    memory: PixelMemory


_worker = _Worker()


def start_worker(task: DecodeTask, memory: PixelMemory) -> None:
    """Prepare a new process.

    Args:
        task: What to do with each image.
        memory: `[blocks, batch, height, width, 3]`, for the pixels.
    """
    _worker.task = task
    _worker.memory = memory


def decode_images(
    block: int, first: int, images: Sequence[bytes], *, alone: bool = False
) -> list[Outcome]:
    """Decode images into consecutive places of a block, and return the rest of what they gave.

    An image that can't be used leaves its place as it was. For `alone`, see `DecodeTask`.
    """
    outcomes: list[Outcome] = []
    for place, data in zip(_worker.memory.array[block, first:], images, strict=False):
        try:
            decoded = _worker.task(data, alone=alone)
        except ImageError as error:
            outcomes.append(error)
        else:
            place[...] = decoded.pixels
            outcomes.append(decoded.details)
    return outcomes
