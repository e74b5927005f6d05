"""`lookalike index adapt`, and `--adapt` of `index build`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.processes import Cli, error_line, only_json
from tests.support.taught_shop import TaughtEncoder, write_taught_shop


@pytest.fixture
def taught_cli(fake_cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command with a model whose features can be learned from."""
    monkeypatch.setattr("tests.support.processes._load_fake", lambda name, **_: TaughtEncoder(name))
    return fake_cli


def test_an_index_learns_when_it_is_built_and_again(taught_cli: Cli, tmp_path: Path) -> None:
    catalog, index = write_taught_shop(tmp_path / "shop", 120), tmp_path / "index"
    build = ["index", "build", catalog, "--index", index, "--adapt", "auto", "--keep-features"]
    report = only_json(taught_cli(*build, "--json"))
    assert any(note.startswith("adapted to the catalog, from title") for note in report["notes"])
    facts = only_json(taught_cli("index", "info", "--index", index, "--json"))
    assert facts["adapted"] is True
    found = only_json(taught_cli("search", "lamp", "--index", index, "--json"))
    assert found["adapted"] is True
    again = ["index", "adapt", "--index", index]
    learned = only_json(taught_cli(*again, "--adapt", "kind", "--json"))
    assert (learned["adapted"], learned["learned_from"]) == (True, ["kind"])
    done = taught_cli(*again)
    assert "Adapted to the catalog, from kind of 120 products" in done.stdout
    assert "'price'" in error_line(taught_cli(*again, "--adapt", "price"))
    assert "--adapt off" in error_line(taught_cli(*again, "--adapt", "off"))


def test_why_an_index_did_not_learn_is_told(fake_cli: Cli, coloured: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build = ["index", "build", coloured / "catalog.csv", "--index", index, "--adapt", "auto"]
    done = fake_cli(*build)
    assert "not adapted to the catalog: the model gives no features" in done.stdout + done.stderr
    facts = only_json(fake_cli("index", "info", "--index", index, "--json"))
    assert (facts["adapted"], facts["adapt"]) == (False, "auto")
    assert facts["not_adapted_because"] == "the model gives no features to learn from"
    assert "--keep-features" in error_line(fake_cli("index", "adapt", "--index", index))
