"""Commands of the peers: how each is given the same weights, and indexes a folder of photos."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from scripts.benchmarks.build.peers.environments import peer_program
from scripts.benchmarks.build.random_models import ARCHITECTURES, onnx_folder, random_model
from scripts.benchmarks.build.setup import Setup
from scripts.support.processes import LOOKALIKE, run

__all__ = ["MODEL", "PEERS", "Task", "ours", "rclip_search"]

MODEL = "vit_b_32_256"
"""The model of the comparison: rclip's own architecture."""

_PROGRAMS = Path(__file__).parent / "programs"
_RCLIP_MODEL = "ViT-B-32-256-datacomp_s34b_b86k"
_PREPARE_SECONDS = 300


@dataclass(frozen=True)
class Task:
    """A process to time.

    Attributes:
        command: The program and its arguments.
        fresh: What is removed before each run, so that nothing is indexed already.
        folder: Its working directory.
        variables: More environment variables.
    """

    command: list[str]
    fresh: tuple[Path, ...] = ()
    folder: Path | None = None
    # Nothing of this checkout may be found in a peer's environment.
    variables: Mapping[str, str] = field(default_factory=lambda: {"PYTHONPATH": ""})

    def clear(self) -> None:
        """Remove what earlier runs left."""
        for path in self.fresh:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def ours(model: str, photos: Path, index: Path) -> Task:
    """Return `lookalike index build` over the photos, with all its defaults."""
    command = [*LOOKALIKE, "index", "build", str(photos), "--index", str(index)]
    return Task([*command, "--model", model, "--json"], (index,), variables={})


def _rclip(setup: Setup, photos: Path, _: Path) -> Task:
    """Index as rclip does before it answers; its model lies where it downloads its own to."""
    program = peer_program(setup.peers, "rclip", "rclip")
    data = _rclip_data(setup)
    # It reads the folder that it stands in. Its database lies beside the model.
    return Task([program, "red dress"], _rclip_database(data), photos, _rclip_variables(data))


def rclip_search(setup: Setup, photos: Path, text: str) -> Task:
    """Return a text search over what the last run of rclip indexed."""
    program = peer_program(setup.peers, "rclip", "rclip")
    variables = _rclip_variables(_rclip_data(setup))
    return Task([program, text, "--no-indexing"], (), photos, variables)


def _rclip_data(setup: Setup) -> Path:
    data = setup.folder / "rclip"
    models = onnx_folder(MODEL, setup.cache)
    if not data.exists():
        (data / _RCLIP_MODEL).mkdir(parents=True)
        (data / "tokenizer").mkdir()
        for name in ("visual.onnx", "textual.onnx"):
            (data / _RCLIP_MODEL / name).symlink_to((models / name).resolve())
        shutil.copy(_vocabulary(), data / "tokenizer")
    return data


def _rclip_database(data: Path) -> tuple[Path, ...]:
    return tuple(data / f"db.sqlite3{end}" for end in ("", "-wal", "-shm", "-journal"))


def _rclip_variables(data: Path) -> dict[str, str]:
    return {"PYTHONPATH": "", "RCLIP_DATADIR": str(data)}


def _vocabulary() -> Path:
    """Return the file of byte pairs in open_clip's package, which need not be imported for it."""
    spec = find_spec("open_clip")
    if spec is None or spec.origin is None:
        raise RuntimeError("open_clip is not installed: pip install 'lookalike[clip]'")
    return Path(spec.origin).with_name("bpe_simple_vocab_16e6.txt.gz")


def _open_clip_loop(setup: Setup, photos: Path, out: Path) -> Task:
    program = str(_PROGRAMS / "open_clip_loop.py")
    model = random_model(MODEL, setup.cache)
    return Task([sys.executable, program, str(photos), str(model), str(out)])


def _clip_retrieval(setup: Setup, photos: Path, out: Path) -> Task:
    """Its `inference`: all_clip takes a path as the pretrained weights of an architecture."""
    program = peer_program(setup.peers, "clip-retrieval", "clip-retrieval")
    weights = random_model(MODEL, setup.cache).resolve() / "open_clip_model.safetensors"
    name = f"open_clip:{ARCHITECTURES[MODEL]}/{weights}"
    folder = out.with_suffix("")
    options = ["--enable_text=False", "--batch_size", "32", "--num_prepro_workers", "2"]
    command = [program, "inference", str(photos), str(folder), "--clip_model", name, *options]
    return Task(command, (folder,))


def _sentence_transformers(setup: Setup, photos: Path, out: Path) -> Task:
    """It loads transformers' format, into which the same weights are converted once."""
    program = peer_program(setup.peers, "sentence-transformers")
    model = random_model(MODEL, setup.cache)
    converted = model / "transformers"
    if not (converted / "model.safetensors").is_file():
        convert = str(_PROGRAMS / "huggingface_clip.py")
        command = [program, convert, str(model), str(_vocabulary()), str(converted)]
        run(command, limit=_PREPARE_SECONDS, variables={"PYTHONPATH": ""})
    index = str(_PROGRAMS / "sentence_transformers_index.py")
    return Task([program, index, str(photos), str(converted), str(out)])


def _fastembed(setup: Setup, photos: Path, out: Path) -> Task:
    """It takes a folder in place of the one that it downloads for CLIP's image tower."""
    program = peer_program(setup.peers, "fastembed")
    model = onnx_folder(MODEL, setup.cache)
    folder = model / "fastembed"
    folder.mkdir(exist_ok=True)
    if not (folder / "model.onnx").exists():
        (folder / "model.onnx").symlink_to((model / "visual.onnx").resolve())
    config = json.loads((model / "open_clip_config.json").read_text())["preprocess_cfg"]
    side = config["size"] if isinstance(config["size"], int) else config["size"][0]
    preprocessing = {
        "do_resize": True,
        "size": {"shortest_edge": side},
        "resample": 3,
        "do_center_crop": True,
        "crop_size": side,
        "do_normalize": True,
        "image_mean": config["mean"],
        "image_std": config["std"],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessing))
    index = str(_PROGRAMS / "fastembed_index.py")
    return Task([program, index, str(photos), str(folder), str(out)])


PEERS: Mapping[str, Callable[[Setup, Path, Path], Task]] = {
    "rclip": _rclip,
    "open_clip_loop": _open_clip_loop,
    "clip_retrieval": _clip_retrieval,
    "sentence_transformers": _sentence_transformers,
    "fastembed": _fastembed,
}
"""What each peer runs, by what measures call it; each raises RuntimeError if it can't."""
