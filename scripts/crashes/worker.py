"""The process that is killed: one writing operation on an index, with messages on its progress."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from embeddings import Encoder, FakeEncoder, FloatArray, LookalikeError, PixelArray
from indexer.build import BuildOptions, BuildProgress, build_index, merge, retag
from indexer.build import build as build_module
from indexer.build import catalog_reader as reader_module
from indexer.build import update as update_module
from indexer.build.ledger import EmbeddedImage, Ledger
from indexer.calibration import Confidence, fit_confidence
from indexer.index import Index, TagChoice, prune, rollback
from scripts.crashes.catalogs import TAXONOMIES, Colour
from scripts.crashes.quiet_warnings import silence

__all__ = ["Moment", "Operation", "Outcome", "run"]

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "indexer.build.build",
        "indexer.build.rewriting.merge",
        "indexer.build.rewriting.retag",
        "embeddings.fake",
    ]
)

# Seconds without a message after which an operation counts as stuck.
_STUCK_SECONDS = 60.0

# Audit events that change names in a folder; a worker changes only the index folder.
_CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "shutil.rmtree"}
# Audit events that open a file; the first argument tells whether it is in the index folder.
_OPENINGS = {"open", "sqlite3.connect"}


@dataclass(frozen=True)
class Operation:
    """An operation that writes to an index.

    Attributes:
        name: `build`, `update`, `merge`, `retag`, `prune` or `rollback`.
        index: The index folder.
        catalog: The catalog that `build` and `update` read.
        keep_missing: Whether `update` keeps products that the catalog lacks.
        generation: The generation that `rollback` goes back to.
        taxonomy: The taxonomy that `retag` tags with, a name of `TAXONOMIES`.
    """

    name: str
    index: Path
    catalog: Path
    keep_missing: bool = False
    generation: int = 0
    taxonomy: str = ""


@dataclass(frozen=True)
class Moment:
    """When to kill: at the n-th point that a worker passes, or some seconds after it began."""

    point: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Outcome:
    """How an operation ended.

    Attributes:
        killed: Whether it was killed before it ended.
        error: Why it failed otherwise, if it did.
        points: Points that it passed; 0 unless it ended.
        seconds: From its beginning to its end.
        embedded: Colours of the images that it reported as embedded.
        acknowledged: Those of them that it reported as safe.
    """

    killed: bool
    error: str | None
    points: int
    seconds: float
    embedded: frozenset[Colour]
    acknowledged: frozenset[Colour]


@dataclass(frozen=True)
class _Embedded:
    colours: tuple[Colour, ...]


@dataclass(frozen=True)
class _Acknowledged:
    images: int  # of those embedded, the first ones, since they are written in order


@dataclass(frozen=True)
class _Ended:
    points: int
    error: str | None


def run(operation: Operation, moment: Moment | None = None) -> Outcome:
    """Run an operation in a process of its own; kill the process at the moment, if one is given."""
    moment = moment or Moment()
    receiver, sender = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_work, args=(operation, moment.point, sender))
    process.start()
    sender.close()
    messages: list[object] = []
    try:
        messages.append(receiver.recv())  # it has begun
        started = time.monotonic()
        if moment.seconds is not None:
            time.sleep(moment.seconds)
            process.kill()
        while receiver.poll(_STUCK_SECONDS):
            messages.append(receiver.recv())
        process.kill()
    except EOFError:
        pass
    process.join()
    seconds = time.monotonic() - started
    ended = next((message for message in messages if isinstance(message, _Ended)), None)
    killed = process.exitcode == -signal.SIGKILL
    error = ended.error if ended else None
    if not killed and ended is None:
        error = f"ended with {process.exitcode}"
    embedded, acknowledged = _colours(messages)
    return Outcome(killed, error, ended.points if ended else 0, seconds, embedded, acknowledged)


def _colours(messages: list[object]) -> tuple[frozenset[Colour], frozenset[Colour]]:
    embedded: list[Colour] = []
    acknowledged = 0
    for message in messages:
        if isinstance(message, _Embedded):
            embedded += message.colours
        elif isinstance(message, _Acknowledged):
            acknowledged = message.images
    return frozenset(embedded), frozenset(embedded[:acknowledged])


class _Points:
    """Counts the points that a worker passes, and kills it at one of them."""

    def __init__(self, index: Path, fatal: int | None) -> None:
        self._index = str(index)
        self._fatal = fatal
        self._lock = threading.Lock()
        self.passed = 0

    def mark(self) -> None:
        with self._lock:
            self.passed += 1
            if self.passed == self._fatal:
                os.kill(os.getpid(), signal.SIGKILL)

    def hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if event in _CHANGES or (event in _OPENINGS and str(arguments[0]).startswith(self._index)):
            self.mark()


class _Encoder(FakeEncoder):
    """Reports the colours of each batch."""

    def __init__(self, points: _Points, report: Callable[[object], None]) -> None:
        super().__init__()
        self._points = points
        self._report = report

    def encode_images(self, pixels: PixelArray) -> FloatArray:
        self._points.mark()
        corners = pixels[:, 0, 0].tolist()
        self._report(_Embedded(tuple((red, green, blue) for red, green, blue in corners)))
        return super().encode_images(pixels)


def _work(operation: Operation, fatal: int | None, sender: Connection) -> None:
    silence()
    # A catalog of dozens must pass through what one of thousands does: segments too large to be
    # merged into the next, and several checkpoints while reading.
    update_module._SMALL = 0  # noqa: SLF001, no user needs to set it
    reader_module._COMMIT_EVERY = 0.01  # noqa: SLF001, no user needs to set it
    points = _Points(operation.index, fatal)
    sending = threading.Lock()
    written = _count_written()

    def send(message: object) -> None:
        with sending:  # the encoder has a thread of its own
            sender.send(message)

    encoder = _Encoder(points, send)
    # Confidence is fit with altered images, of which one may look like another of the catalog.
    # They are embedded again by design, so they are not reported.
    quiet = _Encoder(points, lambda _: None)
    build_module.fit_confidence = partial(_fit_confidence, quiet)  # type: ignore[attr-defined]

    def on_progress(_: BuildProgress) -> None:
        send(_Acknowledged(len(written)))
        points.mark()

    send("begun")
    sys.addaudithook(points.hook)
    error = None
    try:
        _perform(operation, encoder, on_progress)
    except LookalikeError as problem:
        error = repr(problem)
    send(_Ended(points.passed, error))


def _count_written() -> list[None]:
    """Return a list that gets an entry for each image written to the ledger, committed or not.

    The encoder runs ahead of the ledger: what it was given is not safe yet.
    """
    written: list[None] = []
    add = Ledger.add_embedded

    def count(ledger: Ledger, images: Iterable[EmbeddedImage]) -> None:
        batch = list(images)
        add(ledger, batch)
        written.extend([None] * len(batch))

    Ledger.add_embedded = count  # type: ignore[method-assign, assignment]
    return written


def _fit_confidence(quiet: Encoder, index: Index, _: Encoder) -> Confidence:
    return fit_confidence(index, quiet)


def _perform(
    operation: Operation, encoder: FakeEncoder, on_progress: Callable[[BuildProgress], None]
) -> None:
    if operation.name == "merge":
        merge(operation.index, lambda _: encoder)
    elif operation.name == "retag":
        choice = TagChoice(TAXONOMIES[operation.taxonomy])
        retag(operation.index, lambda _: encoder, choice)
    elif operation.name == "prune":
        prune(operation.index)
    elif operation.name == "rollback":
        rollback(operation.index, operation.generation)
    else:
        options = BuildOptions(workers=1, batch_size=4, keep_missing=operation.keep_missing)
        build_index(operation.catalog, operation.index, encoder, options, on_progress)
