"""The open_clip adapter: the one file that imports torch and open_clip."""

from __future__ import annotations

import copy
import difflib
import hashlib
import json
import logging
import threading
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from open_clip.factory import load_checkpoint
from safetensors import SafetensorError
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

# Imported for timm to know the trunk of `compact`.
from embeddings.clip import compact_trunk, hub  # noqa: F401
from embeddings.clip.inference_thread import OneThread
from embeddings.encoder import Encoder, EncoderSpec, FloatArray, PixelArray
from embeddings.errors import (
    BrokenModelError,
    ModelError,
    ModelUnavailableError,
    UnknownModelError,
    UnsafeWeightsError,
)
from embeddings.models import COMPACT_FOLDER, ModelSource, find_spec, parse_model_name
from embeddings.preprocess import Preprocess, ResizeMode

__all__ = ["ClipEncoder", "fold_batch_norms", "load_encoder", "use_threads"]

# open_clip reports routine steps, and "no weights loaded" for what we load ourselves, on the root
# logger; this level is for faults only.
_QUIET = logging.ERROR

# Below this cosine against float32, bfloat16 is not used: DESIGN.md, "Models".
_MIN_HALF_COSINE = 0.999

# Folding only regroups float32 sums; anything below this is a fold of the wrong modules.
_MIN_FOLD_COSINE = 0.9999

# A CPU is quickest while a layer's activations fit its caches: for `compact` on two cores we
# measured 161, 440, 301 and 205 pictures a second in chunks of 1, 8, 16 and 64.
_CPU_CHUNK_PIXELS = 8 * 160 * 160
_GPU_CHUNK = 256

# What has all processors is computed on this thread, for all models of a process. OpenMP has a team
# of threads for every thread that computes, and once those are more than the processors, they sleep
# where they would briefly spin: with a second team, `compact` took 9.8 ms for a picture that took
# 5.1 with one, on two cores.
_inference = OneThread("inference")

# Batches of several callers go side by side instead, each on one processor, with no team at all.
# Past so many of them, Python's part of every layer, which one thread does at a time, would count.
_LARGEST_CREW = 8

_PROBE_TEXTS = ("a photo of a red dress", "Größe 42, 100% cotton; naïve café", "shoes " * 100)


@dataclass(frozen=True)
class _Source:
    """A model's resolved files.

    Attributes:
        identifier: The name open_clip builds the architecture and tokenizer from.
        weights: A safetensors file.
        overrides: What open_clip's table says of this pair beside the architecture.
    """

    identifier: str
    weights: Path
    overrides: dict[str, Any]


@_inference.runs
def load_encoder(name: str, *, device: str = "auto", precision: str = "auto") -> ClipEncoder:
    """Load a model by any of the name forms of `embeddings.models`.

    Args:
        name: E.g. `compact`, `ViT-B-32/laion2b_s34b_b79k`, `local-dir:models/mine`.
        device: `auto` (CUDA if there is one), `cpu`, `cuda`, `cuda:1`, ...
        precision: `auto`, `fp32`, `bf16` or `fp16`. On CUDA `auto` is fp16; on a CPU it is bf16
            where the processor has it and vectors stay within cosine 0.999 of float32.

    Raises:
        ModelError: The model is unknown, unavailable, unsafe or broken; the message says which.
    """
    spec = find_spec(name)
    source = _resolve(name)
    digest = _sha256(source.weights)
    if spec is not None and spec.sha256 is not None and digest != spec.sha256:
        raise BrokenModelError(
            f"{source.weights.name} of {name!r} is not the file this version was released with "
            "(its SHA-256 differs). Reinstall lookalike."
        )
    model = _build(name, source)
    tokenizer = _tokenizer(name, source)
    return ClipEncoder(
        name=name,
        model=model,
        tokenizer=tokenizer,
        fingerprint=_fingerprint(digest, source, model, tokenizer),
        device=_choose_device(device),
        precision=precision,
    )


@_inference.runs
def use_threads(count: int) -> None:
    """How many processors a model of this process uses on a CPU; all, if this is never called."""
    torch.set_num_threads(count)


class ClipEncoder:
    """An `Encoder` over an open_clip model; safe to call from several threads."""

    def __init__(
        self,
        *,
        name: str,
        model: Any,
        tokenizer: Any,
        fingerprint: str,
        device: torch.device,
        precision: str,
    ) -> None:
        self._name = name
        self._fingerprint = fingerprint
        self._device = device
        self._tokenizer = tokenizer
        self._tokenizing = threading.Lock()
        self._config: dict[str, Any] = model.visual.preprocess_cfg
        self._model = model.eval().requires_grad_(False).to(device)
        self._mean = torch.tensor(self._config["mean"], device=device).view(1, 3, 1, 1)
        self._std = torch.tensor(self._config["std"], device=device).view(1, 3, 1, 1)
        self._fold_batch_norms()
        self._dtype = self._choose_dtype(precision)

    @cached_property
    def spec(self) -> EncoderSpec:
        """What this encoder is."""
        return EncoderSpec(
            name=self._name,
            fingerprint=self._fingerprint,
            dim=self.encode_texts(["probe"]).shape[1],
            device=str(self._device),
            precision={torch.float16: "fp16", torch.bfloat16: "bf16"}.get(self._dtype, "fp32"),
            logit_scale=float(self._model.logit_scale.exp()),
        )

    @cached_property
    def preprocess(self) -> Preprocess:
        """The model's own resizing, as open_clip's evaluation transform does it."""
        size = self._config["size"]
        return Preprocess(
            size=(size, size) if isinstance(size, int) else (size[0], size[1]),
            mode=ResizeMode(self._config["resize_mode"]),
            interpolation=self._config["interpolation"],
            fill=self._config["fill_color"],
        )

    @cached_property
    def crew(self) -> tuple[Encoder, ...]:
        """Encoders over this model that compute side by side, each on one processor of a CPU.

        Empty where that gains nothing: on a GPU, and with one processor or a great many.
        """
        count = _inference.runs(torch.get_num_threads)()
        if self._device.type != "cpu" or not 1 < count <= _LARGEST_CREW:
            return ()
        crew = tuple(_OnOneProcessor(self, number) for number in range(count))
        use_threads(count)  # torch keeps what was set last for threads that it has not met
        return crew

    @_inference.runs
    def encode_images(self, pixels: PixelArray) -> FloatArray:
        """Embed `[n, height, width, 3]` uint8 pixels; `[n, dim]` float32 unit rows."""
        return self._embed_images(pixels)

    @_inference.runs
    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Embed texts; `[n, dim]` float32 unit rows. Tokens past the model's context are cut."""
        return self._embed_texts(texts)

    def _embed_images(self, pixels: PixelArray) -> FloatArray:
        if len(pixels) == 0:
            return np.empty((0, self.spec.dim), dtype=np.float32)
        size = self._chunk_size
        chunks = (pixels[start : start + size] for start in range(0, len(pixels), size))
        return np.concatenate([self._encode_images(chunk, self._dtype) for chunk in chunks])

    def _embed_texts(self, texts: Sequence[str]) -> FloatArray:
        if not texts:
            return np.empty((0, self.spec.dim), dtype=np.float32)
        with self._tokenizing:  # some tokenizers can't be asked by two threads at once
            tokens = self._tokenizer(list(texts)).to(self._device)
        # Texts are few and short: on a CPU they gain nothing from half precision.
        dtype = self._dtype if self._device.type == "cuda" else torch.float32
        with torch.inference_mode(), self._autocast(dtype):
            return _unit_rows(self._model.encode_text(tokens))

    @property
    def _chunk_size(self) -> int:
        """How many pictures go through the model at once."""
        if self._device.type != "cpu":
            return _GPU_CHUNK
        height, width = self.preprocess.size
        return max(1, _CPU_CHUNK_PIXELS // (height * width))

    def _encode_images(self, pixels: PixelArray, dtype: torch.dtype) -> FloatArray:
        batch = torch.from_numpy(np.ascontiguousarray(pixels))
        if self._device.type == "cuda":
            batch = batch.pin_memory().to(self._device, non_blocking=True)
        # [n, h, w, c] seen as [n, c, h, w] is torch's channels_last layout, the quick one for
        # convolutions, at no cost.
        batch = batch.permute(0, 3, 1, 2).float().div_(255.0).sub_(self._mean).div_(self._std)
        with torch.inference_mode(), self._autocast(dtype):
            return _unit_rows(self._model.encode_image(batch))

    def _autocast(self, dtype: torch.dtype) -> Any:
        if dtype is torch.float32:
            return nullcontext()
        return torch.autocast(self._device.type, dtype)

    def _choose_dtype(self, precision: str) -> torch.dtype:
        named = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
        if precision in named:
            return named[precision]
        if precision != "auto":
            raise ModelError(f"Precision {precision!r} is none of auto, {', '.join(named)}.")
        if self._device.type == "cuda":
            return torch.float16
        if _cpu_has_bfloat16() and self._half_agrees(torch.bfloat16):
            return torch.bfloat16
        return torch.float32

    def _half_agrees(self, dtype: torch.dtype) -> bool:
        """Whether probe pictures keep their vectors in half precision."""
        full = self._encode_images(self._probes, torch.float32)
        half = self._encode_images(self._probes, dtype)
        return bool((full * half).sum(axis=1).min() >= _MIN_HALF_COSINE)

    def _fold_batch_norms(self) -> None:
        """Fold batch norms of the image tower into the convolutions before them.

        Convolutional towers spend much of their time on memory traffic, which this spares: 46
        pictures a second against 26 for such a tower in float32, in one run on two busy cores. What
        follows what is read off the order of the modules, so the fold is kept only if probe
        pictures keep their vectors.
        """
        if not any(isinstance(child, nn.BatchNorm2d) for child in self._model.visual.modules()):
            return
        folded = copy.deepcopy(self._model.visual)
        fold_batch_norms(folded)
        before = self._encode_images(self._probes, torch.float32)
        original, self._model.visual = self._model.visual, folded
        after = self._encode_images(self._probes, torch.float32)
        if (before * after).sum(axis=1).min() < _MIN_FOLD_COSINE:
            self._model.visual = original

    @cached_property
    def _probes(self) -> PixelArray:
        """Random colours in eight coarse patterns, eight smooth ones and eight on white.

        Smooth ground, which most product pictures have, loses most in half precision.
        """
        height, width = self.preprocess.size
        rng = np.random.default_rng(0)
        coarse = torch.from_numpy(rng.integers(0, 256, (8, 3, 4, 4), dtype=np.uint8)).float()
        hard = functional.interpolate(coarse, (height, width), mode="nearest")
        smooth = functional.interpolate(coarse, (height, width), mode="bilinear")
        framed = torch.full_like(smooth, 255.0)
        inner = (slice(height // 4, -(height // 4)), slice(width // 4, -(width // 4)))
        framed[:, :, *inner] = smooth[:, :, *inner]
        probes = torch.cat([hard, smooth, framed]).permute(0, 2, 3, 1)
        return np.ascontiguousarray(probes.round().to(torch.uint8).numpy())


class _OnOneProcessor:
    """An encoder's model, computed on a thread of its own by one processor."""

    def __init__(self, encoder: ClipEncoder, number: int) -> None:
        thread = OneThread(f"inference-{number}")
        thread.runs(torch.set_num_threads)(1)
        self._encoder = encoder
        self._images = thread.runs(encoder._embed_images)
        self._texts = thread.runs(encoder._embed_texts)

    @property
    def spec(self) -> EncoderSpec:
        """The encoder's."""
        return self._encoder.spec

    @property
    def preprocess(self) -> Preprocess:
        """The encoder's."""
        return self._encoder.preprocess

    def encode_images(self, pixels: PixelArray) -> FloatArray:
        """As `ClipEncoder.encode_images`."""
        return self._images(pixels)

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """As `ClipEncoder.encode_texts`."""
        return self._texts(texts)


def fold_batch_norms(module: nn.Module) -> None:
    """Fold every batch norm that directly follows a convolution, in place."""
    before: tuple[str, nn.Module] | None = None
    for name, child in list(module.named_children()):
        if (
            isinstance(child, nn.BatchNorm2d)
            and before is not None
            and isinstance(before[1], nn.Conv2d)
            and before[1].out_channels == child.num_features
        ):
            setattr(module, before[0], fuse_conv_bn_eval(before[1], child))
            # timm's batch norms carry the activation that follows them.
            setattr(module, name, getattr(child, "act", None) or nn.Identity())
            before = None
        else:
            fold_batch_norms(child)
            before = (name, child)


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
        known = [f"{a}/{p}" for a, p in open_clip.list_pretrained()]
        near = difflib.get_close_matches(f"{architecture}/{pretrained}", known, n=3)
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
    logging.getLogger().setLevel(_QUIET)
    try:
        model = open_clip.create_model(
            source.identifier,
            load_weights=False,
            pretrained_text=False,
            force_quick_gelu=source.overrides.get("quick_gelu", False),
            force_preprocess_cfg=preprocess or None,
        )
        load_checkpoint(model, str(source.weights))
    except (SafetensorError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise BrokenModelError(
            f"{source.weights.name} of {name!r} is damaged, or does not fit its config: "
            f"{str(error).splitlines()[0]}"
        ) from error
    except OSError as error:
        raise ModelUnavailableError(
            f"A file that {name!r} needs can't be had: {str(error).splitlines()[0]}. Without a "
            "network, use --model compact or --model local-dir:PATH."
        ) from error
    finally:
        logging.getLogger().setLevel(level)
    return model


def _tokenizer(name: str, source: _Source) -> Any:
    try:
        return open_clip.get_tokenizer(source.identifier)
    except Exception as error:
        raise ModelUnavailableError(
            f"The tokenizer of {name!r} can't be loaded: {str(error).splitlines()[0]}"
        ) from error


def _fingerprint(digest: str, source: _Source, model: Any, tokenizer: Any) -> str:
    """SHA-256 over weights, architecture, preprocessing and the tokenizer's behaviour."""
    config = open_clip.get_model_config(source.identifier)
    facts = {
        "weights": digest,
        "architecture": config,
        "preprocess": model.visual.preprocess_cfg,
        "tokens": tokenizer(list(_PROBE_TEXTS)).tolist(),
        "quick_gelu": source.overrides.get("quick_gelu", False),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _choose_device(device: str) -> torch.device:
    if device == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise ModelError(f"{device!r} is not a device; use auto, cpu, cuda or cuda:N.") from error
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise ModelError("There is no CUDA device here; use --device auto or --device cpu.")
    return chosen


def _cpu_has_bfloat16() -> bool:
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _unit_rows(vectors: torch.Tensor) -> FloatArray:
    rows = torch.nn.functional.normalize(vectors.float(), dim=-1)
    return np.asarray(rows.cpu().numpy(), dtype=np.float32)
