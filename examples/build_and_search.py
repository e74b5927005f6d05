"""Build an index of a catalog, then search it by words, by a photo and by a product.

    lookalike demo --no-serve
    python examples/build_and_search.py lookalike-demo/catalog.csv my-index "red mug" photo.jpg

The catalog is a folder of images, or a CSV, TSV, JSONL or Parquet file with the columns `id` and
`image`. A second run embeds only what is new in the catalog.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lookalike import (
    Engine,
    ImagePart,
    LikePart,
    Query,
    TextPart,
    build_index,
    load_encoder,
    open_image,
)


def main(catalog: Path, index: Path, text: str, photo: Path) -> None:
    """Build, search, print."""
    encoder = load_encoder("compact")
    report = build_index(catalog, index, encoder)
    print(f"{report.products} products, {report.embedded} images embedded")

    engine = Engine.open(index, encoder)
    image = open_image(photo.read_bytes())
    show(engine, "The words", Query(parts=(TextPart(text),), k=3))
    best = show(engine, "The photo", Query(parts=(ImagePart(image),), k=3))
    show(engine, f"Like {best}", Query(parts=(LikePart(best),), k=3))
    both = (ImagePart(image), TextPart(text, weight=0.5))
    show(engine, "The photo and the words", Query(parts=both, k=3, min_confidence=0.2))


def show(engine: Engine, title: str, query: Query) -> str:
    """Print the hits of a query; return the id of the first one, or an empty string."""
    print(f"\n{title}:")
    hits = engine.search(query).hits
    for hit in hits:
        sure = "" if hit.confidence is None else f"{hit.confidence:.0%}"
        print(f"  {hit.score:.3f} {sure:>4}  {hit.id}")
    return hits[0].id if hits else ""


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
