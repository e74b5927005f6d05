"""Every file of a generation, damaged anywhere, is refused before FAISS parses it."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from embeddings.fake import FakeEncoder
from indexer.build import BuildOptions, build_index
from indexer.durable import sha256_of
from indexer.errors import BuildError, IndexLockedError
from indexer.index import Index
from indexer.layout import LOOKUP_FILES, SEGMENT_FILES, Layout
from indexer.manifest import read_manifest
from indexer.neighbours import NeighbourIndex

OPTIONS = BuildOptions(workers=1)
PRODUCTS = 1010  # more than a small segment has, so that an update adds one


def write_catalog(folder: Path, first_price: int) -> Path:
    lines = ["id,image,price", f"p0,0.bmp,{first_price}"]
    lines += [f"p{number},{number}.bmp,{number}" for number in range(1, PRODUCTS)]
    (folder / "catalog.csv").write_text("\n".join(lines) + "\n")
    return folder / "catalog.csv"


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index whose second generation has two segments, and a deleted row; returns its folder."""
    folder = tmp_path_factory.mktemp("damage")
    for number in range(PRODUCTS):
        Image.new("RGB", (2, 2), (number % 256, number // 256, 90)).save(folder / f"{number}.bmp")
    for price in (0, 5000):
        build_index(write_catalog(folder, price), folder / "index", FakeEncoder(), OPTIONS)
    manifest = read_manifest(Layout(folder / "index"), 2)
    assert [segment.deleted for segment in manifest.segments] == ["0", ""]
    return folder


def damaged(content: bytes, kind: str, rng: random.Random) -> bytes:
    place = rng.randrange(len(content))
    if kind == "cut":
        return content[:place]
    if kind == "zeroed":
        stop = place + rng.randrange(1, 64)
        return content[:place] + bytes(len(content[place:stop])) + content[stop:]
    flipped = bytearray(content)
    flipped[place] ^= 1 << rng.randrange(8)
    return bytes(flipped)


@pytest.mark.parametrize("kind", ["cut", "zeroed", "flipped"])
@pytest.mark.parametrize("name", [*SEGMENT_FILES, *LOOKUP_FILES, "manifest"])
def test_damage_anywhere_is_refused_and_the_generation_before_serves(
    twice: Path, name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = Layout(twice / "index")
    live, before = read_manifest(layout, 2), read_manifest(layout, 1)
    # Of the segment that the second generation alone has.
    (own,) = {segment.id for segment in live.segments} - {s.id for s in before.segments}
    path = layout.manifest(2) if name == "manifest" else layout.segment(own).root / name
    expected = {
        layout.segment(segment.id).neighbours: segment.files["neighbours.faiss"].sha256
        for segment in (*live.segments, *before.segments)
    }
    parsed: list[Path] = []
    opened = NeighbourIndex.open

    def open_checked(path: Path, *arguments: object) -> NeighbourIndex:
        parsed.append(path)
        assert sha256_of(path) == expected[path]
        return opened(path, *arguments)

    monkeypatch.setattr(NeighbourIndex, "open", open_checked)
    whole = path.read_bytes()
    if not whole:
        assert name == "thumbnails.bin"
        return
    rng = random.Random(f"{name} {kind}")
    try:
        for _ in range(25):
            content = damaged(whole, kind, rng)
            if content == whole:  # zeroes where there were zeroes
                continue
            path.write_bytes(content)
            index = Index.open(twice / "index")
            assert index.manifest.generation == 1
            assert index.get("p0").fields == {"price": 0}
    finally:
        path.write_bytes(whole)
    assert parsed
    assert Index.open(twice / "index").manifest.generation == 2


def test_a_second_builder_is_told_who_holds_the_index(twice: Path) -> None:
    hold = (
        "import sys; from pathlib import Path; from indexer.layout import Layout; "
        "from indexer.lock import writing\n"
        "with writing(Layout(Path(sys.argv[1]))): print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, str(twice / "index")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(IndexLockedError, match=f"process {holder.pid} "):
            build_index(twice / "catalog.csv", twice / "index", FakeEncoder(), OPTIONS)
    finally:
        holder.communicate()


LIMITED = """
import resource, signal, sys
from pathlib import Path
from embeddings.errors import LookalikeError
from embeddings.fake import FakeEncoder
from indexer.build import BuildOptions, build_index
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
if __name__ == "__main__":
    limit = int(sys.argv[3])
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        build_index(Path(sys.argv[1]), Path(sys.argv[2]), FakeEncoder(), BuildOptions(workers=1))
    except LookalikeError as error:
        sys.exit(f"{type(error).__name__}: {error.message}")
"""


@pytest.mark.parametrize("limit", [100, 5_000, 20_000, 60_000, 150_000])
def test_no_room_is_a_clean_error_and_building_again_works(
    twice: Path, tmp_path: Path, limit: int
) -> None:
    # A limit on the size of a file stands for a full disk: writes fail in the same places.
    index = tmp_path / "index"
    shutil.copytree(twice / "index", index)
    catalog = tmp_path / "catalog"
    shutil.copytree(twice, catalog, ignore=shutil.ignore_patterns("index"))
    Image.new("RGB", (64, 64), (1, 2, 3)).save(catalog / "1.bmp")
    text = (catalog / "catalog.csv").read_text().replace(".bmp,", ".bmp,7")
    (catalog / "catalog.csv").write_text(text)
    script = tmp_path / "build.py"
    script.write_text(LIMITED)

    def build(limit: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(script), str(catalog / "catalog.csv"), str(index)]
        return subprocess.run(
            [*command, str(limit)], capture_output=True, text=True, env={**os.environ}
        )

    failed = build(limit)
    assert failed.returncode == 1
    assert failed.stderr.startswith(BuildError.__name__), failed.stderr
    assert Index.open(index).manifest.generation == 2
    done = build(0)
    assert done.returncode == 0, done.stderr
    opened = Index.open(index)
    assert opened.manifest.generation == 3
    assert opened.get("p3").fields == {"price": 73}
