"""Export of open_clip models to ONNX folders, which run without torch."""

from __future__ import annotations

import copy
import logging
import os
import shutil
import warnings
from contextlib import redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from open_clip import tokenizer as tokenizers
from torch import Tensor, nn
from torch.nn import functional

from embeddings.clip.exporting.weights import refer_to_weights
from embeddings.clip.feature_tower import FeatureTower
from embeddings.clip.model import make_preprocess
from embeddings.clip.networks import LoadedNetwork, load_network
from embeddings.errors import LookalikeError, ModelError
from embeddings.onnx import (
    CLEANERS,
    IMAGE_TOWER,
    PROBE_TEXTS,
    TEXT_TOWER,
    ModelFolder,
    TokenizerConfig,
    load_folder,
    make_tokenizer,
    probe_images,
    sha256_of,
)

__all__ = ["export_model", "export_network"]

# Both compute in float32: less means that the graph is not the network.
_LEAST_COSINE = 0.9999
# Keeps a division by the length of features defined where they are zero.
_LEAST_LENGTH = 1e-12
_WEIGHTS_FILE = "weights.safetensors"
_TOKENIZER_FILE = "tokenizer.json"


def export_model(name: str, folder: Path) -> ModelFolder:
    """Export a model by any of the name forms of open_clip models in `embeddings.models`.

    Args:
        name: The model.
        folder: Where to write it; made if it is missing.

    Raises:
        ModelError: The model can't be loaded, does not convert, or the folder can't be written.
    """
    loaded = load_network(name)
    try:
        return export_network(loaded, folder)
    except OSError as error:
        raise ModelError(
            f"The model can't be exported to {str(folder)!r}: {error.strerror or error}. Choose "
            "another folder, or make room."
        ) from error


def export_network(loaded: LoadedNetwork, folder: Path) -> ModelFolder:
    """Write a network's towers as ONNX, and compare their vectors with the network's own.

    Args:
        loaded: The network.
        folder: Where to write it. The weights file is linked to, or copied, if it is not there.

    Raises:
        ModelError: The network does not convert.
        OSError: The folder can't be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        exported = _write(loaded, folder)
    except (LookalikeError, OSError):
        raise
    except Exception as error:  # the exporter's errors have no common type
        raise ModelError(f"The model does not convert to ONNX: {_reason(error)}") from error
    _compare(loaded, exported)
    return exported


def _reason(error: BaseException) -> str:
    """Return the first line of the first cause; the exporter wraps it in advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    return next(iter(str(error).splitlines()), type(error).__name__)


def _write(loaded: LoadedNetwork, folder: Path) -> ModelFolder:
    weights = _place_weights(loaded.weights, folder)
    network = loaded.network.eval()
    preprocess = make_preprocess(network.visual.preprocess_cfg)
    images = torch.from_numpy(probe_images(preprocess.size)[:2])
    tokens = loaded.tokenizer(list(PROBE_TEXTS[:2]))
    image_tower = _ImageTower(network)
    towers: dict[str, tuple[nn.Module, str, Tensor]] = {
        IMAGE_TOWER: (image_tower, "pixels", images),
        TEXT_TOWER: (_TextTower(network), "tokens", tokens),
    }
    for file, (tower, values, example) in towers.items():
        graph = _graph(tower, values, example)
        refer_to_weights(graph, weights, weights.name)
        onnx.save_model(graph, folder / file)
    tokenizer = _tokenizer_config(loaded.tokenizer, folder)
    names = [IMAGE_TOWER, TEXT_TOWER, weights.name]
    names += [tokenizer.file] if tokenizer.file else []
    with torch.inference_mode():
        dim = network.encode_text(tokens).shape[1]
    exported = ModelFolder(
        path=folder,
        fingerprint=loaded.fingerprint,
        dim=dim,
        logit_scale=float(network.logit_scale.detach().exp()),
        preprocess=preprocess,
        tokenizer=tokenizer,
        files={name: sha256_of(folder / name) for name in names},
        features=image_tower.features,
    )
    exported.write()
    return exported


class _ImageTower(nn.Module):
    """Normalisation and image tower: uint8 pixels `[n, h, w, 3]` to unit rows, and to features.

    Attributes:
        features: Width of the second output; 0 for a tower that has one output.
    """

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(self, network: Any) -> None:
        super().__init__()
        config = network.visual.preprocess_cfg
        self.tower = FeatureTower(network)
        self.features = self.tower.width(make_preprocess(config).size)
        self.register_buffer("pixel_mean", torch.tensor(config["mean"]).view(1, 3, 1, 1))
        self.register_buffer("pixel_std", torch.tensor(config["std"]).view(1, 3, 1, 1))

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        scaled = pixels.permute(0, 3, 1, 2).float().div(255.0)
        scaled = scaled.sub(self.pixel_mean).div(self.pixel_std)
        vectors, features = self.tower(scaled)
        unit = functional.normalize(vectors, dim=-1)
        return (unit, features) if self.features else (unit,)


class _TextTower(nn.Module):
    """Text tower: int64 tokens `[n, context]` to unit rows."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, tokens: Tensor) -> Tensor:
        return functional.normalize(self.network.encode_text(tokens), dim=-1)


def _graph(tower: nn.Module, values: str, example: Tensor) -> onnx.ModelProto:
    """Trace a tower into a graph that takes any number of rows."""
    level = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        # The exporter prints its progress, and warns of its own parts.
        with warnings.catch_warnings(), redirect_stdout(StringIO()), torch.no_grad():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                tower.eval(),
                (example,),
                dynamo=True,
                input_names=[values],
                output_names=["vectors", "features"][: 1 + bool(getattr(tower, "features", 0))],
                dynamic_shapes=({0: torch.export.Dim("n")},),
                optimize=False,
                verbose=False,
            )
    finally:
        logging.disable(level)
    assert program is not None  # with dynamo it always returns one
    graph: onnx.ModelProto = program.model_proto
    _strip(graph)
    return graph


def _strip(graph: onnx.ModelProto) -> None:
    """Remove the exporter's notes, which name files of the machine that it ran on."""
    del graph.metadata_props[:]
    for part in (graph.graph, *graph.graph.node, *graph.graph.value_info, *graph.graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
    del graph.graph.value_info[:]


def _place_weights(source: Path, folder: Path) -> Path:
    """Return the weights file in the folder: the source itself, a link to it, or a copy."""
    source = source.resolve()
    if source.parent == folder.resolve():
        return source
    target = folder / _WEIGHTS_FILE
    with suppress(FileNotFoundError):
        target.unlink()
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copyfile(source, target)
    return target


def _tokenizer_config(tokenizer: Any, folder: Path) -> TokenizerConfig:
    """Describe a tokenizer of open_clip; a hub's tokenizer is written to the folder."""
    cleaners = {tokenizers.get_clean_fn(name): name for name in CLEANERS}
    context, clean = tokenizer.context_length, cleaners[tokenizer.clean_fn]
    if isinstance(tokenizer, tokenizers.SimpleTokenizer) and tokenizer.reduction_fn is None:
        return TokenizerConfig("clip", context, clean)
    if isinstance(tokenizer, tokenizers.HFTokenizer) and not tokenizer.tokenizer_mode:
        hub = tokenizer.tokenizer
        copy.deepcopy(hub.backend_tokenizer).save(str(folder / _TOKENIZER_FILE))
        zero_id = hub.sep_token_id if tokenizer.strip_sep_token else None
        return TokenizerConfig("hub", context, clean, hub.pad_token_id, _TOKENIZER_FILE, zero_id)
    raise ModelError(f"its tokenizer ({type(tokenizer).__name__}) runs in torch only.")


def _compare(loaded: LoadedNetwork, exported: ModelFolder) -> None:
    """Compare the tokens and vectors of an export with those of the network.

    Raises:
        ModelError: They differ.
    """
    tokens = loaded.tokenizer(list(PROBE_TEXTS))
    images = torch.from_numpy(probe_images(exported.preprocess.size))
    with torch.inference_mode():
        rows = torch.cat(_ImageTower(loaded.network).eval()(images), 1).numpy()
        texts = _TextTower(loaded.network).eval()(tokens).numpy()
    encoder = load_folder(exported.path, "exported", precision="fp32")
    found = encoder.encode_image_rows(images.numpy())
    pairs = {
        "vectors": (rows[:, : exported.dim], found[:, : exported.dim]),
        "vectors of texts": (texts, encoder.encode_texts(PROBE_TEXTS)),
    }
    if exported.features:
        pairs["features"] = (rows[:, exported.dim :], found[:, exported.dim :])
    if not np.array_equal(make_tokenizer(exported)(PROBE_TEXTS), tokens.numpy()):
        raise ModelError("The exported tokenizer gives other tokens than open_clip's.")
    for name, (one, other) in pairs.items():
        lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
        least = ((one * other).sum(axis=1) / np.maximum(lengths, _LEAST_LENGTH)).min()
        if not least >= _LEAST_COSINE:
            raise ModelError(f"The exported model gives other {name} (cosine {least:.5f}).")
