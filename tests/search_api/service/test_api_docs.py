"""docs/api.md: every example runs, against real servers, and its tables are those of the code."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import BaseModel

from embeddings import LookalikeError
from search_api.service import schemas
from search_api.service.errors import STATUS
from search_api.service.requests import SimilarParameters, TextParameters
from search_api.service.settings import Settings
from tests.support.documented import Block, Section, agrees, commands, sections, table
from tests.support.processes import PATIENCE, Cli, Drawn, Server, serve

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text("utf-8")
SECTIONS = sections(PAGE)
ADDRESS = "http://127.0.0.1:8000"
NO_CURL = "curl is not installed; the Python examples run all the same"

Start = Callable[[str], Server]


@pytest.fixture(scope="module")
def plain_index(fake_cli: Cli, drawn: Drawn, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The drawn catalog by the fake encoder, for servers whose settings are what matters."""
    index = tmp_path_factory.mktemp("documented") / "index"
    done = fake_cli("index", "build", drawn.catalog, "--index", index, "--text-weight", "0")
    assert done.returncode == 0, done.stderr
    return index


@pytest.fixture
def start(plain_index: Path, tmp_path: Path) -> Iterator[Start]:
    """Runs a `lookalike serve` line of the page; with a free port, an index and a name of here."""
    running: list[Server] = []

    def start(line: str) -> Server:
        words = shlex.split(line)
        at = words.index("lookalike")
        assert words[at : at + 4] == ["lookalike", "serve", "--index", "lookalike-demo/index"]
        environment = dict(word.split("=", 1) for word in words[:at])
        options = ("--port", "0", *words[at + 4 :])
        cli = Cli(fake=True, environment=environment)
        running.append(serve(cli, plain_index, tmp_path / f"log-{len(running)}", options))
        return running[-1]

    yield start
    for server in running:
        server.process.terminate()
        server.process.communicate(timeout=PATIENCE)


def run(line: str, address: str, folder: Path) -> str:
    """What a command of a console prints."""
    # Its progress would go to the same place as what it was asked for fails with.
    line = line.replace(ADDRESS, address).replace("curl ", "curl --silent --show-error ")
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE,
        env={**os.environ, "NO_PROXY": "*"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name in re.findall(r"-o (\S+)", line):
        assert (folder / name).stat().st_size > 0
    return done.stdout.strip()


def execute(block: Block, address: str, names: dict[str, Any]) -> str:
    """What a block of Python prints."""
    out = io.StringIO()
    code = compile(block.text.replace(ADDRESS, address), "docs/api.md", "exec")
    with contextlib.redirect_stdout(out):
        exec(code, names)
    return out.getvalue().strip()


@pytest.mark.parametrize("section", SECTIONS, ids=[each.heading or "begin" for each in SECTIONS])
def test_the_examples_of_a_section_do_what_they_show(
    section: Section,
    server: Server,
    drawn: Drawn,
    start: Start,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(drawn.picture("mug-0001"), "photo.jpg")
    address = server.url
    names: dict[str, Any] = {}
    execute(SECTIONS[0].blocks[0], address, names)
    without_curl = False
    for block, following in zip(section.blocks, [*section.blocks[1:], None], strict=True):
        if block.language == "python":
            printed = execute(block, address, names)
            has_output = following is not None and following.language == "text"
            agrees(following.text.strip() if has_output else "", printed)
        elif block.language == "console":
            for command in commands(block):
                if "lookalike serve" in command.line:
                    address = start(command.line).url
                    execute(SECTIONS[0].blocks[0], address, names)
                elif shutil.which("curl") is None:
                    without_curl = True
                else:
                    agrees(command.shown, run(command.line, address, tmp_path))
        else:
            assert block.language == "text", "no other kind of block can be run"
    if without_curl:
        pytest.skip(NO_CURL)


def test_the_comparison_sees_what_matters() -> None:
    shown = '{"id": "mug-0001", "hits": [{"score": 0.5}, …], "more": {"a": "…", …}, "b": null}\n422'
    fits = '{"id": "mug-0207", "hits": [{"score": 1}, 7], "more": {"a": "x", "c": 1}, "b": null}'
    agrees(shown, f"{fits}\n422")
    for other in (
        f"{fits}\n404",
        fits,
        fits.replace("mug", "cup") + "\n422",
        fits.replace(', "b": null', "") + "\n422",
        fits.replace('"b"', '"d": 1, "b"') + "\n422",
        fits.replace('"score": 1', '"score": true') + "\n422",
        fits.replace('{"score": 1}, 7', "") + "\n422",
        fits.replace('"b": null', '"b": 0') + "\n422",
    ):
        with pytest.raises(AssertionError):
            agrees(shown, other)


def test_every_route_is_on_the_page(client: TestClient) -> None:
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        short = path.replace("{product_id}", "{id}").replace("{number}", "{n}")
        assert f"`{short}" in PAGE or any(f"`{m.upper()} {short}`" in PAGE for m in methods), path


@pytest.mark.parametrize(
    "model",
    [
        model
        for model in vars(schemas).values()
        if isinstance(model, type) and issubclass(model, BaseModel)
    ]
    + [TextParameters, SimilarParameters],
)
def test_every_field_is_on_the_page(model: type[BaseModel]) -> None:
    missing = [name for name in model.model_fields if not re.search(rf'[`."]{name}[`"]', PAGE)]
    assert not missing, f"docs/api.md says nothing of {missing} of {model.__name__}"


def test_the_table_of_errors_is_complete() -> None:
    shown = {(int(status), code) for status, code, _ in table(PAGE, "status", "code", "means")}
    ours = {(status, kind.code) for kind, status in STATUS.items()}
    # Of the framework, the server, the layers before the routes, and of subclasses.
    others = {
        (400, "bad_request"),
        (401, "unauthorized"),
        (403, "forbidden"),
        (405, "method_not_allowed"),
    }
    others |= {(429, "rate_limited"), (500, "internal_error"), (503, "out_of_memory")}
    others |= {(408, "request_timeout"), (431, "head_too_large")}
    assert shown == ours | others
    known = {kind.code for kind in _all_kinds(LookalikeError)}
    assert {"spool_full", "overloaded", "out_of_memory"} <= known


def _all_kinds(kind: type[LookalikeError]) -> Iterator[type[LookalikeError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _all_kinds(each)


def test_the_table_of_settings_is_complete() -> None:
    rows = {name: default for name, default, _ in table(PAGE, "setting", "default", "meaning")}
    assert list(rows) == list(Settings.model_fields)
    for name, shown in rows.items():
        given = {name: shown} if shown else {}
        assert getattr(Settings.model_validate(given), name) == getattr(Settings(), name), name


def test_every_setting_named_in_the_text_exists() -> None:
    named = set(re.findall(r"LOOKALIKE_([A-Z_]+[A-Z])", PAGE))
    assert named <= {name.upper() for name in Settings.model_fields}
