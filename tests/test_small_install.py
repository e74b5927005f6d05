"""The installation without extras: small, without torch, and whole."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from scripts.support.locked import locked_requirements
from tests.support.processes import PATIENCE

ROOT = Path(__file__).parent.parent
INSTALL_SECONDS = 900
# Without a network or a registry there is nothing to install from.
UNREACHABLE = re.compile(
    r"connection|network is unreachable|name resolution|timed out", re.IGNORECASE
)
SOURCES = ("embeddings", "indexer", "search_api", "lookalike")
MOST_MEGABYTES = 800

LOOKS_INSIDE = """
import json, sys
from pathlib import Path
from embeddings import compute_heat_map, load_encoder
from embeddings.images import read_image
encoder = load_encoder("compact")
image = read_image(min(Path("lookalike-demo/pictures").glob("mug-*")))
heat = compute_heat_map(encoder, image, encoder.encode_texts(["mug"])[0])
print(json.dumps({"heat": float(heat.values.max()), "torch": "torch" in sys.modules}))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the environment of `pip install lookalike`, and a demo that ran in it."""
    folder = tmp_path_factory.mktemp("small")
    source = folder / "source"
    for package in SOURCES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("*.pyc"))
    for file in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / file, source)
    subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True)
    pip = [folder / "env/bin/python", "-m", "pip", "install", "--quiet", "--no-compile"]
    locked = folder / "requirements.txt"
    locked.write_text("".join(locked_requirements()))
    for wanted in (["--require-hashes", "--requirement", locked], ["--no-build-isolation", source]):
        done = subprocess.run(
            [*pip, "--no-deps", *wanted],
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
        if done.returncode and UNREACHABLE.search(done.stderr):
            reason = done.stderr.strip().splitlines()[-1]
            pytest.skip(f"no package registry can be reached: {reason}")
        assert done.returncode == 0, done.stderr
    shutil.rmtree(source)
    return folder


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the environment, which sees nothing of this checkout."""
    hidden = ("PYTHONPATH", "VIRTUAL_ENV", "COVERAGE_PROCESS_START")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.run(
        [folder / "env/bin" / command[0], *command[1:]],
        cwd=folder,
        env={**environment, "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE * 10,
        check=False,
    )


def test_everything_works_without_torch(installed: Path) -> None:
    packages = json.loads(run(installed, "pip", "list", "--format", "json").stdout)
    names = {package["name"].lower() for package in packages}
    assert not names & {"torch", "torchvision", "open-clip-torch", "open_clip_torch", "timm"}

    demo = run(installed, "lookalike", "demo", "--no-serve")
    assert demo.returncode == 0, demo.stderr
    assert "compact on openvino" in demo.stderr

    index = "lookalike-demo/index"
    search = run(installed, "lookalike", "search", "checked umbrella", "--index", index, "--json")
    assert "check" in json.loads(search.stdout)["hits"][0]["fields"]["title"]
    picture = min((installed / "lookalike-demo/pictures").glob("teapot-*"))
    like = run(
        installed, "lookalike", "search", "--image", str(picture), "--index", index, "--json"
    )
    assert json.loads(like.stdout)["hits"][0]["id"] == picture.stem
    tag = run(installed, "lookalike", "tag", str(picture), "--labels", "teapot,dress", "--json")
    assert json.loads(tag.stdout)["images"][0]["tags"][0]["label"] == "teapot"
    inside = json.loads(run(installed, "python", "-c", LOOKS_INSIDE).stdout)
    assert inside == {"heat": pytest.approx(1.0), "torch": False}


def test_a_model_that_needs_torch_says_what_to_install(installed: Path) -> None:
    picture = installed / "blank.png"
    Image.new("RGB", (8, 8)).save(picture)
    done = run(installed, "lookalike", "tag", str(picture), "--model", "ViT-B-32/laion2b_s34b_b79k")
    assert done.returncode == 1
    assert "pip install 'lookalike[clip]'" in done.stderr


def test_it_is_small(installed: Path) -> None:
    # Bytecode comes with use, and is not installed.
    files = (
        path
        for path in (installed / "env").rglob("*")
        if not path.is_symlink() and path.suffix != ".pyc"
    )
    megabytes = sum(path.stat().st_size for path in files if path.is_file()) / 1e6
    assert megabytes <= MOST_MEGABYTES
