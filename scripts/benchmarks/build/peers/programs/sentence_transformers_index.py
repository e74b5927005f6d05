"""Vectors of a folder of photos by sentence-transformers.

`python sentence_transformers_index.py PHOTOS MODEL_FOLDER OUT.npy`; the folder is written by
`huggingface_clip.py`.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def _main(photos: str, model_folder: str, out: str) -> None:
    library: Any = importlib.import_module("sentence_transformers")
    model = library.SentenceTransformer(model_folder, device="cpu")
    images = [Image.open(file) for file in sorted(Path(photos).iterdir())]
    np.save(out, model.encode(images, batch_size=32, normalize_embeddings=True))


if __name__ == "__main__":
    _main(*sys.argv[1:])
