"""Vectors of a folder of photos by fastembed.

`python fastembed_index.py PHOTOS MODEL_FOLDER OUT.npy`; the folder holds `model.onnx` and
`preprocessor_config.json`, which take the place of the downloaded ones.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np


def _main(photos: str, model_folder: str, out: str) -> None:
    library: Any = importlib.import_module("fastembed")
    model = library.ImageEmbedding(
        "Qdrant/clip-ViT-B-32-vision", specific_model_path=model_folder, local_files_only=True
    )
    files = [str(file) for file in sorted(Path(photos).iterdir())]
    np.save(out, np.stack(list(model.embed(files))))


if __name__ == "__main__":
    _main(*sys.argv[1:])
