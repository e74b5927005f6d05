"""`lookalike index verify`, `merge`, `rollback` and `prune`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from indexer.storage import Layout
from tests.support.processes import Cli, error_line, only_json


@pytest.fixture
def index(fake_cli: Cli, coloured: Path, tmp_path: Path) -> Path:
    """An index of two generations; the second lacks the yellow product."""
    index = tmp_path / "index"
    shutil.copytree(coloured / "index", index)
    shop = tmp_path / "shop"
    shutil.copytree(coloured, shop, ignore=shutil.ignore_patterns("index"))
    rows = (shop / "catalog.csv").read_text("utf-8").splitlines()
    kept = [row for row in rows if not row.startswith("yellow")]
    (shop / "catalog.csv").write_text("\n".join(kept) + "\n", "utf-8")
    report = only_json(fake_cli("index", "build", shop / "catalog.csv", "--index", index, "--json"))
    assert (report["generation"], report["removed"]) == (2, 1)
    return index


def test_verify(fake_cli: Cli, index: Path) -> None:
    done = fake_cli("index", "verify", "--index", index)
    assert (done.returncode, done.stdout.split()) == (0, ["2", "live", "intact", "1", "intact"])
    vectors = next(Layout(index).segments.glob("*/vectors.npy"))
    content = bytearray(vectors.read_bytes())
    content[-1] ^= 1
    vectors.write_bytes(content)
    damaged = fake_cli("index", "verify", "--index", index, "--json")
    assert damaged.returncode == 1
    assert '"intact": false' in damaged.stdout
    assert "vectors.npy" in damaged.stdout


def test_rollback_and_prune(fake_cli: Cli, index: Path) -> None:
    assert only_json(fake_cli("index", "rollback", "--index", index, "--json")) == {"generation": 1}
    forward = fake_cli("index", "rollback", "--index", index, "--to", "2")
    assert forward.stdout == "Generation 2 is live.\n"
    assert "7" in error_line(fake_cli("index", "rollback", "--index", index, "--to", "7"))
    assert only_json(fake_cli("index", "prune", "--index", index, "--json")) == {"deleted": [1]}
    again = fake_cli("index", "prune", "--index", index)
    assert again.stdout == "Deleted 0 generation(s).\n"


def test_merge(fake_cli: Cli, index: Path) -> None:
    report = only_json(fake_cli("index", "merge", "--index", index, "--json"))
    assert (report["generation"], report["products"], report["kind"]) == (3, 5, "flat")
    assert report["merged"] == 1
    again = fake_cli("index", "merge", "--index", index)
    assert again.stdout == "Nothing to merge: generation 3 is a single segment already.\n"
