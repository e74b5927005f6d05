"""Use an encoder of your own: any class with the four members of `Encoder`.

    python examples/custom_encoder.py CATALOG my-index "red and white"

This one knows colours alone. An image is the mean colours of a grid of 4 x 4 cells. A text is the
mean of the colours that it names, in every cell.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike import EncoderSpec, Engine, Preprocess, Query, TextPart, build_index

CELLS = 4
CELL_PIXELS = 16
SIDE = CELLS * CELL_PIXELS
COLOURS = {
    "black": (0, 0, 0),
    "blue": (0, 0, 255),
    "green": (0, 128, 0),
    "red": (255, 0, 0),
    "white": (255, 255, 255),
    "yellow": (255, 255, 0),
}


class GridColours:
    """Embed the colours of images and the colour words of texts.

    The index records the fingerprint and refuses another encoder: change it with the vectors.
    `preprocess` runs in the decoding processes, so it must be picklable.
    """

    spec = EncoderSpec(name="grid-colours", fingerprint="grid-colours-1", dim=CELLS * CELLS * 3)
    preprocess = Preprocess((SIDE, SIDE))

    def encode_images(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed `[n, SIDE, SIDE, 3]` uint8 pixels; `[n, dim]` rows of length 1."""
        cells = pixels.reshape(-1, CELLS, CELL_PIXELS, CELLS, CELL_PIXELS, 3).mean(axis=(2, 4))
        return unit_rows(cells)

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts; `[n, dim]` rows of length 1."""
        rows = []
        for text in texts:
            named = [COLOURS[word] for word in re.findall(r"\w+", text.lower()) if word in COLOURS]
            rows.append(np.tile(np.mean(named or list(COLOURS.values()), axis=0), CELLS * CELLS))
        return unit_rows(np.array(rows))


def unit_rows(colours: NDArray[np.floating]) -> NDArray[np.float32]:
    """Centre colours of 0 to 255 and scale each row to length 1."""
    rows = colours.reshape(-1, CELLS * CELLS * 3) / 255 - 0.5
    rows += 1e-3  # medium grey, too, needs a direction
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / lengths, dtype=np.float32)


def main(catalog: Path, index: Path, text: str) -> None:
    """Build with the encoder, search with it, print."""
    encoder = GridColours()
    build_index(catalog, index, encoder)
    engine = Engine.open(index, encoder)
    for hit in engine.search(Query(parts=(TextPart(text),), k=5)).hits:
        print(f"{hit.score:.3f}  {hit.id}")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
