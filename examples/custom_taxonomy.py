"""Tag images with a taxonomy of your own.

    python examples/custom_taxonomy.py examples/kitchen.yaml photo.jpg another.jpg

To keep such tags as product fields: `lookalike index build CATALOG --index DIR --tags FILE`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lookalike import Tagger, load_encoder, open_image, read_taxonomy


def main(taxonomy: Path, photos: Sequence[Path]) -> None:
    """Embed the photos, tag their vectors, print."""
    encoder = load_encoder("compact")
    tagger = Tagger(encoder, read_taxonomy(taxonomy))
    images = [open_image(photo.read_bytes()) for photo in photos]
    vectors = encoder.encode_images(np.stack([encoder.preprocess(image) for image in images]))
    for photo, tags in zip(photos, tagger.tag(vectors, top=1), strict=True):
        shown = ", ".join(f"{tag.group}: {tag.label} ({tag.confidence:.0%})" for tag in tags)
        print(f"{photo.name}  {shown or 'nothing that it is sure of'}")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
