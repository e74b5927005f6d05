"""Help, usage errors, errors and exit statuses of the `lookalike` command."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.support.processes import Cli, error_line

COMMANDS = (
    "search",
    "serve",
    "mcp",
    "demo",
    "detect",
    "moderate",
    "read",
    "catalog",
    "index",
    "tag",
    "models",
    "keys",
    "anomaly",
)
INDEX_COMMANDS = (
    "build", "info", "verify", "merge", "retag", "adapt", "rollback", "prune", "duplicates",
    "evaluate", "report", "quarantine",
)  # fmt: skip


@pytest.mark.parametrize(("group", "names"), [((), COMMANDS), (("index",), INDEX_COMMANDS)])
def test_help_lists_every_command(
    fake_cli: Cli, group: tuple[str, ...], names: tuple[str, ...]
) -> None:
    done = fake_cli(*group, "--help")
    assert done.returncode == 0
    assert re.findall(r"^│ ([a-z]+)  ", done.stdout, re.MULTILINE) == list(names)


@pytest.mark.parametrize("name", [*COMMANDS, *(f"index {name}" for name in INDEX_COMMANDS)])
def test_every_command_has_help(fake_cli: Cli, name: str) -> None:
    for flag in ("-h", "--help"):
        done = fake_cli(*name.split(), flag)
        assert (done.returncode, done.stderr) == (0, "")
        assert "Usage:" in done.stdout


def test_help_loads_nothing_heavy() -> None:
    heavy = ("torch", "open_clip", "openvino", "faiss", "fastapi", "pyarrow", "PIL", "numpy")
    code = (
        "import sys; sys.argv = ['lookalike', '--help']\n"
        "from search_api.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Visual similarity search" in done.stdout
    assert done.stderr.strip() == "[]"


def test_version(fake_cli: Cli) -> None:
    done = fake_cli("--version")
    assert (done.returncode, done.stdout) == (0, f"lookalike {version('lookalike')}\n")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["bogus"], "No such command 'bogus'"),
        (["search", "--index"], "Option '--index' requires an argument"),
        (["search", "red"], "Missing option '--index'"),
        (["search", "red", "--index", "x", "-k", "0"], "Invalid value for '-k'"),
        (
            ["index", "build", "x", "--index", "y", "--max-bad", "2"],
            "Invalid value for '--max-bad'",
        ),
        (["index", "build", "--index", "y"], "Missing argument 'catalog'"),
        (["serve", "--index", "x", "--port", "65536"], "Invalid value for '--port'"),
    ],
)
def test_usage_errors(fake_cli: Cli, arguments: list[str], problem: str) -> None:
    done = fake_cli(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert problem.lower() in done.stderr.lower()
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["search", "--index", "IDX"], 2, "--image"),
        (["search", "  ", "--index", "IDX"], 2, "--image"),
        (["search", "red", "--index", "NOTHING"], 1, "lookalike index build"),
        (["search", "red", "--index", "CSV"], 1, "no index"),
        (["search", "--index", "IDX", "--image", "NOTHING"], 1, "nothing"),
        (["search", "--index", "IDX", "--image", "CSV"], 1, "catalog.csv"),
        (["search", "red", "--index", "IDX", "--filter", "{"], 2, "--filter is not valid JSON"),
        (
            ["search", "red", "--index", "IDX", "--filter", "[]"],
            2,
            "--filter must be a JSON object",
        ),
        (["search", "red", "--index", "IDX", "--colour-within", "5"], 2, "requires --colour"),
        (["search", "red", "--index", "IDX", "--mode", "psychic"], 2, "vector, keyword, hybrid"),
        (["search", "red", "--index", "IDX", "--fusion", "cold"], 2, "scores, ranks"),
        (["index", "info", "--index", "NOTHING"], 1, "lookalike index build"),
        (["serve", "--index", "NOTHING"], 1, "lookalike index build"),
        (["tag", "CSV", "--labels", "a,b"], 1, "catalog.csv"),
        (["tag", "CSV", "--labels", " , "], 2, "--labels"),
        (["index", "build", "NOTHING", "--index", "NEW"], 1, "nothing"),
        (["index", "build", "CSV", "--index", "NEW", "--model", "bogus"], 1, "bogus"),
        (["index", "build", "CSV", "--index", "NEW", "--id-column", "sku"], 1, "sku"),
        (["index", "build", "CSV", "--index", "NEW", "--kind", "tree"], 2, "auto, flat, hnsw"),
        (["index", "build", "CSV", "--index", "NEW", "--memory", "lots"], 2, "4GB"),
        (["index", "build", "CSV", "--index", "NEW", "--fitted", "CSV"], 2, "--tags"),
    ],
)
def test_an_error_is_one_line(
    fake_cli: Cli, coloured: Path, tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    names = {"IDX": coloured / "index", "CSV": coloured / "catalog.csv"}
    names |= {"NOTHING": tmp_path / "nothing", "NEW": tmp_path / "new"}
    done = fake_cli(*(names.get(argument, argument) for argument in arguments))
    assert words in error_line(done, code)
    assert not (tmp_path / "nothing").exists()
