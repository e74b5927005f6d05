"""The demo: a drawn catalog, indexed and searched."""

from __future__ import annotations

from pathlib import Path

from embeddings import Encoder
from embeddings.images import read_image
from indexer.build import build_index
from indexer.search import Engine, ImagePart, Query, TextPart
from search_api import console
from search_api.demo import write_catalog

__all__ = ["run_demo"]

_TEXT = "polka dot cushion"
_HITS = 5


def run_demo(folder: Path, encoder: Encoder) -> Engine:
    """Draw a catalog, index it, and print one search by words and one by picture.

    Args:
        folder: Where the catalog and the index go; made if missing, reused if there.
        encoder: Makes the vectors.

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

    picture = sorted((folder / "pictures").glob("handbag-*"))[0]
    by_image = engine.search(Query(parts=(ImagePart(read_image(picture)),), k=_HITS))
    console.print_hits(by_image, title=f"\nImage search: {picture}")
    return engine
