"""The `lookalike` command, as a process and in this one."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import embeddings
from embeddings import FakeEncoder, parse_model_name
from search_api.cli import run_command
from search_api.console.console import err, out

__all__ = [
    "HOSTILE_ID",
    "HOSTILE_TITLE",
    "MODEL",
    "PATIENCE",
    "Cli",
    "Done",
    "Drawn",
    "InProcessCli",
    "Server",
    "error_line",
    "only_json",
    "serve",
    "serving_process",
]

Done = subprocess.CompletedProcess[str]

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


# The same command with the fake encoder in place of a real model. A
# prelude may define a class `Encoder` of its own.
_WITHOUT_MODEL = """
import sys
import embeddings
from embeddings import FakeEncoder
Encoder = FakeEncoder
{prelude}
embeddings.load_encoder = lambda name, **options: Encoder(name)
from search_api.cli import main
main()
"""

# A terminal without colours, wide enough that no line of a table is folded.
# Servers start one process for decoding instead of two.
_ENVIRONMENT = {
    "NO_COLOR": "1",
    "TERM": "dumb",
    "COLUMNS": "200",
    "LOOKALIKE_DECODE_WORKERS": "1",
}


def _load_fake(name: str, **_: object) -> FakeEncoder:
    parse_model_name(name)
    return FakeEncoder(name)


class Cli:
    """Runs `lookalike` as a process: the installed command, or the same without a real model.

    Args:
        fake: Without a real model.
        prelude: Python that runs first, in a process without a real model; a class `Encoder` in it
            takes the place of `FakeEncoder`.
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
        program = _WITHOUT_MODEL.replace("{prelude}", prelude)
        self._command = [sys.executable, "-c", program] if fake else [found]
        self._environment = {**os.environ, **_ENVIRONMENT, **(environment or {})}

    def __call__(self, *arguments: str | Path) -> Done:
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
        """Start as the leader of a process group, as a shell does; stderr goes to a file."""
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


class InProcessCli(Cli):
    """Runs `lookalike` in this process with the fake encoder.

    Builds decode in this process too, unless the arguments say otherwise. `start` starts a process,
    and so does `serve`, which sets up logging for its whole process.
    """

    def __init__(self) -> None:
        super().__init__(fake=True)

    def __call__(self, *arguments: str | Path) -> Done:
        """Run to the end."""
        if arguments[:1] == ("serve",):
            return super().__call__(*arguments)
        return self.in_process(*arguments)

    def in_process(self, *arguments: str | Path) -> Done:
        """Run to the end in this process, whatever the command."""
        given = [str(argument) for argument in arguments]
        if given[:2] == ["index", "build"] and "--workers" not in given and "--help" not in given:
            given += ["--workers", "0"]
        stdout, stderr = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(embeddings, "load_encoder", _load_fake)
            for name, value in _ENVIRONMENT.items():
                patch.setenv(name, value)
            # They read COLUMNS once, when they are made.
            for console in (out, err):
                patch.setattr(console, "width", int(_ENVIRONMENT["COLUMNS"]))
            with redirect_stdout(stdout), redirect_stderr(stderr):
                try:
                    run_command(given)
                except SystemExit as end:
                    code = end.code or 0
        assert isinstance(code, int), code
        return Done(given, code, *(_text(stream) for stream in (stdout, stderr)))


def _text(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


def only_json(done: Done) -> Any:
    """The one JSON object on standard output of a command that succeeded."""
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("}\n")
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


def error_line(done: Done, code: int = 1) -> str:
    """The last line on standard error of a command that failed; no other line is an error."""
    assert done.returncode == code, (done.stdout, done.stderr)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, done.stderr
    assert done.stderr.rstrip().endswith(lines[0])
    return lines[0].removeprefix("error: ")


def serving_process(server: Server) -> int:
    """Process id of the process that answers, the only child of its supervisor."""
    pid = server.process.pid
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


def serve(cli: Cli, index: Path, log: Path, options: Sequence[str] = ("--port", "0")) -> Server:
    """Start serving, and wait until the process says where."""
    process = cli.start("serve", "--index", index, *options, log=log)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        said = re.search(
            r"^Serving [\d,]+ products on (http://\S+)$", log.read_text(), re.MULTILINE
        )
        if said:
            return Server(said[1], log, process)
        time.sleep(0.05)
    process.kill()
    process.communicate()
    raise AssertionError(f"the server did not start: {log.read_text()}")
