"""The house's own rules, checked on the source itself."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("embeddings", "indexer", "search_api")  # each may import itself and those before it
OWNERS = {
    "torch": {"embeddings/clip"},
    "open_clip": {"embeddings/clip"},
    "faiss": {"indexer/retrieval/ann.py"},
    "tantivy": {"indexer/retrieval/bm25.py"},
}


def sources() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    below = PACKAGES[: PACKAGES.index(package) + 1]
    assert {name for name in imports(path) if name in PACKAGES} <= set(below)


@pytest.mark.parametrize("library", OWNERS)
def test_heavy_libraries_have_one_owner(library: str) -> None:
    users = {str(path.relative_to(ROOT)) for path in sources() if library in set(imports(path))}
    (owner,) = OWNERS[library]
    assert users
    assert all(user.startswith(owner) for user in users)


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_public_names_exist_and_are_declared(path: Path) -> None:
    module = importlib.import_module(module_name(path))
    tree = ast.parse(path.read_text("utf-8"))
    defined = {
        node.name
        for node in tree.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_")
    }
    if not defined:
        return
    assert sorted(module.__all__) == sorted(set(module.__all__))
    assert all(hasattr(module, name) for name in module.__all__)
    assert set(module.__all__) >= defined


@pytest.mark.parametrize(
    "statement",
    ["import indexer", "import search_api.cli", "import indexer.image_loading.decode_pool"],
)
def test_light_imports_stay_light(statement: str) -> None:
    probe = (
        f"{statement}; import sys; "
        "heavy = ('torch', 'open_clip', 'faiss', 'tantivy', 'fastapi'); "
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == "[]"
