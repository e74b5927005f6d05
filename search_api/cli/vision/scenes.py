"""`lookalike detect`, and the items of `lookalike search --items`: what is in an image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from embeddings import DEFAULT_MODEL, ImageError
from search_api import console
from search_api.cli.opening import ComputeArguments, load_encoder
from search_api.cli.options import JsonOption, expand_arguments
from search_api.cli.vision.files import look_into

if TYPE_CHECKING:
    from PIL.Image import Image

    from embeddings import Encoder
    from embeddings.vision import FoundBox
    from indexer.search import Engine, Query, SearchResult
    from indexer.tagging import Tagger

__all__ = ["detect", "search_items"]


@expand_arguments
def detect(
    *,
    images: Annotated[list[Path], typer.Argument(help="Image files.", show_default=False)],
    compute: ComputeArguments,
    as_json: JsonOption = False,
) -> None:
    """Find the items in images: where they are, and of which type.

    Exits with 1 if an image can't be read.
    """
    from embeddings.vision import ITEM_MODEL
    from indexer.tagging import Tagger
    from indexer.tagging.taxonomy import DEFAULT_TAXONOMY, read_taxonomy

    ITEM_MODEL.runtime()
    encoder = load_encoder(DEFAULT_MODEL, compute)
    tagger = Tagger(encoder, read_taxonomy(DEFAULT_TAXONOMY))
    found = look_into(images, lambda image: _labelled(image, encoder, tagger))
    rows = [
        {"image": str(path), "objects": None if isinstance(objects, ImageError) else objects}
        for path, objects in found
    ]
    if as_json:
        console.print_json({"images": rows})
    else:
        for row in rows:
            if row["objects"] is not None:
                console.say(f"{console.for_terminal(str(row['image']))}:")
                _print_objects(row["objects"])
    if any(row["objects"] is None for row in rows):
        raise typer.Exit(1)


def search_items(
    engine: Engine, query: Query, place: int
) -> list[tuple[dict[str, Any], SearchResult]]:
    """Search for each item in the image of a query.

    Args:
        engine: Searches.
        query: The query.
        place: Which of its parts is the image.

    Returns:
        For each item, the surest first: `box`, `label` and `confidence`, and what was found.
    """
    from embeddings.vision import crop_to
    from indexer.search import ImagePart

    part = query.parts[place]
    assert isinstance(part, ImagePart)
    objects = _labelled(part.image, engine.encoder, engine.tagger())
    found = []
    for item in objects:
        crop = ImagePart(crop_to(part.image, item["box"]), part.weight)
        parts = (*query.parts[:place], crop, *query.parts[place + 1 :])
        found.append((item, engine.search(replace(query, parts=parts))))
    return found


def _labelled(image: Image, encoder: Encoder, tagger: Tagger) -> list[dict[str, Any]]:
    from embeddings.vision import crop_to, find_items
    from indexer.search import encode_images

    items: list[FoundBox] = find_items(image)
    if not items:
        return []
    tagged = tagger.tag(encode_images(encoder, [crop_to(image, item.box) for item in items]), 1)
    return [
        {"box": item.box, "label": _type(tags), "confidence": item.confidence}
        for item, tags in zip(items, tagged, strict=True)
    ]


def _type(tags: Any) -> str | None:
    return next((tag.label for tag in tags if tag.group == "type"), None)


def _print_objects(objects: Any) -> None:
    for item in objects:
        left, top, right, bottom = item["box"]
        place = f"{left:.2f} {top:.2f} {right:.2f} {bottom:.2f}"
        label = console.for_terminal(item["label"] or "-")
        console.say(f"  {item['confidence']:.2f}  {place}  {label}")
