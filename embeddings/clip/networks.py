"""Networks of open_clip by a model name: resolved to safetensors files, and built from them."""

from __future__ import annotations

import difflib
import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import open_clip
from open_clip.factory import load_checkpoint
from safetensors import SafetensorError

# The import of compact_trunk registers the image tower of `compact` with timm.
from embeddings.clip import compact_trunk, hub  # noqa: F401
from embeddings.errors import (
    BrokenModelError,
    ModelError,
    ModelUnavailableError,
    UnknownModelError,
    UnsafeWeightsError,
)
from embeddings.models import COMPACT_FOLDER, ModelSource, find_spec, parse_model_name
from embeddings.onnx import sha256_of

__all__ = ["LoadedNetwork", "load_network"]

# open_clip logs routine steps on the root logger, and warns of "no weights loaded" although this
# module loads them itself; only errors pass while it builds a model.
_LOG_LEVEL = logging.ERROR

# Their tokens are part of a model's fingerprint: plain words, non-ASCII, and a text longer than
# any model's context.
_PROBE_TEXTS = ("a photo of a red dress", "Größe 42, 100% cotton; naïve café", "shoes " * 100)


@dataclass(frozen=True)
class _Source:
    """A model's resolved files.

    Attributes:
        identifier: The name from which open_clip builds the architecture and the tokenizer.
        weights: A safetensors file.
        overrides: Settings of open_clip's table row that differ from the architecture's config.
    """

    identifier: str
    weights: Path
    overrides: dict[str, Any]


@dataclass(frozen=True)
class LoadedNetwork:
    """An open_clip model with its weights.

    Attributes:
        network: The open_clip model, on the CPU, in float32.
        tokenizer: Turns a list of texts into a tensor of tokens.
        weights: The safetensors file that the weights came from.
        fingerprint: SHA-256 (hex) over everything that its vectors depend on.
    """

    network: Any
    tokenizer: Any
    weights: Path
    fingerprint: str


def load_network(name: str) -> LoadedNetwork:
    """Load a network by any of the name forms of open_clip models in `embeddings.models`.

    Raises:
        ModelError: The model is unknown, unavailable, unsafe or broken; the message says which.
    """
    spec = find_spec(name)
    source = _resolve(name)
    digest = sha256_of(source.weights)
    if spec is not None and spec.sha256 is not None and digest != spec.sha256:
        raise BrokenModelError(
            f"{source.weights.name} of {name!r} is not the file this version was released with "
            "(its SHA-256 differs). Reinstall lookalike."
        )
    network = _build(name, source)
    tokenizer = _tokenizer(name, source)
    fingerprint = _fingerprint(digest, source, network, tokenizer)
    return LoadedNetwork(network, tokenizer, source.weights, fingerprint)


def _resolve(name: str) -> _Source:
    parsed = parse_model_name(name)
    match parsed.source:
        case ModelSource.BUNDLED:
            return _folder_source(COMPACT_FOLDER)
        case ModelSource.FOLDER:
            return _folder_source(Path(parsed.rest))
        case ModelSource.HUB:
            hub.fetch_config(parsed.rest)
            return _Source(name, hub.fetch_weights(parsed.rest), {})
        case ModelSource.EXPORTED:
            raise ModelError(
                f"{name!r} is an exported model, which torch does not run; use --runtime openvino "
                "or onnx."
            )
        case ModelSource.OPEN_CLIP:
            return _table_source(*parsed.rest.split("/"))


def _folder_source(folder: Path) -> _Source:
    if not folder.is_dir():
        raise ModelUnavailableError(f"There is no model folder {str(folder)!r}.")
    if not (folder / "open_clip_config.json").is_file():
        raise ModelUnavailableError(
            f"{str(folder)!r} is not an open_clip model folder: it has no open_clip_config.json."
        )
    found = sorted(
        folder.glob("*.safetensors"), key=lambda path: ("open_clip" not in path.name, path)
    )
    if not found:
        raise UnsafeWeightsError(
            f"{str(folder)!r} has no safetensors weights; other formats (.bin, .pt, .pth) can run "
            "code and are never loaded. Convert them to open_clip_model.safetensors."
        )
    return _Source(f"local-dir:{folder}", found[0], {})


def _table_source(architecture: str, pretrained: str) -> _Source:
    row = open_clip.get_pretrained_cfg(architecture, pretrained)
    if not row:
        listed = [f"{a}/{p}" for a, p in open_clip.list_pretrained()]
        near = difflib.get_close_matches(f"{architecture}/{pretrained}", listed, n=3)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise UnknownModelError(f"open_clip lists no model {architecture}/{pretrained}.{hint}")
    if not row.get("hf_hub"):
        raise UnsafeWeightsError(
            f"open_clip has {architecture}/{pretrained} only as a pickle file, which is never "
            "loaded. Choose one with safetensors weights: `lookalike models`."
        )
    repository, _, filename = row["hf_hub"].rpartition("/")
    kept = ("mean", "std", "interpolation", "resize_mode", "fill_color", "quick_gelu")
    overrides = {key: row[key] for key in kept if key in row}
    return _Source(architecture, hub.fetch_weights(repository, filename or None), overrides)


def _build(name: str, source: _Source) -> Any:
    preprocess = {key: value for key, value in source.overrides.items() if key != "quick_gelu"}
    level = logging.getLogger().level
    logging.getLogger().setLevel(_LOG_LEVEL)
    try:
        network = open_clip.create_model(
            source.identifier,
            load_weights=False,
            pretrained_text=False,
            force_quick_gelu=source.overrides.get("quick_gelu", False),
            force_preprocess_cfg=preprocess or None,
        )
        load_checkpoint(network, str(source.weights))
    except (SafetensorError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise BrokenModelError(
            f"{source.weights.name} of {name!r} is damaged, or does not fit its config: "
            f"{_first_line(error)}"
        ) from error
    except OSError as error:
        raise ModelUnavailableError(
            f"Could not load a file for model {name!r}: {_first_line(error)}. Without a network, "
            "use --model compact or --model local-dir:PATH."
        ) from error
    finally:
        logging.getLogger().setLevel(level)
    return network


def _tokenizer(name: str, source: _Source) -> Any:
    try:
        return open_clip.get_tokenizer(source.identifier)
    except Exception as error:
        raise ModelUnavailableError(
            f"Could not load the tokenizer of model {name!r}: {_first_line(error)}. Without a "
            "network, use --model compact or --model local-dir:PATH."
        ) from error


def _fingerprint(digest: str, source: _Source, network: Any, tokenizer: Any) -> str:
    """Hash weights, architecture, preprocessing and the tokenizer's behaviour by SHA-256."""
    facts = {
        "weights": digest,
        "architecture": open_clip.get_model_config(source.identifier),
        "preprocess": network.visual.preprocess_cfg,
        "tokens": tokenizer(list(_PROBE_TEXTS)).tolist(),
        "quick_gelu": source.overrides.get("quick_gelu", False),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _first_line(error: Exception) -> str:
    """Return the first line of a library's message; the rest is of no use to a reader."""
    return next(iter(str(error).splitlines()), type(error).__name__)
