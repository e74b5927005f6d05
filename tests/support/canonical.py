"""Canonical vectors of `compact`: their inputs, and their computation by open_clip itself.

The tests hold the encoder to them within 1e-3. After a change of the weights, run this file to
rewrite `tests/data/compact_vectors.json`.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import open_clip
import torch
from PIL import Image

from embeddings.clip import compact_trunk  # noqa: F401  registers the trunk with timm
from embeddings.models import COMPACT_FOLDER

VECTORS = Path(__file__).parents[1] / "data" / "compact_vectors.json"

TEXTS = (
    "red dress",
    "a photo of a pair of blue jeans",
    "Nike Men Running Shoes",
    "white shirt with blue stripes",
    "Größe 42: naïve café",
    "banana",
)


def images() -> list[Image.Image]:
    """Return four images that every machine draws alike: two gradients, a checkerboard, a disc."""
    y, x = np.mgrid[0:120, 0:90]
    ramp = np.stack([x * 2, y * 2, 255 - x], axis=2)
    checks = np.where(((x // 15 + y // 15) % 2)[..., None], [200, 30, 30], [250, 250, 250])
    disc = np.where(((x - 45) ** 2 + (y - 60) ** 2 < 40**2)[..., None], [20, 60, 160], 255)
    arrays = [ramp, ramp[:, ::-1, ::-1], checks, disc]
    return [Image.fromarray(np.ascontiguousarray(array).astype(np.uint8)) for array in arrays]


def reference() -> dict[str, list[list[float]]]:
    """Return the vectors as open_clip computes them in float32, rounded to five places."""
    name = f"local-dir:{COMPACT_FOLDER}"
    model, _, transform = open_clip.create_model_and_transforms(name)
    model.eval()
    with torch.inference_mode():
        batch = torch.stack([transform(image) for image in images()])
        of_images = model.encode_image(batch, normalize=True)
        of_texts = model.encode_text(open_clip.get_tokenizer(name)(list(TEXTS)), normalize=True)
    vectors = {"images": of_images, "texts": of_texts}
    return {kind: rows.numpy().round(5).tolist() for kind, rows in vectors.items()}


if __name__ == "__main__":
    VECTORS.parent.mkdir(exist_ok=True)
    VECTORS.write_text(json.dumps(reference()) + "\n", "utf-8")
