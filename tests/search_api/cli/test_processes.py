"""What only a real process shows: signals, exit statuses, pipes and colours."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from indexer.storage import Layout
from tests.support.processes import PATIENCE, Cli, only_json

BATCH, IMAGES = 4, 20

# Embeds two batches, and in the third tells the test and waits to be stopped.
BLOCKING = """
import threading
from pathlib import Path
class Encoder(FakeEncoder):
    batches = 0
    def encode_images(self, pixels):
        self.batches += 1
        if self.batches == 3:
            Path({marker!r}).touch()
            threading.Event().wait()
        return super().encode_images(pixels)
"""


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """A catalog of small images, each of another colour."""
    (tmp_path / "images").mkdir()
    lines = ["id,image"]
    for number, colour in enumerate(random.Random(7).sample(range(2**24), IMAGES)):
        name = f"images/{number}.png"
        Image.new("RGB", (8, 8), tuple(colour.to_bytes(3, "big"))).save(tmp_path / name)
        lines.append(f"{number},{name}")
    (tmp_path / "catalog.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "catalog.csv"


def embedded(index: Path) -> int:
    """How many images an unfinished build has safe on disk."""
    with closing(sqlite3.connect(f"file:{Layout(index).ledger}?mode=ro", uri=True)) as ledger:
        return int(ledger.execute("SELECT count(*) FROM embedded").fetchone()[0])


@pytest.mark.parametrize(
    ("number", "stop"),
    [
        # Ctrl-C reaches the decoding processes too; SIGTERM does not.
        (signal.SIGINT, os.killpg),
        (signal.SIGTERM, os.kill),
    ],
)
def test_an_interrupted_build_resumes(
    fake_cli: Cli,
    catalog: Path,
    tmp_path: Path,
    number: signal.Signals,
    stop: Callable[[int, int], None],
) -> None:
    index, marker, log = tmp_path / "index", tmp_path / "blocked", tmp_path / "stderr"
    command = ["index", "build", catalog, "--index", index, "--batch-size", str(BATCH), "--json"]
    blocking = Cli(fake=True, prelude=BLOCKING.format(marker=str(marker)))
    process = blocking.start(*command, log=log)
    deadline = time.monotonic() + PATIENCE
    while not marker.exists():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    stop(process.pid, number)
    output, _ = process.communicate(timeout=PATIENCE)
    messages = log.read_text()
    assert (process.returncode, output) == (130, ""), messages
    assert "Traceback" not in messages
    (error,) = [line for line in messages.splitlines() if line.startswith("error: ")]
    assert "Run the same command again" in error
    assert not Layout(index).current.exists()
    assert embedded(index) == 2 * BATCH

    report = only_json(fake_cli(*command))
    assert (report["products"], report["reused"]) == (IMAGES, 2 * BATCH)
    assert report["embedded"] == IMAGES - 2 * BATCH


def test_the_installed_command_has_exit_statuses(cli: Cli, tmp_path: Path) -> None:
    assert cli("models").returncode == 0
    missing = cli("index", "info", "--index", tmp_path / "nothing")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr.startswith("error: ")
    assert cli("bogus").returncode == 2


def test_a_reader_that_closes_the_pipe_ends_the_command(cli: Cli, tmp_path: Path) -> None:
    log = tmp_path / "stderr"
    process = cli.start("models", log=log)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(PATIENCE) in (0, 1)
    assert "Traceback" not in log.read_text()


def test_no_color_turns_colours_off(tmp_path: Path) -> None:
    command = ("index", "info", "--index", tmp_path / "nothing")
    terminal = {"FORCE_COLOR": "1", "TERM": "xterm-256color"}
    plain, coloured = (
        Cli(environment={**terminal, "NO_COLOR": value})(*command).stderr for value in ("1", "")
    )
    red = "\x1b[1;31merror:"
    assert coloured.startswith(red)
    assert red not in plain
    assert "error:" in plain
