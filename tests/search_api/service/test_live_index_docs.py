"""docs/live-index.md: its examples run, in order, against one writable server."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.documented import agrees, commands, sections
from tests.support.processes import PATIENCE, Cli, Drawn, serve

PAGE = (Path(__file__).parents[3] / "docs" / "live-index.md").read_text("utf-8")
ADDRESS = "http://127.0.0.1:8000"

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def test_the_examples_do_what_they_show(drawn: Drawn, tmp_path: Path) -> None:
    shutil.copy(drawn.picture("mug-0001"), tmp_path / "photo.jpg")
    index = Path(shutil.copytree(drawn.index, tmp_path / "index"))
    blocks = [block for section in sections(PAGE) for block in section.blocks]
    first, *others = [line for block in blocks for line in commands(block)]
    words = shlex.split(first.line)
    assert words[:3] == ["lookalike", "keys", "create"]
    words[-1] = str(tmp_path / words[-1])
    key = Cli()(*words[1:]).stdout.strip()
    started, *others = others
    assert "lookalike serve --index lookalike-demo/index --writable" in started.line
    cli = Cli(environment={"LOOKALIKE_API_KEYS_FILE": words[-1]})
    server = serve(cli, index, tmp_path / "log", ("--port", "0", "--writable"))
    try:
        for each in others:
            line = each.line.replace(ADDRESS, server.url).replace("curl ", "curl -sS ")
            done = subprocess.run(
                ["bash", "-c", line],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                env={**os.environ, "NO_PROXY": "*", "KEY": key},
                check=True,
            )
            agrees(each.shown, done.stdout.strip())
    finally:
        server.process.terminate()
        server.process.communicate(timeout=PATIENCE)
    assert len(others) >= 5
