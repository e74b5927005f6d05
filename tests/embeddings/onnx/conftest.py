"""A tiny model, exported to ONNX once, and a cache folder of the tests' own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import open_clip
import pytest
import torch
from safetensors.torch import save_file

from embeddings.clip import export_model
from tests.embeddings.clip.conftest import CONFIG


@pytest.fixture(scope="session")
def source_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The open_clip folder of a tiny model with random weights; read-only."""
    folder = tmp_path_factory.mktemp("source")
    (folder / "open_clip_config.json").write_text(json.dumps(CONFIG))
    torch.manual_seed(0)
    model = open_clip.create_model(f"local-dir:{folder}")
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    return folder


@pytest.fixture(scope="session")
def exported_model(source_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tiny model's export; read-only."""
    folder = tmp_path_factory.mktemp("exported") / "model"
    export_model(f"local-dir:{source_model}", folder)
    return folder


@pytest.fixture
def own_export(exported_model: Path, tmp_path: Path) -> Path:
    """A copy of the export that a test may change."""
    return Path(shutil.copytree(exported_model, tmp_path / "model"))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("LOOKALIKE_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"
