"""What counts as a damage that a server survives."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random

import pytest

from scripts.benchmarks.attack import damages

RIGHT = (("mug-1",), {"title": "Mug"}, b"picture")


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """An index folder with two segments, the newest of which is live."""
    for name, files in (("old", ["a"]), ("new", ["b", "words/c", "empty"])):
        for file in files:
            path = tmp_path / "segments" / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"" if file == "empty" else b"x" * 100)
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests/2.json").write_text(json.dumps({"segments": [{"id": "new"}]}))
    (tmp_path / "CURRENT").write_text("2.json\n")
    return tmp_path


@pytest.fixture
def served(index: Path) -> Iterator[int]:
    """A server that answers right until a file of the live generation has changed."""
    before = {file: file.read_bytes() for file in damages._live_files(index)}

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            whole = all(file.exists() and file.read_bytes() == was for file, was in before.items())
            if "image" in self.path:
                body = b"picture"
            elif "items" in self.path:
                body = json.dumps({"fields": {"title": "Mug"}}).encode()
            else:
                body = json.dumps({"hits": [{"id": "mug-1" if whole else "cup-1"}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_only_files_of_the_live_generation_are_damaged(index: Path) -> None:
    names = [str(file.relative_to(index)) for file in damages._live_files(index)]
    assert names == ["manifests/2.json", "segments/new/b", "segments/new/words/c"]


@pytest.mark.parametrize("kind", sorted(damages._KINDS))
def test_every_kind_changes_the_file(index: Path, kind: str) -> None:
    file = index / "segments/new/b"
    damages._KINDS[kind](file, Random(1))
    assert not file.exists() or file.read_bytes() != b"x" * 100


@pytest.mark.parametrize(("also_right", "survived"), [("other", False), ("cup-1", True)])
def test_wrong_answers_after_the_mercy_are_a_failure(
    index: Path, served: int, monkeypatch: pytest.MonkeyPatch, also_right: str, survived: bool
) -> None:
    monkeypatch.setattr(damages, "_MERCY", 0.1)
    monkeypatch.setattr(damages, "_WATCHED", 0.3)
    assert damages._ask(served, None) == RIGHT
    right = [RIGHT, ((also_right,), *RIGHT[1:])]
    assert damages._trial(index, served, right, Random(1)).survived is survived
