"""The `lookalike` command as real processes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["HOSTILE_ID", "HOSTILE_TITLE", "MODEL", "PATIENCE", "Cli", "Drawn", "Server", "serve"]

MODEL = "compact"

# A product of the drawn catalog that is meant to break things.
HOSTILE_ID = "sale/image/50% off ü"
HOSTILE_TITLE = '<img src=x onerror="document.title=\'run\'"><b>bold</b> & "quoted"'

# Seconds; long, since other processes may have the processors. Nothing waits so long when all
# is well.
PATIENCE = 120.0


@dataclass(frozen=True)
class Drawn:
    """A real index over drawn products, their pictures, and what its build printed as JSON."""

    catalog: Path
    index: Path
    hostile_picture: Path
    report: dict[str, Any]

    def picture(self, product_id: str) -> Path:
        """The file of a drawn product."""
        return self.catalog.parent / "pictures" / f"{product_id}.jpg"


@dataclass(frozen=True)
class Server:
    """A running `lookalike serve`."""

    url: str
    log: Path
    process: subprocess.Popen[str]


# The same command with the fake encoder in place of the adapter that would load torch for seconds.
# It takes its time over each batch, so that a build can be caught at work.
_WITHOUT_MODEL = """
import sys, time, types
from embeddings.fake import FakeEncoder

class SlowEncoder(FakeEncoder):
    def encode_images(self, pixels):
        time.sleep(0.05)
        return super().encode_images(pixels)

clip = types.ModuleType("embeddings.clip")
clip.load_encoder = lambda name, **options: SlowEncoder(name)
sys.modules["embeddings.clip"] = clip
from search_api.cli import main
main()
"""


class Cli:
    """Runs `lookalike`: the installed command, or the same without a real model.

    Args:
        fake: Without a real model.
        prelude: Python that runs first, in a process without a real model.
        environment: Further variables of the environment.
    """

    def __init__(
        self,
        *,
        fake: bool = False,
        prelude: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        beside = Path(sys.executable).with_name("lookalike")
        found = str(beside) if beside.exists() else shutil.which("lookalike")
        assert found, "the lookalike command is not installed"
        self._command = [sys.executable, "-c", prelude + _WITHOUT_MODEL] if fake else [found]
        plain = {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "200"}
        self._environment = {**os.environ, **plain, **(environment or {})}

    def __call__(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run to the end."""
        return subprocess.run(
            [*self._command, *map(str, arguments)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=PATIENCE,
            env=self._environment,
            check=False,
        )

    def start(self, *arguments: str | Path, log: Path) -> subprocess.Popen[str]:
        """Start as the leader of a process group, as a shell does; its errors go to a file."""
        with log.open("w") as file:
            return subprocess.Popen(
                [*self._command, *map(str, arguments)],
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
                encoding="utf-8",
                env=self._environment,
                start_new_session=True,
            )


def serve(cli: Cli, index: Path, log: Path, options: Sequence[str] = ("--port", "0")) -> Server:
    """Start serving, and wait until the process says where."""
    process = cli.start("serve", "--index", index, *options, log=log)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        said = re.search(r"^Serving [\d,]+ products on (http://\S+)$", log.read_text(), re.M)
        if said:
            return Server(said[1], log, process)
        time.sleep(0.05)
    process.kill()
    process.communicate()
    raise AssertionError(f"the server did not start: {log.read_text()}")
