"""The demo run: draw a catalog, index it, and search it."""

from __future__ import annotations

from pathlib import Path

from embeddings import Encoder
from embeddings.images import read_image
from indexer.build import build_index
from indexer.search import Engine, ImagePart, Query, TextPart
from search_api import console
from search_api.demo.catalog import write_catalog

__all__ = ["run_demo"]

_TEXT = "checked umbrella"
_HITS = 5


def run_demo(folder: Path, encoder: Encoder) -> Engine:
    """Draw a catalog, index it, and print one search by words and one by image.

    Args:
        folder: Folder of the catalog and the index; created if missing, updated if it exists.
        encoder: Embeds images and texts.

    Returns:
        The engine over the demo's index.
    """
    with console.waiting("Drawing a catalog"):
        catalog = write_catalog(folder)
    with console.BuildBar(encoder.spec) as bar:
        report = build_index(catalog, folder / "index", encoder, on_progress=bar.update)
    console.print_build(report, folder / "index")

    engine = Engine.open(folder / "index", encoder)
    by_text = engine.search(Query(parts=(TextPart(_TEXT),), k=_HITS))
    console.print_hits(by_text, title=f'\nText search: "{_TEXT}"')

    image = min((folder / "pictures").glob("handbag-*"))
    by_image = engine.search(Query(parts=(ImagePart(read_image(image)),), k=_HITS))
    console.print_hits(by_image, title=f"\nImage search: {image}")
    return engine
