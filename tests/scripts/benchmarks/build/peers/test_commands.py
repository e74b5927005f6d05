"""Commands of the peers: a missing one says how to install it, and each gets the same weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from scripts.benchmarks.build.peers.commands import MODEL, PEERS, rclip_search
from scripts.benchmarks.build.peers.environments import (
    FOLDER_VARIABLE,
    INSTALL,
    REQUIREMENTS,
    peers_folder,
)
from scripts.benchmarks.build.setup import QUICK, Setup
from scripts.support.front import ROOT

PROGRAMS = {
    "rclip": "rclip",
    "clip-retrieval": "clip-retrieval",
    "sentence-transformers": "python",
    "fastembed": "python",
}


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    """Models that are there already, and environments with empty programs."""
    model = tmp_path / "cache" / "build" / "models" / MODEL
    model.mkdir(parents=True)
    preprocess = {"size": [256, 256], "mean": [0.5] * 3, "std": [0.25] * 3}
    (model / "open_clip_config.json").write_text(json.dumps({"preprocess_cfg": preprocess}))
    for name in ("open_clip_model.safetensors", "visual.onnx", "textual.onnx"):
        (model / name).touch()
    (model / "transformers").mkdir()
    (model / "transformers" / "model.safetensors").touch()
    for peer, program in PROGRAMS.items():
        folder = tmp_path / "peers" / peer / "bin"
        folder.mkdir(parents=True)
        (folder / program).touch()
    run = tmp_path / "run"
    run.mkdir()
    return Setup(tmp_path, tmp_path / "cache", run, tmp_path / "peers", QUICK)


@pytest.mark.parametrize("peer", ["rclip", "clip_retrieval", "sentence_transformers", "fastembed"])
def test_a_peer_that_is_not_installed_says_how_to(setup: Setup, peer: str) -> None:
    absent = Setup(setup.data, setup.cache, setup.folder, setup.data / "none", QUICK)
    with pytest.raises(RuntimeError, match=f"is not installed: {INSTALL}"):
        PEERS[peer](absent, setup.data, setup.folder / "out.npy")


@pytest.mark.parametrize("peer", PEERS)
def test_nothing_of_this_checkout_reaches_a_peer(setup: Setup, peer: str) -> None:
    task = PEERS[peer](setup, setup.data, setup.folder / "out.npy")
    assert task.variables["PYTHONPATH"] == ""


def test_rclip_finds_the_model_where_it_downloads_its_own(setup: Setup) -> None:
    task = PEERS["rclip"](setup, setup.data, setup.folder / "out.npy")
    data = Path(task.variables["RCLIP_DATADIR"])
    model = setup.cache / "build" / "models" / MODEL
    laid = data / "ViT-B-32-256-datacomp_s34b_b86k"
    for name in ("visual.onnx", "textual.onnx"):
        assert (laid / name).resolve() == (model / name).resolve()
    assert (data / "tokenizer" / "bpe_simple_vocab_16e6.txt.gz").stat().st_size > 1_000_000
    assert task.folder == setup.data
    assert data / "db.sqlite3" in task.fresh
    search = rclip_search(setup, setup.data, "red dress")
    assert search.command[1:] == ["red dress", "--no-indexing"]
    assert search.fresh == ()
    assert search.variables == task.variables


def test_clip_retrieval_gets_the_weights_as_a_path(setup: Setup) -> None:
    command = PEERS["clip_retrieval"](setup, setup.data, setup.folder / "out.npy").command
    name = command[command.index("--clip_model") + 1]
    # all_clip takes what follows the first slash as open_clip's `pretrained`.
    architecture, _, weights = name.removeprefix("open_clip:").partition("/")
    assert architecture == "ViT-B-32-256"
    assert Path(weights).is_absolute()
    assert Path(weights).name == "open_clip_model.safetensors"


def test_fastembed_gets_the_models_own_preprocessing(setup: Setup) -> None:
    folder = Path(PEERS["fastembed"](setup, setup.data, setup.folder / "out.npy").command[3])
    found: Mapping[str, object] = json.loads((folder / "preprocessor_config.json").read_text())
    assert found["size"] == {"shortest_edge": 256}
    assert found["image_std"] == [0.25] * 3
    assert (folder / "model.onnx").exists()


def test_environments_lie_where_the_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, "elsewhere")
    assert peers_folder() == Path("elsewhere")
    monkeypatch.delenv(FOLDER_VARIABLE)
    assert peers_folder() == ROOT.parent / "peers"
    assert set(REQUIREMENTS) == set(PROGRAMS)
