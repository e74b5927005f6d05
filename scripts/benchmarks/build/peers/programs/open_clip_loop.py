"""The loop that most people write first: open_clip, batches of 32, vectors into one file.

`python open_clip_loop.py PHOTOS MODEL_FOLDER OUT.npy`
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import open_clip
import torch
from PIL import Image

_BATCH = 32


def _main(photos: str, model_folder: str, out: str) -> None:
    model, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{model_folder}")
    model.eval()
    files = sorted(Path(photos).iterdir())
    parts = []
    with torch.no_grad():
        for at in range(0, len(files), _BATCH):
            images = [preprocess(Image.open(file)) for file in files[at : at + _BATCH]]
            parts.append(model.encode_image(torch.stack(images), normalize=True).numpy())
    np.save(out, np.concatenate(parts))


if __name__ == "__main__":
    _main(*sys.argv[1:])
