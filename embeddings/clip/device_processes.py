"""Device processes: a model loaded once on each of several devices, and batches divided among them.

The interpreter lock lets one thread of a process at a time launch work on a GPU, so each GPU has a
process of its own (as PyTorch advises: `torch.nn.parallel.DistributedDataParallel` over
`DataParallel`). A process is asked through its connection, and answers once for each request:

| request | answer |
|---|---|
| none: it has been started | `_Loaded`, or a `ModelError`, after which it ends |
| the shape of a pixel array, then the array's bytes | the rows, or a `ModelError` |
| a list of texts | the vectors, or a `ModelError` |
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import torch

from embeddings.clip.encoder import MODEL_THREAD, ClipEncoder, use_threads
from embeddings.clip.loading import load_encoder
from embeddings.encoder import EncoderSpec, FloatArray, PixelArray
from embeddings.errors import BrokenModelError, ModelError
from embeddings.preprocess import Preprocess

__all__ = ["MultiDeviceEncoder", "require_gpus"]

# Seconds for a process that was ended, or has closed its connection, to be gone.
_END_SECONDS = 10


def require_gpus(count: int) -> None:
    """Raise `ModelError` if torch finds fewer CUDA devices than `count`."""
    found = torch.cuda.device_count()
    if found < count:
        raise ModelError(
            f"--devices gpu={count} needs {count} CUDA device{'s' * (count > 1)}, but torch finds "
            f"{found} here. Choose {f'gpu={found}' if found else 'cpu'}, or auto."
        )


class MultiDeviceEncoder:
    """An `Encoder` over processes that each hold the model on a device; safe for several threads.

    Images are divided evenly among the devices; texts, which are few, go to the first. The
    processes end with `close`, with this object, and with this process, however it ends.

    Args:
        name: The model's name, as for `load_encoder`.
        devices: Names of torch devices, one for each process.
        precision: As for `load_encoder`.
        threads: Number of processors that the processes use together; by default each uses all.

    Raises:
        ModelError: The model can't be loaded, or a process ended before it was.
    """

    def __init__(
        self,
        name: str,
        devices: Sequence[str],
        *,
        precision: str = "auto",
        threads: int | None = None,
    ) -> None:
        share = None if threads is None else max(1, threads // len(devices))
        self._processes = [_DeviceProcess(name, each, precision, share) for each in devices]
        self._end = weakref.finalize(self, _end, self._processes)
        try:
            loaded = [process.wait_for_model() for process in self._processes]
            self._spec = _common_spec([each.spec for each in loaded], devices)
        except BaseException:
            self.close()
            raise
        self._preprocess = loaded[0].preprocess
        self._batch_size = sum(each.batch_size for each in loaded)

    @property
    def spec(self) -> EncoderSpec:
        """That of the first process, with the devices of all, e.g. `cuda:0,cuda:1`."""
        return self._spec

    @property
    def preprocess(self) -> Preprocess:
        """The model's own resizing."""
        return self._preprocess

    @property
    def preferred_batch_size(self) -> int:
        """The number of images that a build should give at once: what all devices prefer."""
        return self._batch_size

    def encode_images(self, pixels: PixelArray) -> FloatArray:
        """Embed `[n, height, width, 3]` uint8 pixels; `[n, dim]` float32 unit rows.

        Raises:
            ModelError: A device failed, or its process has ended.
        """
        return self.encode_image_rows(pixels)[:, : self._spec.dim]

    def encode_image_rows(self, pixels: PixelArray) -> FloatArray:
        """Embed pixels as `encode_images` does; `[n, dim + features]`, the features included."""
        if len(pixels) == 0:
            return np.empty((0, self._spec.dim + self._spec.features), np.float32)
        processes = self._processes[: len(pixels)]
        parts = np.array_split(pixels, len(processes))
        with ThreadPoolExecutor(len(processes)) as threads:
            return np.concatenate(list(threads.map(_DeviceProcess.image_rows, processes, parts)))

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Embed texts on the first device; otherwise as `encode_images`."""
        return self._processes[0].encode_texts(texts)

    def close(self) -> None:
        """End the processes. Calls after that raise `ModelError`."""
        self._end()


@dataclass(frozen=True)
class _Loaded:
    """What a process tells about its encoder."""

    spec: EncoderSpec
    preprocess: Preprocess
    batch_size: int


class _DeviceProcess:
    """The parent's side of a process that computes on a device; safe for several threads."""

    def __init__(self, name: str, device: str, precision: str, threads: int | None) -> None:
        self._device = device
        self._exchange = threading.Lock()
        # Not fork: CUDA can't be used in a forked process. A spawned one inherits no connection
        # but its own, and so sees it close when this process is killed.
        context = multiprocessing.get_context("spawn")
        self._connection, childs = context.Pipe()
        self._process = context.Process(
            target=_compute_for_parent,
            args=(childs, name, device, precision, threads),
            name=f"model on {device}",
            daemon=True,
        )
        with _sigint_blocked():
            self._process.start()
        childs.close()  # a copy that stays open would hide that the process has ended

    def wait_for_model(self) -> _Loaded:
        """Wait until the model is loaded.

        Raises:
            ModelError: It can't be, or the process ended before.
        """
        # A spawned process imports the program's main module, and so runs an unguarded script.
        hint = "In a script, load the model below `if __name__ == '__main__':`."
        loaded: _Loaded = self._ask(lambda: None, hint)
        return loaded

    def image_rows(self, pixels: PixelArray) -> FloatArray:
        """As `MultiDeviceEncoder.encode_image_rows`, n from 1."""

        def send() -> None:
            self._connection.send(pixels.shape)
            _write(self._connection, pixels)

        rows: FloatArray = self._ask(send)
        return rows

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """As `MultiDeviceEncoder.encode_texts`."""
        vectors: FloatArray = self._ask(lambda: self._connection.send(list(texts)))
        return vectors

    def terminate(self) -> None:
        """Tell the process to end, whatever it does."""
        self._process.terminate()

    def join(self) -> None:
        """Wait until the process is gone, and close the connection to it."""
        self._process.join(_END_SECONDS)
        self._connection.close()

    def _ask(
        self, send: Callable[[], None], hint: str = "Was it killed, for want of memory?"
    ) -> Any:
        with self._exchange:
            try:
                send()
                answer = self._connection.recv()
            except (EOFError, OSError) as error:
                self._process.join(_END_SECONDS)
                raise ModelError(
                    f"The process for device {self._device!r} has ended (exit code "
                    f"{self._process.exitcode}). {hint} Then start again, or add --devices auto."
                ) from error
            except BaseException:
                # An answer that still comes must not be taken for that to the next request.
                self._connection.close()
                raise
        if isinstance(answer, ModelError):
            raise answer
        return answer


@contextmanager
def _sigint_blocked() -> Iterator[None]:
    """Block SIGINT in processes that are started inside, from their first moment on.

    Ctrl-C in a terminal goes to every process; this one decides, and ends the others.
    """
    resource_tracker.ensure_running()  # started inside by `multiprocessing`, it would unblock again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(processes: Sequence[_DeviceProcess]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.join()


def _common_spec(specs: Sequence[EncoderSpec], devices: Sequence[str]) -> EncoderSpec:
    """Return the specification of encoders that must be of one model.

    Raises:
        BrokenModelError: They are not.
    """
    if len({spec.fingerprint for spec in specs}) > 1:
        raise BrokenModelError(
            f"The files of {specs[0].name!r} changed while {', '.join(devices)} loaded them; each "
            "would give other vectors. Start again when nothing writes them."
        )
    return replace(specs[0], device=",".join(devices))


def _compute_for_parent(
    connection: Connection, name: str, device: str, precision: str, threads: int | None
) -> None:
    """Load the model and answer requests, until the parent closes the connection or is gone."""
    with suppress(EOFError, OSError):
        encoder = _attempt(device, partial(_load, name, device, precision, threads))
        if isinstance(encoder, ModelError):
            connection.send(encoder)
            return
        connection.send(_Loaded(encoder.spec, encoder.preprocess, encoder.preferred_batch_size))
        while True:
            request = connection.recv()
            if isinstance(request, list):
                answer = _attempt(device, partial(encoder.encode_texts, request))
            else:
                pixels = _read(connection, request)
                answer = _attempt(device, partial(encoder.encode_image_rows, pixels))
            connection.send(answer)


def _load(name: str, device: str, precision: str, threads: int | None) -> ClipEncoder:
    if threads is not None:
        use_threads(threads)
    if torch.device(device).type == "cuda":
        # Else pinned memory would hold a context, with its memory, on the first GPU, too.
        MODEL_THREAD.wrap(torch.cuda.set_device)(device)
    return load_encoder(name, device=device, precision=precision)


def _write(connection: Connection, pixels: PixelArray) -> None:
    """Write an array's bytes, for `_read`.

    `send_bytes` and `recv_bytes_into` copy more often: 0.6 GB/s against 4, on two busy cores.
    """
    rest = np.ascontiguousarray(pixels).reshape(-1).data
    while rest:
        rest = rest[os.write(connection.fileno(), rest) :]


def _read(connection: Connection, shape: tuple[int, ...]) -> PixelArray:
    """Read an array's bytes; EOFError when the connection is closed."""
    pixels = np.empty(shape, np.uint8)
    rest = pixels.reshape(-1).data
    while rest:
        count = os.readv(connection.fileno(), [rest])
        if not count:
            raise EOFError
        rest = rest[count:]
    return pixels


def _attempt(device: str, work: Callable[[], Any]) -> Any:
    """Return what `work` returns, or else its error as a `ModelError`, which can be pickled."""
    try:
        return work()
    except ModelError as error:
        return error
    except Exception as error:  # noqa: BLE001  the parent raises it
        return ModelError(
            f"The model failed on device {device!r}: {error!r}. Does it work with --device cpu?"
        )
