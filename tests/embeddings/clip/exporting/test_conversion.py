"""Conversion of open_clip models on first use: once, whole, and only if the vectors stay."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import save_file

from embeddings import ModelError, load_encoder
from embeddings.clip import load_encoder as load_on_torch
from embeddings.clip.exporting import conversion, export
from embeddings.onnx import ModelFolder, find_conversion


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("LOOKALIKE_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_model_is_converted_once(
    own_model: Path, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, lines = f"local-dir:{own_model}", []
    first = load_encoder(name, precision="fp32", notify=lines.append)
    assert [line.split()[0] for line in lines] == ["Converting", "Converted;"]
    theirs = load_on_torch(name, device="cpu", precision="fp32")
    assert first.spec.fingerprint == theirs.spec.fingerprint
    assert (first.encode_images(pixels) * theirs.encode_images(pixels)).sum(axis=1).min() > 0.9999
    monkeypatch.setitem(sys.modules, "embeddings.clip", None)  # importing it would raise
    second = load_encoder(name, precision="fp32", notify=lines.append)
    assert second.spec == first.spec
    assert len(lines) == 2


def test_a_changed_folder_is_converted_again(tiny_model: Path, own_model: Path) -> None:
    name = f"local-dir:{own_model}"
    conversion.convert(name, print)
    config = own_model / "open_clip_config.json"
    facts = json.loads(config.read_text())
    facts["preprocess_cfg"]["mean"] = [0.4] * 3
    config.write_text(json.dumps(facts))
    assert find_conversion(name) is None
    assert load_encoder(name).spec.fingerprint == load_on_torch(name).spec.fingerprint


def test_a_model_that_does_not_convert_is_tried_once(
    own_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no such operator\nand more")

    monkeypatch.setattr(export, "_graph", fail)
    name, lines = f"local-dir:{own_model}", []
    encoder = load_encoder(name, device="cpu", notify=lines.append)
    assert encoder.spec.runtime == "torch"
    assert lines[-1].endswith("does not convert to ONNX: no such operator")
    load_encoder(name, device="cpu", notify=lines.append)
    assert len(lines) == 2
    with pytest.raises(ModelError, match=r"does not run on openvino: .* no such operator"):
        load_encoder(name, runtime="openvino")


@pytest.mark.parametrize(("output", "name"), [(0, "vectors"), (1, "features")])
def test_other_vectors_are_no_conversion(
    own_model: Path, monkeypatch: pytest.MonkeyPatch, output: int, name: str
) -> None:
    def negated(module: object, pixels: object) -> tuple[Any, ...]:
        outputs = list(tower(module, pixels))
        outputs[output] = -outputs[output]
        return tuple(outputs)

    tower = export._ImageTower.forward
    graph = export._graph

    def wrong(module: object, values: str, example: object) -> object:
        if values == "pixels":
            monkeypatch.setattr(export._ImageTower, "forward", negated)
        try:
            return graph(module, values, example)
        finally:
            monkeypatch.setattr(export._ImageTower, "forward", tower)

    monkeypatch.setattr(export, "_graph", wrong)
    lines: list[str] = []
    assert conversion.convert(f"local-dir:{own_model}", lines.append) is None
    assert f"gives other {name} (cosine -" in lines[-1]


def test_a_full_cache_leaves_the_model_on_torch(
    own_model: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export.onnx, "save_model", full)
    lines: list[str] = []
    encoder = load_encoder(f"local-dir:{own_model}", device="cpu", notify=lines.append)
    assert encoder.spec.runtime == "torch"
    assert "No space left on device" in lines[-1]
    assert [path.name for path in (cache / "models").iterdir()] == ["converting.lock"]
    assert find_conversion(f"local-dir:{own_model}") is None  # tried again the next time


def test_a_half_written_conversion_is_made_again(own_model: Path, cache: Path) -> None:
    name = f"local-dir:{own_model}"
    folder = conversion.convert(name, print)
    assert folder is not None
    (folder / "lookalike_model.json").unlink()
    assert find_conversion(name) is None
    assert conversion.convert(name, print) == folder
    assert ModelFolder.read(folder).dim == 32


def test_two_processes_convert_at_once(own_model: Path, cache: Path) -> None:
    program = (
        "import sys; from embeddings import load_encoder; "
        "print(load_encoder(sys.argv[1], notify=print).spec.runtime)"
    )
    command = [sys.executable, "-c", program, f"local-dir:{own_model}"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate(timeout=900)[0].split() for process in both]
    assert [output[-1] for output in outputs] == ["openvino", "openvino"]
    assert sorted(len(output) > 1 for output in outputs) == [False, True]  # one of them converted
    models = {path.name for path in (cache / "models").iterdir()}
    assert len(models) == 2  # the conversion and the lock


@pytest.mark.parametrize("linked", [True, False])
def test_the_weights_are_linked_or_copied(
    own_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, linked: bool
) -> None:
    if not linked:

        def refuse(*_: object) -> None:
            raise OSError(18, "Invalid cross-device link")

        monkeypatch.setattr(export.os, "link", refuse)
    target = tmp_path / "exported"
    export.export_model(f"local-dir:{own_model}", target)
    weights = own_model / "open_clip_model.safetensors"
    assert (target / "weights.safetensors").samefile(weights) is linked
    assert (target / "image.onnx").stat().st_size < 300_000  # without a copy of the weights
    shutil.rmtree(own_model)
    assert load_encoder(f"onnx-dir:{target}").spec.runtime == "openvino"


TEXT = {"context_length": 16, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 1}
ARCHITECTURES = {
    "siglip": {
        "embed_dim": 192,
        "init_logit_bias": -10,
        "custom_text": True,
        "vision_cfg": {
            "image_size": 224,
            "timm_model_name": "vit_tiny_patch16_224",
            "timm_model_pretrained": False,
            "timm_pool": "map",
            "timm_proj": "none",
        },
        "text_cfg": TEXT
        | {"no_causal_mask": True, "proj_bias": True, "pool_type": "last", "width": 192, "heads": 3}
        | {"norm_kwargs": {"eps": 1e-6}},
    },
    "coca": {
        "embed_dim": 64,
        "vision_cfg": {
            "image_size": 32,
            "layers": 1,
            "width": 64,
            "head_width": 32,
            "patch_size": 8,
            "attentional_pool": True,
            "attn_pooler_heads": 2,
            "output_tokens": True,
        },
        "text_cfg": TEXT | {"embed_cls": True, "output_tokens": True},
        "multimodal_cfg": TEXT | {"attn_pooler_heads": 2},
        "custom_text": True,
    },
    "resnet": {
        "embed_dim": 64,
        "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 16, "patch_size": None},
        "text_cfg": TEXT,
    },
}
"""Small models of the other kinds of architecture that open_clip has."""


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_architectures_convert(kind: str, tmp_path: Path) -> None:
    (tmp_path / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": ARCHITECTURES[kind], "preprocess_cfg": {"mean": [0.5] * 3}})
    )
    name = f"local-dir:{tmp_path}"
    torch.manual_seed(0)
    state = open_clip.create_model(name).state_dict()
    save_file(
        {key: value.contiguous() for key, value in state.items()},
        tmp_path / "open_clip_model.safetensors",
    )
    ours = load_encoder(name, runtime="openvino", precision="fp32", notify=print)
    theirs = load_on_torch(name, device="cpu", precision="fp32")
    height, width = theirs.preprocess.size
    pixels = np.random.default_rng(1).integers(0, 256, (3, height, width, 3), dtype=np.uint8)
    assert (ours.encode_images(pixels) * theirs.encode_images(pixels)).sum(axis=1).min() > 0.9999
    texts = ["a red dress", "shoes"]
    assert (ours.encode_texts(texts) * theirs.encode_texts(texts)).sum(axis=1).min() > 0.9999
