"""The rules of the code's layout, checked on the source itself.

The order of the floors is in `pyproject.toml` (`tool.importlinter`); `scripts/check` keeps it.
"""

from __future__ import annotations

import ast
import importlib
import statistics
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("embeddings", "indexer", "search_api", "lookalike")
TREES = (*PACKAGES, "scripts", "tests")
# Each heavy library is imported in one place.
OWNERS = {
    "torch": "embeddings/clip/",
    "openvino": "embeddings/onnx/runtimes/openvino_runtime.py",
    "onnxruntime": "embeddings/onnx/runtimes/onnx_runtime.py",
    "open_clip": "embeddings/clip/",
    "faiss": "indexer/retrieval/",
    "tantivy": "indexer/retrieval/bm25.py",
}
# It makes a small catalog pass through what a large one does, by setting inner constants.
REACHING_IN = {ROOT / "scripts/crashes/worker.py"}
MOST_ENTRIES = 12
MOST_ENTRIES_OF_A_ROOT = 15
MOST_LINES = 400
MEDIAN_LINES = 130
MOST_FUNCTION_LINES = 60


@cache
def sources(*trees: str) -> dict[Path, ast.Module]:
    """Every Python file of some trees, parsed."""
    files = sorted(path for tree in trees for path in (ROOT / tree).rglob("*.py"))
    return {path: ast.parse(path.read_text("utf-8")) for path in files}


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def folder_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).parent.parts)


def imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Modules and the names imported from them; the name is empty for `import module`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names)


def exported(tree: ast.Module) -> set[str]:
    """The names in `__all__`."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


@cache
def exports() -> dict[str, set[str]]:
    """What each folder exports, by its dotted name."""
    return {
        folder_of(path): exported(tree)
        for path, tree in sources(*PACKAGES).items()
        if path.name == "__init__.py"
    }


def test_every_folder_says_its_subject() -> None:
    folders = {path.parent for path in sources(*PACKAGES)}
    silent = []
    for folder in folders:
        tree = sources(*PACKAGES).get(folder / "__init__.py")
        if tree is None or not (ast.get_docstring(tree) or "").splitlines()[:1]:
            silent.append(short(folder))
    assert sorted(silent) == []


def test_other_folders_are_imported_by_what_they_export() -> None:
    """A file imports its own folder's and enclosing folders' files; of others, exports alone."""
    reaching = []
    for path, tree in sources(*PACKAGES, "scripts").items():
        home = folder_of(path)
        for module, name in imports(tree):
            if module.partition(".")[0] not in PACKAGES:
                continue
            is_folder = module in exports()
            owner = module if is_folder else module.rpartition(".")[0]
            if home == owner or home.startswith(f"{owner}."):
                continue
            allowed = is_folder and (
                name in {"", *exports()[module]} or f"{module}.{name}" in exports()
            )
            if not allowed and path not in REACHING_IN:
                reaching.append(f"{short(path)}: {module} {name}")
    assert reaching == []


@pytest.mark.parametrize("library", OWNERS)
def test_heavy_libraries_have_one_owner(library: str) -> None:
    users = [
        short(path)
        for path, tree in sources(*PACKAGES).items()
        if any(module.partition(".")[0] == library for module, _ in imports(tree))
    ]
    assert users
    assert [user for user in users if not user.startswith(OWNERS[library])] == []


def test_public_names_exist_and_are_declared() -> None:
    wrong = []
    for path, tree in sources(*PACKAGES).items():
        names = [
            name
            for node in tree.body
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
            for name in ast.literal_eval(node.value)
        ]
        defined = {
            node.name
            for node in tree.body
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and not node.name.startswith("_")
        }
        module = importlib.import_module(module_name(path))
        wrong += [f"{short(path)}: {name} twice" for name in set(names) if names.count(name) > 1]
        wrong += [f"{short(path)}: {name} missing" for name in names if not hasattr(module, name)]
        wrong += [f"{short(path)}: {name} undeclared" for name in sorted(defined - set(names))]
    assert wrong == []


def test_folders_are_small() -> None:
    full = []
    for tree in (*PACKAGES, "scripts"):
        for folder in [ROOT / tree, *(ROOT / tree).rglob("*")]:
            if not folder.is_dir() or folder.name == "__pycache__":
                continue
            ignored = {"__init__.py", "__pycache__", "__main__.py", "py.typed"}
            entries = [path for path in folder.iterdir() if path.name not in ignored]
            most = MOST_ENTRIES_OF_A_ROOT if folder == ROOT / tree else MOST_ENTRIES
            if len(entries) > most:
                full.append(f"{short(folder)}: {len(entries)}")
    assert full == []


def test_files_are_short() -> None:
    scripts = [path for tree in PACKAGES for path in (ROOT / tree).rglob("*.js")]
    lines = {
        short(path): len(path.read_text("utf-8").splitlines())
        for path in [*sources(*TREES), *scripts]
    }
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}
    ours = [count for name, count in lines.items() if name.partition("/")[0] in PACKAGES]
    assert statistics.median(ours) <= MEDIAN_LINES


def test_functions_are_short() -> None:
    long = {
        f"{short(path)}: {node.name}": length
        for path, tree in sources(*TREES).items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > MOST_FUNCTION_LINES
    }
    assert long == {}


def loaded_by(statement: str, libraries: tuple[str, ...]) -> str:
    probe = f"{statement}; import sys; print([m for m in {libraries!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, cwd=ROOT, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    "statement",
    [
        "import indexer",
        "import lookalike",
        "import search_api.cli",
        "import indexer.image_loading.decode_pool",
        "from embeddings import load_encoder, ZeroShotClassifier",
        "from embeddings.images import open_image",
    ],
)
def test_light_imports_stay_light(statement: str) -> None:
    heavy = ("torch", "open_clip", "faiss", "tantivy", "scipy", "fastapi", "pyarrow", "httpx")
    assert loaded_by(statement, heavy) == "[]"


@pytest.mark.parametrize("package", ["indexer.search", "indexer.build", "search_api.service"])
def test_only_an_encoder_loads_torch(package: str) -> None:
    assert loaded_by(f"import {package}", ("torch", "open_clip")) == "[]"
