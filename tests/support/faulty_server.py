"""A real server process whose model a test can hold back."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.support.processes import PATIENCE, Cli, Server, serve
from tests.support.waiting import until

__all__ = ["FaultyServer", "faulty_server"]

# The model works only while the file `held` is absent, and records what it is given. A text about
# memory runs out of it, and a purely green image raises an error.
_PROGRAM = """
import sys, time
from pathlib import Path
import numpy as np
import embeddings
from embeddings.fake import FakeEncoder

folder = Path({folder!r})

class Faulty(FakeEncoder):
    def work(self, names):
        with (folder / "given").open("a") as file:
            file.write("".join(f"{{name}}\\n" for name in names))
        while (folder / "held").exists():
            time.sleep(0.01)

    def encode_texts(self, texts):
        self.work(texts)
        if any("memory" in text for text in texts):
            raise MemoryError
        return super().encode_texts(texts)

    def encode_images(self, pixels):
        self.work(["image"] * len(pixels))
        if any((image[..., 1] > 200).all() and image[..., 0].max() < 50 for image in pixels):
            raise RuntimeError("poisoned")
        return super().encode_images(pixels)

embeddings.load_encoder = lambda name, **options: Faulty(name)
from search_api.cli import main
main()
"""


class _FaultyCli(Cli):
    def __init__(self, folder: Path, **environment: str) -> None:
        super().__init__(fake=True)
        self._command = [sys.executable, "-c", _PROGRAM.format(folder=str(folder))]
        self._environment |= environment


class FaultyServer:
    """The server, and the control of its model."""

    def __init__(self, folder: Path, server: Server) -> None:
        self._folder = folder
        self.server = server

    def hold(self) -> None:
        """Hold back every batch from now on."""
        (self._folder / "held").touch()

    def release(self) -> None:
        """Let batches end again."""
        (self._folder / "held").unlink()

    def given(self) -> list[str]:
        """Texts and images that the model was given so far, in order."""
        return (self._folder / "given").read_text().splitlines()

    def wait_for(self, text: str) -> None:
        """Wait until the model is given a text."""
        until(lambda: text in self.given())

    def queued(self, kind: str) -> float:
        """Number of items of a kind that wait for the model or are in it."""
        metrics = httpx.get(f"{self.server.url}/metrics", timeout=PATIENCE).text
        found = re.search(rf'^lookalike_queue_depth{{lane="{kind}"}} (\S+)$', metrics, re.MULTILINE)
        return float(found[1]) if found else 0.0


@contextmanager
def faulty_server(index: Path, folder: Path, **environment: str) -> Iterator[FaultyServer]:
    """Start a server; keywords are variables of its environment."""
    server = serve(_FaultyCli(folder, **environment), index, folder / "stderr")
    try:
        # The address is printed before the warm-up, which must be over before a hold.
        assert httpx.get(f"{server.url}/readyz", timeout=PATIENCE).status_code == 200
        yield FaultyServer(folder, server)
    finally:
        (folder / "held").unlink(missing_ok=True)
        server.process.terminate()
        server.process.communicate(timeout=PATIENCE)
