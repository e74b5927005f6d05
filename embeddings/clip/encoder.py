"""`ClipEncoder`: an `Encoder` over an open_clip model, and the threads it computes on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import torch

from embeddings.clip.inference_thread import InferenceThread
from embeddings.clip.model import ClipModel
from embeddings.encoder import Encoder, EncoderSpec, FloatArray, PixelArray
from embeddings.preprocess import Preprocess

__all__ = ["MODEL_THREAD", "ClipEncoder", "use_threads"]

MODEL_THREAD = InferenceThread("inference")
"""Computes for all models of a process with all processors.

OpenMP keeps a team of threads for every thread that computes. Once those are more than the
processors, they sleep where they would briefly spin: with a second team, `compact` took 9.8 ms for
an image instead of 5.1, on two cores.
"""

# With more encoders side by side than this, Python's part of every layer, which the interpreter
# lock lets one thread do at a time, would count.
_MOST_PER_CORE_ENCODERS = 8


@MODEL_THREAD.wrap
def use_threads(count: int) -> None:
    """Set how many processors this process's models use on a CPU; the default is all of them."""
    torch.set_num_threads(count)


class _ThreadedEncoder:
    """An `Encoder` that computes on a given thread; safe to call from several threads."""

    def __init__(self, model: ClipModel, spec: EncoderSpec, thread: InferenceThread) -> None:
        self._model = model
        self._spec = spec
        self._encode_images = thread.wrap(model.encode_images)
        self._encode_image_rows = thread.wrap(model.encode_image_rows)
        self._encode_texts = thread.wrap(model.encode_texts)

    @property
    def spec(self) -> EncoderSpec:
        """Name, fingerprint, dimension, device and precision of this encoder."""
        return self._spec

    @property
    def preprocess(self) -> Preprocess:
        """The model's own resizing, as open_clip's evaluation transform does it."""
        return self._model.preprocess

    @property
    def preferred_batch_size(self) -> int:
        """The number of images that a build should give at once."""
        return self._model.preferred_batch_size

    def encode_images(self, pixels: PixelArray) -> FloatArray:
        """Embed `[n, height, width, 3]` uint8 pixels; `[n, dim]` float32 unit rows."""
        return self._encode_images(pixels)

    def encode_image_rows(self, pixels: PixelArray) -> FloatArray:
        """Embed pixels as `encode_images` does; `[n, dim + features]`, the features included."""
        return self._encode_image_rows(pixels)

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Embed texts; `[n, dim]` float32 unit rows. Tokens past the model's context are cut."""
        return self._encode_texts(texts)


class ClipEncoder(_ThreadedEncoder):
    """An `Encoder` over an open_clip model that computes with all processors.

    Args:
        model: The model.
        name: Its name as the user gave it.
        fingerprint: SHA-256 (hex) over everything that its vectors depend on.
    """

    def __init__(self, model: ClipModel, *, name: str, fingerprint: str) -> None:
        spec = EncoderSpec(
            name=name,
            fingerprint=fingerprint,
            dim=model.dim,
            device=str(model.device),
            precision=model.precision,
            logit_scale=model.logit_scale,
            features=model.features,
        )
        super().__init__(model, spec, MODEL_THREAD)

    @cached_property
    def per_core_encoders(self) -> tuple[Encoder, ...]:
        """Encoders over this model that compute side by side, each on one processor of a CPU.

        Empty where that gains nothing: on a GPU, and with one processor or more than eight.
        """
        count = MODEL_THREAD.wrap(torch.get_num_threads)()
        if self._model.device.type != "cpu" or not 1 < count <= _MOST_PER_CORE_ENCODERS:
            return ()
        encoders = tuple(self._one_core_encoder(number) for number in range(count))
        use_threads(count)  # torch keeps the last setting of any thread for threads to come
        return encoders

    def _one_core_encoder(self, number: int) -> Encoder:
        thread = InferenceThread(f"inference-{number}")
        thread.wrap(torch.set_num_threads)(1)
        return _ThreadedEncoder(self._model, self._spec, thread)
