"""Models from the hub without a network (CASES.md, row 46)."""

from __future__ import annotations

import shutil
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
from huggingface_hub import constants
from huggingface_hub.errors import EntryNotFoundError

from embeddings.clip import load_encoder
from embeddings.errors import ModelUnavailableError, UnsafeWeightsError


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub, which can't be reached."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def snapshot(cache: Path) -> Path:
    """Where the cache keeps the files of `shop/tiny`."""
    repository = cache / "models--shop--tiny"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("a" * 40)
    return repository / "snapshots" / ("a" * 40)


@pytest.mark.case(46)
@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("name", ["hf-hub:Marqo/marqo-fashionSigLIP", "ViT-B-32/laion2b_s34b_b79k"])
def test_an_unreachable_hub_names_the_ways_out(name: str) -> None:
    with pytest.raises(ModelUnavailableError, match=r"--model compact.*--model local-dir:PATH"):
        load_encoder(name)


def test_a_cached_hub_model_needs_no_network(
    tiny_model: Path, cache: Path, pixels: np.ndarray
) -> None:
    shutil.copytree(tiny_model, snapshot(cache))
    cached = load_encoder("hf-hub:shop/tiny", precision="fp32")
    local = load_encoder(f"local-dir:{tiny_model}", precision="fp32")
    np.testing.assert_array_equal(cached.encode_images(pixels), local.encode_images(pixels))


def test_a_repository_without_safetensors_is_refused(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def download(repository: str, name: str) -> str:
        asked.append((repository, name))
        if name == "open_clip_config.json":
            return str(tiny_model / name)
        raise EntryNotFoundError(name)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    with pytest.raises(UnsafeWeightsError, match="'shop/pickles' has no safetensors file"):
        load_encoder("hf-hub:shop/pickles")
    assert {repository for repository, _ in asked} == {"shop/pickles"}
    names = {name for _, name in asked} - {"open_clip_config.json"}
    assert all(name.endswith(".safetensors") for name in names)
    assert "open_clip_model.safetensors" in names
