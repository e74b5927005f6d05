"""Models with random weights: they tell speed only, and need no download.

`python -m scripts.benchmarks.build.random_models ARCHITECTURE FOLDER [--onnx]` writes one as an
open_clip model folder, and with --onnx its two towers for programs that run ONNX files.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from scripts.support.processes import python, run

__all__ = ["ARCHITECTURES", "model_name", "onnx_folder", "random_model"]

ARCHITECTURES = {"vit_b_32": "ViT-B-32", "vit_b_32_256": "ViT-B-32-256"}
"""open_clip's names of the models, by what measures call them."""

_CONFIG = "open_clip_config.json"
_WEIGHTS = "open_clip_model.safetensors"
_SECONDS = 300


def model_name(key: str, cache: Path) -> str:
    """Return the value of `--model` for `compact`, or for a random model that is made if absent."""
    return key if key == "compact" else f"local-dir:{random_model(key, cache)}"


def random_model(key: str, cache: Path) -> Path:
    """Return the folder of a random model; it is made once and kept in the cache."""
    folder = cache / "build" / "models" / key
    if not (folder / _CONFIG).is_file():
        command = python(__spec__.name, ARCHITECTURES[key], str(folder))
        run(command, limit=_SECONDS)
    return folder


def onnx_folder(key: str, cache: Path) -> Path:
    """Return a folder with `visual.onnx` and `textual.onnx` of a random model, made once.

    Both take `input` and give `output`: normalised pixels `[n, 3, size, size]` float32, or tokens
    `[n, 77]` int64; vectors `[n, 512]` float32, not yet of length 1.
    """
    folder = random_model(key, cache)
    if not (folder / "textual.onnx").is_file():
        command = python(__spec__.name, ARCHITECTURES[key], str(folder), "--onnx")
        run(command, limit=_SECONDS)
    return folder


def _write(architecture: str, folder: Path) -> None:
    """Write a model folder; its config comes last, since it says that the folder is whole."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    model = open_clip.create_model(architecture)
    folder.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / _WEIGHTS)
    config = {
        "model_cfg": open_clip.get_model_config(architecture),
        "preprocess_cfg": model.visual.preprocess_cfg,
    }
    (folder / _CONFIG).write_text(json.dumps(config))


def _export(architecture: str, folder: Path) -> None:
    """Write both towers as ONNX files with a free number of rows."""
    import open_clip
    import torch
    from open_clip.factory import load_checkpoint

    class Tower(torch.nn.Module):
        def __init__(self, model: Any, method: str) -> None:
            super().__init__()
            self.model = model
            self.method = method

        def forward(self, given: Any) -> Any:
            return getattr(self.model, self.method)(given)

    # The fused attention of inference has no ONNX counterpart.
    torch.backends.mha.set_fastpath_enabled(False)
    model = open_clip.create_model(architecture).eval()
    load_checkpoint(model, str(folder / _WEIGHTS))
    size = model.visual.preprocess_cfg["size"]
    side = size if isinstance(size, int) else size[0]
    towers = (
        ("visual", "encode_image", torch.zeros(2, 3, side, side)),
        ("textual", "encode_text", torch.zeros(2, 77, dtype=torch.int64)),
    )
    for name, method, example in towers:
        part = folder / f"{name}.onnx.part"
        with torch.no_grad():
            torch.onnx.export(
                Tower(model, method),
                (example,),
                part,
                input_names=["input"],
                output_names=["output"],
                dynamic_axes={"input": {0: "n"}, "output": {0: "n"}},
                opset_version=17,
                dynamo=False,
            )
        part.replace(folder / f"{name}.onnx")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("architecture")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--onnx", action="store_true")
    given = parser.parse_args()
    (_export if given.onnx else _write)(given.architecture, given.folder)
