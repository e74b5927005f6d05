"""Scenes: the items in one image, their labels, and a search for each."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from embeddings import FloatArray, PixelArray
from embeddings.vision import FoundBox, ItemCrops
from indexer.search import EncodedParts, ImagePart, LikePart, SearchResult
from search_api.client import DetectedObject
from search_api.service.requests import to_query
from search_api.service.routes.route import understood
from search_api.service.schemas import ObjectHitsResponse, SearchRequest, SearchResponse
from search_api.service.serving import Answering, QueryImage, TagOptions

__all__ = ["Scene", "item_crops", "look_at_scene", "search_scene"]

_LABELS = TagOptions((), ("retail",), frozenset({"type"}), 1)


@dataclass(frozen=True)
class Scene:
    """An image and the items in it.

    Attributes:
        boxes: Of the whole image, and then of each item.
        pixels: What the encoder sees of each.
        rows: `[n, dim + features]`, what the encoder gives for each.
        labels: The type of each, or None where the model is not sure.
    """

    boxes: list[FoundBox]
    pixels: list[PixelArray]
    rows: FloatArray
    labels: list[str | None]

    def objects(self) -> tuple[DetectedObject, ...]:
        """Return the items, without the whole image."""
        return tuple(
            DetectedObject(box=found.box, label=label, confidence=found.confidence)
            for found, label in zip(self.boxes[1:], self.labels[1:], strict=True)
        )


def item_crops(answering: Answering) -> ItemCrops:
    """Return the detector of items, which cuts them out for the service's encoder."""
    return ItemCrops(answering.engine.encoder.preprocess, answering.examination)


async def look_at_scene(answering: Answering, data: bytes) -> Scene:
    """Find the items in an image file, and embed and label each.

    Raises:
        ImageError: The image can't be used.
        ModelError: The detector can't be used.
    """
    crops = await answering.lookers.look(item_crops(answering), data)
    boxes, pixels = [found for found, _ in crops], [cut for _, cut in crops]
    rows, plan = await asyncio.gather(answering.encode_pixels(pixels), answering.tag_plan(_LABELS))
    tagged = await answering.tag_vectors(rows[:, : answering.engine.encoder.spec.dim], plan)
    return Scene(boxes, pixels, rows, [tags[0].label if tags else None for tags in tagged])


async def search_scene(
    answering: Answering,
    request: SearchRequest,
    field: str,
    data: bytes,
    others: Mapping[str, QueryImage],
    *,
    started: float,
) -> SearchResponse:
    """Search with an image, and with each item in it in the image's place.

    Args:
        answering: Looks and searches.
        request: The query.
        field: The field of the request that has the image.
        data: The image's file.
        others: The other images of the request, by field.
        started: When the request arrived, by `time.perf_counter`.

    Raises:
        LookalikeError: As for `look_at_scene`, and for a search.
    """
    scene = await look_at_scene(answering, data)
    queries = [
        await understood(answering, to_query(request, {field: QueryImage(cut), **others}))
        for cut in scene.pixels
    ]
    rest = [part for part in queries[0].parts if not isinstance(part, LikePart)]
    rest.remove(next(part for part in rest if isinstance(part, ImagePart)))
    encoded = await answering.encode(replace(queries[0], parts=tuple(rest)))
    others_rows = np.concatenate([encoded.images, encoded.features], axis=1)

    async def answer(number: int) -> SearchResponse:
        query = queries[number]
        # The image comes before those of parts.
        rows = np.concatenate([scene.rows[number : number + 1], others_rows])

        def convert(result: SearchResult) -> SearchResponse:
            return SearchResponse.of(result, answering.links, query)

        return await answering.answer(
            query, convert, started, EncodedParts.of_rows(encoded.texts, rows)
        )

    whole, *each = await asyncio.gather(*map(answer, range(len(queries))))
    found = tuple(
        ObjectHitsResponse(box=one.box, label=one.label, confidence=one.confidence, hits=own.hits)
        for one, own in zip(scene.objects(), each, strict=True)
    )
    return replace(whole, objects=found)
