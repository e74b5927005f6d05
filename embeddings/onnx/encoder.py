"""`OnnxEncoder`: an `Encoder` over a model folder; a tower is compiled when it is first needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from embeddings.encoder import Encoder, EncoderSpec, FloatArray, PixelArray
from embeddings.errors import ModelError
from embeddings.onnx.cache import read_facts, write_facts
from embeddings.onnx.folder import IMAGE_TOWER, TEXT_TOWER, ModelFolder
from embeddings.onnx.machine import machine_key
from embeddings.onnx.probes import PROBE_TEXTS, probe_images
from embeddings.onnx.runtimes import Runtime, Tower
from embeddings.onnx.tuning import Choice, choose, is_quicker_alone, remembered
from embeddings.preprocess import Preprocess

if TYPE_CHECKING:
    from embeddings.onnx.tokenizer import TextTokenizer

__all__ = ["OnnxEncoder"]

# Chunk sizes that are tried. A CPU is quickest while a layer's values fit its caches.
_CHUNKS = (4, 8, 16, 32)
# The share of labelled precision and recall that a precision has to keep: DESIGN.md, "Models".
_LEAST_QUALITY = 0.995


class OnnxEncoder:
    """An `Encoder` over a model folder; safe to call from several threads.

    Precision and chunk size of each tower are chosen by measurements of about a second, which are
    remembered for the model and the machine.

    Args:
        folder: The model, its files verified.
        name: The model's name as the user gave it.
        runtime: Runs it.
        precision: `auto`, or one of the runtime's.
        threads: Number of processors to use.

    Raises:
        ModelError: The runtime does not compute in this precision here.
        BrokenModelError: The runtime can't run the model.
    """

    def __init__(
        self, folder: ModelFolder, *, name: str, runtime: Runtime, precision: str, threads: int
    ) -> None:
        self._folder = folder
        self._runtime = runtime
        self._threads = threads
        self._candidates = self._allowed(precision)
        self._lock = threading.Lock()
        self._measuring = threading.Lock()
        self._quicker_alone: dict[str, bool] = {}
        self._towers: dict[tuple[str, int], Tower] = {}
        self._choices = self._choose()
        self.spec = EncoderSpec(
            name=name,
            fingerprint=folder.fingerprint,
            dim=folder.dim,
            device="cpu",
            precision=self._choices[IMAGE_TOWER].precision,
            logit_scale=folder.logit_scale,
            runtime=runtime.name,
            features=folder.features,
        )

    @property
    def preprocess(self) -> Preprocess:
        """The model's own resizing."""
        return self._folder.preprocess

    @property
    def preferred_batch_size(self) -> int:
        """Images to give to `encode_images` at once: two chunks for every processor."""
        return 2 * self._threads * self._choices[IMAGE_TOWER].chunk

    @property
    def parallel_encoders(self) -> Sequence[Encoder]:
        """This encoder for callers that run several batches at once, one entry for each of them.

        Each batch runs on one processor, and all but one of the processors are used. The rest of
        the caller's work needs one, and a batch that is not divided takes a sixth less time of
        processors.
        """
        return [_Undivided(self)] * max(1, self._threads - 1)

    def encode_images(self, pixels: PixelArray) -> FloatArray:
        """Embed `[n, height, width, 3]` uint8 pixels; `[n, dim]` float32 unit rows."""
        return self.encode_image_rows(pixels)[:, : self._folder.dim]

    def encode_image_rows(self, pixels: PixelArray) -> FloatArray:
        """Embed pixels; `[n, dim + features]` float32: unit rows, and the features beside them."""
        return self.run(IMAGE_TOWER, pixels)

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Embed texts; `[n, dim]` float32 unit rows. Tokens past the model's context are cut."""
        return self.run(TEXT_TOWER, self.tokenize(texts))

    def tokenize(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Return the tokens of texts, `[n, context]`."""
        return self._tokenizer(texts) if texts else np.empty((0, 0), np.int64)

    @cached_property
    def _tokenizer(self) -> TextTokenizer:
        from embeddings.onnx.tokenizer import make_tokenizer

        return make_tokenizer(self._folder)

    def _allowed(self, precision: str) -> tuple[str, ...]:
        """Return the precisions to choose from."""
        known = self._runtime.precisions
        if precision == "auto":
            kept = self._folder.quality_kept
            return tuple(each for each in known if kept.get(each, 1.0) >= _LEAST_QUALITY)
        if precision not in known:
            raise ModelError(
                f"{self._runtime.name} can't compute in {precision!r} on this processor; use "
                f"--precision {' or '.join(('auto', *known))}."
            )
        return (precision,)

    def _choose(self) -> dict[str, Choice]:
        """Return each tower's choice: the remembered one, or a new measurement."""
        key = self._key()
        probes: dict[str, Callable[[], NDArray[Any]]] = {
            IMAGE_TOWER: lambda: probe_images(self.preprocess.size),
            TEXT_TOWER: lambda: self._tokenizer(PROBE_TEXTS),
        }
        return {
            tower: remembered(
                f"{self._folder.digest[:16]}-{Path(tower).stem}-{key}",
                partial(self._measure, tower, rows),
            )
            for tower, rows in probes.items()
        }

    def _measure(self, name: str, probes: Callable[[], NDArray[Any]]) -> Choice:
        def vectors(precision: str) -> Tower:
            infer = self._runtime.compile(self._folder.path / name, precision, self._threads)
            return Tower(infer, self._threads, _CHUNKS[0])

        return choose(vectors, probes(), self._candidates, _CHUNKS)

    def run(self, name: str, rows: NDArray[Any], *, divided: bool = True) -> FloatArray:
        """Run a tower on a batch.

        Args:
            name: Of the tower.
            rows: `[n, …]`, its input.
            divided: Whether the processors divide the batch, or work together on a small one;
                otherwise one of them runs it.

        Returns:
            `[n, dim]`, or `[n, dim + features]` for the image tower.
        """
        if len(rows) == 0:
            beside = self._folder.features if name == IMAGE_TOWER else 0
            return np.empty((0, self._folder.dim + beside), np.float32)
        if not divided:
            return self._tower(name, self._threads)(rows, divided=False)
        together = len(rows) < self._threads and self._is_quicker_alone(name, rows[:1])
        return self._tower(name, 1 if together else self._threads)(rows)

    def _is_quicker_alone(self, name: str, row: NDArray[Any]) -> bool:
        """Return whether all processors together run one row quicker; measured once a machine."""
        with self._measuring:
            if name not in self._quicker_alone:
                fact = f"alone/{self._folder.digest[:16]}-{name.partition('.')[0]}-{self._key()}"
                kept = read_facts(fact).get("quicker")
                if not isinstance(kept, bool):
                    together, divided = self._tower(name, 1), self._tower(name, self._threads)
                    kept = is_quicker_alone(together, divided, row)
                    write_facts(fact, {"quicker": kept})
                    if not kept:
                        del self._towers[name, 1]
                self._quicker_alone[name] = kept
            return self._quicker_alone[name]

    def _key(self) -> str:
        return machine_key(
            self._runtime.name, self._runtime.version, self._threads, self._candidates
        )

    def _tower(self, name: str, streams: int) -> Tower:
        with self._lock:
            tower = self._towers.get((name, streams))
            if tower is None:
                choice = self._choices[name]
                tower = self._compile(name, choice.precision, streams, choice.chunk)
                self._towers[name, streams] = tower
            return tower

    def _compile(self, name: str, precision: str, streams: int, chunk: int) -> Tower:
        path = self._folder.path / name
        if name != IMAGE_TOWER or not self._folder.features:
            return Tower(self._runtime.compile(path, precision, streams), streams, chunk)
        infer = self._runtime.compile_all(path, precision, streams)
        return Tower(lambda rows: np.concatenate(infer(rows), axis=1), streams, chunk)


class _Undivided:
    """An encoder that runs each batch on one processor."""

    def __init__(self, encoder: OnnxEncoder) -> None:
        self._encoder = encoder
        self.spec = encoder.spec
        self.preprocess = encoder.preprocess

    def encode_images(self, pixels: PixelArray) -> FloatArray:
        return self.encode_image_rows(pixels)[:, : self.spec.dim]

    def encode_image_rows(self, pixels: PixelArray) -> FloatArray:
        return self._encoder.run(IMAGE_TOWER, pixels, divided=False)

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        return self._encoder.run(TEXT_TOWER, self._encoder.tokenize(texts), divided=False)
