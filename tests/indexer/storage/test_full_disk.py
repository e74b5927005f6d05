"""Full disks: a writer that may not write enough fails well, loses nothing, and succeeds later."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from embeddings import FakeEncoder
from embeddings.encoder import FloatArray, PixelArray
from indexer.build import BuildOptions, build_index, merge
from indexer.errors import BuildInterruptedError
from indexer.index import Index, verify
from indexer.storage import Layout
from tests.support.index_writer import FAILED, start_writer
from tests.support.numbered_catalogs import build, write_catalog


def run_writer(operation: str, catalog: Path, index: Path, limit: int = 0) -> bool:
    """Whether a writer went through with no file larger than a limit, or else failed well."""
    process = start_writer(operation, catalog, index, limit=limit)
    output, errors = process.communicate()
    if process.returncode == 0:
        return True
    assert (process.returncode, errors) == (FAILED, ""), errors
    assert output.startswith("BuildError The index folder "), output
    return False


def largest_file(index: Path) -> int:
    return max(path.stat().st_size for path in Layout(index).segments.rglob("*") if path.is_file())


def limit_at(share: float, largest: int) -> int:
    """A limit that stops the largest file at its first byte (0), somewhere, or its last (1)."""
    return max(1, int(share * largest) - 1)


SHARES = [0.0, 0.5, 1.0, *(pytest.param(s, marks=pytest.mark.slow) for s in (0.1, 0.3, 0.7, 0.9))]


@pytest.fixture(autouse=True)
def _writers_unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Coverage would write its own data below the limit on the size of files."""
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)


@pytest.mark.parametrize("share", SHARES)
def test_a_build_that_may_not_write_enough_fails_well_and_succeeds_later(
    damaged: Path, tmp_path: Path, share: float
) -> None:
    catalog = write_catalog(tmp_path / "catalog", 60, "newer")
    build(catalog, tmp_path / "whole")
    limit = limit_at(share, largest_file(tmp_path / "whole"))
    before = Index.open(damaged).manifest
    assert not run_writer("build", catalog, damaged, limit)
    assert Index.open(damaged).manifest == before
    build(catalog, damaged)
    index = Index.open(damaged)
    assert (index.manifest.products, index.get("p7").fields) == (60, {"title": "newer"})
    assert all(report.intact for report in verify(damaged))
    assert not Layout(damaged).staging.exists()


@pytest.mark.parametrize(
    "share", [0.5, *(pytest.param(s, marks=pytest.mark.slow) for s in (0.0, 0.2, 0.8, 1.0))]
)
def test_a_merge_that_may_not_write_enough_fails_well_and_succeeds_later(
    damaged: Path, tmp_path: Path, share: float
) -> None:
    whole = shutil.copytree(damaged, tmp_path / "whole")
    merge(whole, lambda _name: FakeEncoder())
    limit = limit_at(share, largest_file(whole))
    before = Index.open(damaged).manifest
    assert not run_writer("merge", tmp_path, damaged, limit)
    assert Index.open(damaged).manifest == before
    merge(damaged, lambda _name: FakeEncoder())
    index = Index.open(damaged)
    assert [segment.products for segment in index.segments] == [60]
    assert index.get("p7").fields == {"title": "newest"}
    assert all(report.intact for report in verify(damaged))


class InterruptedEncoder(FakeEncoder):
    """Ends a build when its first images are to be encoded."""

    def encode_images(self, pixels: PixelArray) -> FloatArray:
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    "limit", [5000, *(pytest.param(n, marks=pytest.mark.slow) for n in (100, 20_000))]
)
def test_a_full_disk_costs_no_embedded_image(colours: Path, tmp_path: Path, limit: int) -> None:
    index = tmp_path / "index"
    with pytest.raises(BuildInterruptedError):
        build_index(colours, index, InterruptedEncoder(), BuildOptions(workers=0))
    row = (b"an image of long ago", b"its vector", b"its thumbnail", b"its colours")
    columns = "sha256, vector, thumbnail, colours"
    ledger = sqlite3.connect(Layout(index).ledger)
    ledger.execute(f"INSERT INTO embedded({columns}) VALUES (?, ?, ?, ?)", row)
    ledger.commit()
    ledger.close()
    assert not run_writer("build", colours, index, limit)
    ledger = sqlite3.connect(Layout(index).ledger)
    selection = f"SELECT {columns} FROM embedded WHERE sha256 = ?"
    kept = ledger.execute(selection, row[:1]).fetchall()
    ledger.close()
    assert kept == [row]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mounts a file system of so many KiB."""
    mounted: list[Path] = []

    def mount(kib: int) -> Path:
        path = tmp_path / "disk"
        path.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "none", str(path)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            pytest.skip("there is no mount command")
        if done.returncode != 0:
            pytest.skip(f"may not mount a small file system: {done.stderr.strip()}")
        mounted.append(path)
        return path

    yield mount
    for path in mounted:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


@pytest.mark.case(26)
@pytest.mark.parametrize(
    "spare", [40, *(pytest.param(kib, marks=pytest.mark.slow) for kib in (4, 100, 160, 400))]
)
def test_a_full_disk_stops_writers_and_spares_what_is_live(
    two_generations: Path, tmp_path: Path, small_disk: Callable[[int], Path], spare: int
) -> None:
    disk = small_disk(4096)
    index = shutil.copytree(two_generations, disk / "index")
    catalog = write_catalog(tmp_path / "catalog", 60, "newer")
    before = Index.open(index).manifest
    filler = disk / "filler"
    free = shutil.disk_usage(disk).free
    filler.write_bytes(bytes(free - spare * 1024))
    for operation in ("build", "merge"):
        if not run_writer(operation, catalog, index):
            assert Index.open(index).manifest == before
        else:
            before = Index.open(index).manifest
    filler.unlink()
    build(catalog, index)
    merge(index, lambda _name: FakeEncoder())
    live = Index.open(index)
    assert (live.manifest.products, live.get("p7").fields) == (60, {"title": "newer"})
    assert all(report.intact for report in verify(index))
