"""`public_api.py` covers every public name; mypy checks what it says."""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path

import lookalike

ROOT = Path(__file__).parents[2]


def test_every_public_name_has_its_types_checked() -> None:
    tree = ast.parse(Path(__file__).with_name("public_api.py").read_text("utf-8"))
    imported = {
        alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "lookalike"
        for alias in node.names
    }
    assert imported == set(lookalike.__all__)


def test_mypy_checks_the_types_and_the_examples() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mypy"]
    assert settings["strict"] is True
    assert {"examples", "tests.typing"} <= set(settings["packages"])


def test_public_names_are_those_of_the_packages() -> None:
    for name in lookalike.__all__:
        value = getattr(lookalike, name)
        home = sys.modules[value.__module__]
        assert getattr(home, name) is value
        assert value.__module__.partition(".")[0] in {"embeddings", "indexer", "search_api"}
