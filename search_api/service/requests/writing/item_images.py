"""The images of a product that is put: decoded, examined and embedded as a build does it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

from embeddings import PictureRefusedError
from embeddings.vision import Examination, ModerationMode
from indexer.build import read_released, unsafe_reason
from indexer.build.live import keeps_thumbnails
from indexer.image_loading import Decoded, DecodeTask
from indexer.index import Index, NewImage
from indexer.storage import Layout
from search_api.service.requests.writing.decode_task import ItemDecodeTask
from search_api.service.serving import Answering, DecodeWorkers
from search_api.service.settings import Settings

__all__ = ["ItemImages"]


class ItemImages:
    """Embeds the images of products.

    Args:
        answering: Encodes, and gives the index.
        settings: Limits of images.
    """

    def __init__(self, answering: Answering, settings: Settings) -> None:
        self._answering = answering
        self._settings = settings
        self._workers: DecodeWorkers[bytes, Decoded] | None = None
        self._made_for: tuple[str, bool] | None = None

    async def embed(
        self, product_id: str, files: Sequence[tuple[bytes, str]], fields: Sequence[object]
    ) -> tuple[NewImage, ...]:
        """Return the images of a product, ready to be stored.

        Args:
            product_id: The product.
            files: The content of each image, and where it came from.
            fields: The values of its fields, which decide what an image may show.

        Raises:
            ImageError: An image can't be used.
            PictureRefusedError: An image may not be fit to show, and the index holds such back.
            OverloadedError: Too many images wait.
        """
        index = self._answering.engine.index
        workers = self._ready(index)
        decoded = await asyncio.gather(*(workers.decode(data) for data, _ in files))
        queue = self._answering.queue
        deadline = queue.batcher.now() + self._settings.deadline_seconds
        rows = await queue.image_rows([each.pixels for each in decoded], deadline)
        dim = index.manifest.encoder.dim
        images = []
        for (data, location), each, row in zip(files, decoded, rows, strict=True):
            stored = row.astype("float16")
            image = NewImage(
                hashlib.sha256(data).digest(),
                location,
                stored[:dim],
                each.details.thumbnail,
                colours=each.details.colours,
                findings=each.details.findings,
                features=stored[dim:] if len(stored) > dim else None,
            )
            self._refuse_unsafe(product_id, image, fields, index)
            images.append(image)
        return tuple(images)

    def close(self) -> None:
        """End the decoding processes."""
        if self._workers is not None:
            self._workers.close()

    def _ready(self, index: Index) -> DecodeWorkers[bytes, Decoded]:
        """Return decoding processes that do what the index's build does."""
        wanted = index.manifest.examination, keeps_thumbnails(index)
        if self._workers is None or self._made_for != wanted:
            self.close()
            settings = self._settings
            examination = Examination.from_key(wanted[0])
            examination.check()
            task = DecodeTask(
                self._answering.engine.encoder.preprocess,
                wanted[1],
                settings.image_limits,
                examination,
            )
            self._workers = DecodeWorkers(
                ItemDecodeTask(task, settings.max_image_memory),
                settings.decode_workers,
                settings.decode_seconds,
                settings.decode_megapixels,
            )
            self._made_for = wanted
        return self._workers

    def _refuse_unsafe(
        self, product_id: str, image: NewImage, fields: Sequence[object], index: Index
    ) -> None:
        examination = Examination.from_key(index.manifest.examination)
        if examination.moderation is ModerationMode.HOLD:
            path = self._answering.engine.path
            released = frozenset() if path is None else read_released(Layout(path))
            problem = unsafe_reason(image.findings, fields)
            if problem is not None and product_id not in released:
                raise PictureRefusedError(problem)
