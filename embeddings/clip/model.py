"""An open_clip model on one device: pixels and texts in, unit vectors out."""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from embeddings.clip.batch_norm import fold_batch_norms
from embeddings.clip.feature_tower import FeatureTower
from embeddings.clip.image_chunks import ImageChunks, to_device
from embeddings.encoder import FloatArray, PixelArray
from embeddings.errors import ModelError
from embeddings.onnx import Choice, Tower, choose, machine_key, probe_images, remembered
from embeddings.preprocess import Preprocess, ResizeMode

__all__ = ["ClipModel", "make_preprocess"]

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

# Folding only regroups float32 sums; a lower cosine means that the wrong modules were folded.
_MIN_FOLD_COSINE = 0.9999

# Tried on a CPU, which is quickest while a layer's values fit its caches. Some processors claim
# bfloat16 and emulate it: for ViT-B-32 it was six times slower than float32.
_CPU_CANDIDATES = ("fp32", "bf16")
_CPU_CHUNKS = (4, 8, 16, 32)
_GPU_CHUNK_IMAGES = 256
_BATCH_IMAGES = 64


class ClipModel:
    """An open_clip model with its preprocessing and precision.

    Computes on the calling thread; safe to call from several threads.

    Args:
        network: The open_clip model, with its weights loaded.
        tokenizer: Turns a list of texts into a tensor of tokens.
        device: Where the model runs.
        precision: `auto`, `fp32`, `bf16` or `fp16`.
        fingerprint: Names the model where measurements are remembered.

    Raises:
        ModelError: The precision is none of these.
    """

    def __init__(
        self,
        network: Any,
        tokenizer: Any,
        device: torch.device,
        precision: str,
        fingerprint: str,
    ) -> None:
        self.device = device
        self._tokenizer = tokenizer
        self._tokenizing = threading.Lock()
        self._config: dict[str, Any] = network.visual.preprocess_cfg
        self._network = network.eval().requires_grad_(requires_grad=False).to(device)
        self._mean = torch.tensor(self._config["mean"], device=device).view(1, 3, 1, 1)
        self._std = torch.tensor(self._config["std"], device=device).view(1, 3, 1, 1)
        self._tower = FeatureTower(self._network)
        self._fold_batch_norms()
        if device.type == "cuda":  # so that convolutions in half precision use tensor cores
            self._network.visual.to(memory_format=torch.channels_last)
        self._choice = self._choose(precision, fingerprint)
        self._dtype = _DTYPES[self._choice.precision]

    @cached_property
    def dim(self) -> int:
        """Length of the model's vectors."""
        return int(self.encode_texts(["probe"]).shape[1])

    @cached_property
    def features(self) -> int:
        """Number of features beside each vector; 0 for none."""
        with torch.inference_mode():
            return self._tower.width(self.preprocess.size)

    @property
    def precision(self) -> str:
        """The arithmetic in use: `fp32`, `bf16` or `fp16`."""
        return self._choice.precision

    @cached_property
    def logit_scale(self) -> float:
        """The multiplier of cosines learned in training."""
        return float(self._network.logit_scale.exp())

    @cached_property
    def preprocess(self) -> Preprocess:
        """The model's own resizing, as open_clip's evaluation transform does it."""
        return make_preprocess(self._config)

    @property
    def preferred_batch_size(self) -> int:
        """The number of images to give at once: some chunks of a CPU, or one of a GPU."""
        return max(_BATCH_IMAGES, self._chunk_size)

    def encode_images(self, pixels: PixelArray) -> FloatArray:
        """Embed `[n, height, width, 3]` uint8 pixels; `[n, dim]` float32 unit rows."""
        return self.encode_image_rows(pixels)[:, : self.dim]

    def encode_image_rows(self, pixels: PixelArray) -> FloatArray:
        """Embed pixels; `[n, dim + features]` float32: unit rows, and the features beside them."""
        if len(pixels) == 0:
            return np.empty((0, self.dim + self.features), dtype=np.float32)
        return self._image_chunks(pixels)

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Embed texts; `[n, dim]` float32 unit rows. Tokens past the model's context are cut."""
        if not texts:
            return np.empty((0, self.dim), dtype=np.float32)
        with self._tokenizing:  # some tokenizers are not safe to call from two threads at once
            tokens = self._tokenizer(list(texts)).to(self.device)
        # Texts are few and short: on a CPU they gain nothing from half precision.
        dtype = self._dtype if self.device.type == "cuda" else torch.float32
        with torch.inference_mode(), self._autocast(dtype):
            return _unit_rows(self._network.encode_text(tokens))

    @property
    def _chunk_size(self) -> int:
        """The number of images that go through the model at once."""
        return self._choice.chunk

    @cached_property
    def _image_chunks(self) -> ImageChunks:
        return ImageChunks(
            lambda pixels: self._embed(pixels, self._dtype), self.device, self._chunk_size
        )

    def _encode_chunk(self, pixels: PixelArray, dtype: torch.dtype) -> FloatArray:
        rows = self._embed(to_device(pixels, self.device), dtype)
        return np.asarray(rows.cpu().numpy(), dtype=np.float32)[:, : self.dim]

    def _embed(self, pixels: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """Embed uint8 pixels on the device; returns unit rows and features side by side there."""
        # [n, h, w, c] seen as [n, c, h, w] is torch's channels_last layout, the quick one for
        # convolutions, at no cost.
        batch = pixels.permute(0, 3, 1, 2).float().div_(255.0).sub_(self._mean).div_(self._std)
        with torch.inference_mode(), self._autocast(dtype):
            vectors, features = self._tower(batch)
            return torch.cat([functional.normalize(vectors.float(), dim=-1), features.float()], 1)

    def _autocast(self, dtype: torch.dtype) -> Any:
        if dtype is torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, dtype)

    def _choose(self, precision: str, fingerprint: str) -> Choice:
        """Choose precision and chunk size: on a CPU by measurements, which are remembered."""
        if precision not in ("auto", *_DTYPES):
            raise ModelError(
                f"{precision!r} is not a precision; use {', '.join(['auto', *_DTYPES])}."
            )
        if self.device.type != "cpu":
            return Choice("fp16" if precision == "auto" else precision, _GPU_CHUNK_IMAGES, 0.0)
        candidates = _CPU_CANDIDATES if precision == "auto" else (precision,)
        threads = torch.get_num_threads()
        key = machine_key("torch", torch.__version__, threads, candidates, _CPU_CHUNKS)
        return remembered(f"{fingerprint[:16]}-{key}", partial(self._measure, candidates))

    def _measure(self, candidates: tuple[str, ...]) -> Choice:
        def make(precision: str) -> Tower:
            encode = partial(self._encode_chunk, dtype=_DTYPES[precision])
            return Tower(encode, streams=1, chunk=_CPU_CHUNKS[0])

        return choose(make, self._probes, candidates, _CPU_CHUNKS)

    def _fold_batch_norms(self) -> None:
        """Fold batch norms of the image tower, if probe images keep their vectors.

        Convolutional towers spend much of their time on memory traffic, which this spares: 46
        images a second against 26 for such a tower in float32, in one run on two busy cores.
        """
        if not any(isinstance(child, nn.BatchNorm2d) for child in self._network.visual.modules()):
            return
        folded = copy.deepcopy(self._network.visual)
        fold_batch_norms(folded)
        before = self._encode_chunk(self._probes, torch.float32)
        original, self._network.visual = self._network.visual, folded
        after = self._encode_chunk(self._probes, torch.float32)
        if (before * after).sum(axis=1).min() < _MIN_FOLD_COSINE:
            self._network.visual = original

    @cached_property
    def _probes(self) -> PixelArray:
        return probe_images(self.preprocess.size)


def make_preprocess(config: Mapping[str, Any]) -> Preprocess:
    """Make the resizing of open_clip's `preprocess_cfg`."""
    size = config["size"]
    return Preprocess(
        size=(size, size) if isinstance(size, int) else (size[0], size[1]),
        mode=ResizeMode(config["resize_mode"]),
        interpolation=config["interpolation"],
        fill=config["fill_color"],
    )


def _unit_rows(vectors: torch.Tensor) -> FloatArray:
    rows = functional.normalize(vectors.float(), dim=-1)
    return np.asarray(rows.cpu().numpy(), dtype=np.float32)
