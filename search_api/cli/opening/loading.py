"""Models, indexes and images that commands open; errors name what could not be opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import embeddings
from embeddings import ImageError
from indexer import DamagedIndexError
from search_api import console
from search_api.cli.opening.compute import ComputeArguments

if TYPE_CHECKING:
    from PIL.Image import Image

    from embeddings import Encoder, EncoderSpec, FloatArray, PixelArray, Preprocess
    from indexer.search import Engine

__all__ = ["DeferredEncoder", "load_encoder", "open_deferred", "open_engine", "read_image"]


class DeferredEncoder:
    """An `Encoder` that is loaded when it is first needed, or earlier on a thread.

    Before, its specification is that of the encoder which it has to be.

    Args:
        spec: Of the encoder that it has to be.
        load: Loads it.
        check: Raises an error if the loaded encoder is another one.
    """

    def __init__(
        self, spec: EncoderSpec, load: Callable[[], Encoder], check: Callable[[EncoderSpec], None]
    ) -> None:
        self._spec = spec
        self._load = load
        self._check = check
        self._started: Future[Encoder] | None = None
        self._loaded: Encoder | None = None

    def start(self, prepare: Callable[[Encoder], object]) -> None:
        """Begin to load on a thread, and to prepare; an error is raised at the first use."""
        thread = ThreadPoolExecutor(1, "model")
        self._started = thread.submit(self._load_and, prepare)
        thread.shutdown(wait=False)

    @property
    def spec(self) -> EncoderSpec:
        """Identity and properties of the encoder."""
        return self._spec if self._loaded is None else self._loaded.spec

    @property
    def preprocess(self) -> Preprocess:
        """Turns an RGB image into the pixels that `encode_images` takes."""
        return self.loaded().preprocess

    def encode_images(self, pixels: PixelArray) -> FloatArray:
        """Embed images, as `Encoder.encode_images`."""
        return self.loaded().encode_images(pixels)

    def encode_image_rows(self, pixels: PixelArray) -> FloatArray:
        """Embed images with their features, as `embeddings.encode_image_rows`."""
        return embeddings.encode_image_rows(self.loaded(), pixels)

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Embed texts, as `Encoder.encode_texts`."""
        return self.loaded().encode_texts(texts)

    def loaded(self) -> Encoder:
        """Return the encoder itself, loaded.

        Raises:
            LookalikeError: It can't be loaded, or is another one.
        """
        if self._loaded is None:
            with console.waiting(f"Loading {self._spec.name}"):
                loaded = self._load() if self._started is None else self._started.result()
            self._check(loaded.spec)
            self._loaded = loaded
        return self._loaded

    def _load_and(self, prepare: Callable[[Encoder], object]) -> Encoder:
        encoder = self._load()
        prepare(encoder)
        return encoder


def load_encoder(name: str, compute: ComputeArguments) -> Encoder:
    """Load a model, with a spinner; errors as for `embeddings.load_encoder`."""
    with console.waiting(f"Loading {name}"):
        return _load(name, compute)


def open_engine(index: Path, model: str | None, compute: ComputeArguments) -> Engine:
    """Open an index with the model that built it, unless another one is named."""
    from indexer.index import Index
    from indexer.search import Engine

    opened = Index.open(index)
    encoder = load_encoder(model or opened.manifest.encoder.name, compute)
    return Engine(encoder, opened, index)


def open_deferred(
    index: Path,
    model: str | None,
    compute: ComputeArguments,
    prepare: Callable[[Encoder], object] | None,
) -> tuple[Engine, Callable[[], Encoder]]:
    """Open an index as `open_engine` does, but load the model only if a query needs it.

    Args:
        index: The index folder.
        model: The model's name; by default that of the index.
        compute: Where and how it computes.
        prepare: What it will be used for: it is loaded on a thread and prepared meanwhile.

    Returns:
        The engine, and a function that waits for the model.
    """
    from embeddings import EncoderSpec, parse_model_name
    from indexer.storage import Layout, live_generation, read_manifest

    layout = Layout(index)
    try:
        built = read_manifest(layout, live_generation(layout)).encoder
    except DamagedIndexError:
        engine = open_engine(index, model, compute)
        return engine, lambda: engine.encoder
    name = model or built.name
    parse_model_name(name)
    encoder = DeferredEncoder(
        EncoderSpec(name, built.fingerprint, built.dim),
        lambda: _load(name, compute),
        lambda spec: opened.check_encoder(spec),  # noqa: PLW0108 (it is opened below)
    )
    if prepare is not None and _loads_quickly(name, compute):
        encoder.start(prepare)

    from indexer.index import Index
    from indexer.search import Engine

    opened = Index.open(index)
    return Engine(encoder, opened, index), encoder.loaded


def read_image(path: Path) -> Image:
    """Read an image file.

    Raises:
        ImageError: The file cannot be read as an image; the message begins with its path.
    """
    from embeddings.images import read_image

    try:
        return read_image(path)
    except ImageError as error:
        raise type(error)(f"{path}: {error.message}") from error


def _loads_quickly(name: str, compute: ComputeArguments) -> bool:
    """Return whether an interruption may wait until a model is loaded: Ctrl-C ends no thread."""
    from embeddings import ModelSource, parse_model_name

    if compute.runtime == "torch" or compute.devices.startswith("gpu"):
        return False
    if parse_model_name(name).source in {ModelSource.BUNDLED, ModelSource.EXPORTED}:
        return True
    from embeddings.onnx import find_conversion

    return isinstance(find_conversion(name), Path)


def _load(name: str, compute: ComputeArguments) -> Encoder:
    return embeddings.load_encoder(name, **asdict(compute), notify=console.note)
