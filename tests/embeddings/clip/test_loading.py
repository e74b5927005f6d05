"""Model loading: fingerprints, and files that are refused (CASES.md, rows 44 and 45)."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import open_clip
import pytest
import torch
from safetensors.torch import load_file, save_file

from embeddings.clip import load_encoder, networks
from embeddings.errors import (
    BrokenModelError,
    ModelError,
    ModelUnavailableError,
    UnknownModelError,
    UnsafeWeightsError,
)


def test_weights_that_are_not_those_released_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flipped bit of the shipped model, which would load all the same."""
    for path in networks.COMPACT_FOLDER.iterdir():
        shutil.copy(path, tmp_path)
    (weights,) = tmp_path.glob("*.safetensors")
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    monkeypatch.setattr(networks, "COMPACT_FOLDER", tmp_path)
    with pytest.raises(BrokenModelError, match=f"{re.escape(weights.name)} .*SHA-256"):
        load_encoder("compact")


def test_fingerprint_follows_content_not_place(tiny_model: Path, own_model: Path) -> None:
    original = load_encoder(f"local-dir:{tiny_model}").spec.fingerprint
    assert load_encoder(f"local-dir:{own_model}").spec.fingerprint == original
    config = json.loads((own_model / "open_clip_config.json").read_text())
    config["preprocess_cfg"]["resize_mode"] = "longest"
    (own_model / "open_clip_config.json").write_text(json.dumps(config))
    assert load_encoder(f"local-dir:{own_model}").spec.fingerprint != original


def test_fingerprint_follows_the_weights(tiny_model: Path, own_model: Path) -> None:
    weights = load_file(own_model / "open_clip_model.safetensors")
    weights["logit_scale"] += 0.001
    save_file(weights, own_model / "open_clip_model.safetensors")
    original = load_encoder(f"local-dir:{tiny_model}").spec.fingerprint
    assert load_encoder(f"local-dir:{own_model}").spec.fingerprint != original


class _Payload:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.marker,))


@pytest.mark.case(44)
@pytest.mark.parametrize("name", ["open_clip_pytorch_model.bin", "model.pt", "model.pth"])
def test_pickles_are_refused_and_not_run(own_model: Path, name: str) -> None:
    (own_model / "open_clip_model.safetensors").unlink()
    marker = own_model / "payload-ran"
    torch.save(_Payload(marker), own_model / name)
    with pytest.raises(UnsafeWeightsError, match="no safetensors"):
        load_encoder(f"local-dir:{own_model}")
    assert not marker.exists()


@pytest.mark.case(45)
@pytest.mark.parametrize("cut", [0, 4, 100, -1])
def test_damaged_weights_are_named(own_model: Path, cut: int) -> None:
    path = own_model / "open_clip_model.safetensors"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(BrokenModelError, match=r"open_clip_model\.safetensors"):
        load_encoder(f"local-dir:{own_model}")


def test_weights_of_another_architecture_are_refused(own_model: Path) -> None:
    weights = load_file(own_model / "open_clip_model.safetensors")
    del weights["visual.proj"]
    save_file(weights, own_model / "open_clip_model.safetensors")
    with pytest.raises(BrokenModelError, match="does not fit"):
        load_encoder(f"local-dir:{own_model}")


def test_missing_folders_and_configs_are_named(own_model: Path) -> None:
    with pytest.raises(ModelUnavailableError, match="no model folder"):
        load_encoder(f"local-dir:{own_model / 'nowhere'}")
    (own_model / "open_clip_config.json").write_text("{")
    with pytest.raises(BrokenModelError, match="damaged, or does not fit its config"):
        load_encoder(f"local-dir:{own_model}")
    (own_model / "open_clip_config.json").unlink()
    with pytest.raises(ModelUnavailableError, match="open_clip_config"):
        load_encoder(f"local-dir:{own_model}")


def test_unknown_pairs_get_suggestions() -> None:
    with pytest.raises(UnknownModelError, match=r"ViT-B-32/laion2b_s34b_b79k"):
        load_encoder("ViT-B-32/laion2b_s34b_b79")


def test_pickle_only_pairs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"url": "https://example.org/weights.pt", "hf_hub": "", "mean": (0.5,) * 3}
    monkeypatch.setattr(open_clip, "get_pretrained_cfg", lambda architecture, tag: row)
    with pytest.raises(UnsafeWeightsError, match="only as a pickle"):
        load_encoder("ViT-B-32/old")


@pytest.mark.parametrize(("device", "precision"), [("tpu9", "auto"), ("cpu", "fp7")])
def test_unknown_devices_and_precisions_are_refused(
    tiny_model: Path, device: str, precision: str
) -> None:
    with pytest.raises(ModelError, match=device if device != "cpu" else precision):
        load_encoder(f"local-dir:{tiny_model}", device=device, precision=precision)
