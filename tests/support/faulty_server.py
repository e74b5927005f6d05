"""A real server process whose model a test holds in its hands."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.support.processes import PATIENCE, Cli, Server, serve

__all__ = ["FaultyServer", "faulty_server"]

# The model works only while the file `held` is absent, and writes down what it was given. A text
# about memory takes too much of it; a text or a purely green picture that is poisoned fails.
_PROGRAM = """
import sys, time, types
from pathlib import Path
import numpy as np
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
        self.work(["picture"] * len(pixels))
        if any((picture[..., 1] > 200).all() and picture[..., 0].max() < 50 for picture in pixels):
            raise RuntimeError("poisoned")
        return super().encode_images(pixels)

clip = types.ModuleType("embeddings.clip")
clip.load_encoder = lambda name, **options: Faulty(name)
sys.modules["embeddings.clip"] = clip
from search_api.cli import main
main()
"""


class _FaultyCli(Cli):
    def __init__(self, folder: Path, **environment: str) -> None:
        super().__init__(fake=True)
        self._command = [sys.executable, "-c", _PROGRAM.format(folder=str(folder))]
        self._environment |= environment


class FaultyServer:
    """The server, and the hold on its model."""

    def __init__(self, folder: Path, server: Server) -> None:
        self._folder = folder
        self.server = server

    def hold(self) -> None:
        """From now on no batch ends."""
        (self._folder / "held").touch()

    def let_go(self) -> None:
        """Batches end again."""
        (self._folder / "held").unlink()

    def given(self) -> list[str]:
        """What the model was given so far."""
        return (self._folder / "given").read_text().splitlines()

    def wait_for(self, text: str) -> None:
        """Wait until the model is at a text."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.given():
            assert time.monotonic() < deadline
            time.sleep(0.01)


@contextmanager
def faulty_server(index: Path, folder: Path, **environment: str) -> Iterator[FaultyServer]:
    """Start one; what is given by name goes into its environment."""
    server = serve(_FaultyCli(folder, **environment), index, folder / "stderr")
    try:
        # Where it serves is said before the warm-up, which a hold must not stop.
        assert httpx.get(f"{server.url}/readyz", timeout=PATIENCE).status_code == 200
        yield FaultyServer(folder, server)
    finally:
        (folder / "held").unlink(missing_ok=True)
        server.process.terminate()
        server.process.communicate(timeout=PATIENCE)
