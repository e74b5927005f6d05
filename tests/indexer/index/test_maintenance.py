from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from embeddings import FakeEncoder
from indexer import IndexFolderError, NoIndexError
from indexer.build import BuildOptions, build_index
from indexer.errors import DamagedIndexError
from indexer.index import Index, NewImage, NewProduct, prune, rollback, verify, write_segment
from indexer.storage import EncoderRecord, Layout, Manifest, make_live, publish


@pytest.fixture(scope="module")
def three_builds(
    colour_catalog: Path, tmp_path_factory: pytest.TempPathFactory, fast_options: BuildOptions
) -> Path:
    """A folder with an index of generations 1 to 3 and its catalog; `red` is titled by them."""
    root = tmp_path_factory.mktemp("three-builds")
    catalog = shutil.copytree(colour_catalog, root / "catalog") / "catalog.csv"
    text = catalog.read_text()
    for generation in (1, 2, 3):
        catalog.write_text(text.replace("A red thing", f"generation {generation}"))
        build_index(catalog, root / "index", FakeEncoder(), fast_options)
    return root


@pytest.fixture
def folder(three_builds: Path, tmp_path: Path) -> Path:
    """A copy of the index of `three_builds`."""
    return shutil.copytree(three_builds / "index", tmp_path / "index")


@pytest.fixture
def catalog(three_builds: Path, tmp_path: Path) -> Path:
    """A copy of the catalog of `three_builds`."""
    return shutil.copytree(three_builds / "catalog", tmp_path / "catalog") / "catalog.csv"


def live_title(folder: Path) -> object:
    return Index.open(folder).get("red").fields["title"]


def segments(folder: Path) -> int:
    return len(list(Layout(folder).segments.iterdir()))


def test_rollback_goes_back_one_by_one_and_to_a_number(folder: Path) -> None:
    assert rollback(folder) == 2
    assert live_title(folder) == "generation 2"
    assert rollback(folder) == 1
    with pytest.raises(IndexFolderError, match="no generation before 1"):
        rollback(folder)
    assert rollback(folder, 3) == 3
    assert live_title(folder) == "generation 3"


def test_rollback_passes_by_what_never_was_live(
    folder: Path, catalog: Path, fast_options: BuildOptions
) -> None:
    catalog.write_text(catalog.read_text().replace("generation", "killed"))
    build_index(catalog, folder, FakeEncoder(), fast_options)
    make_live(Layout(folder), 3)  # as a kill would leave it, just before the last step
    catalog.write_text(catalog.read_text().replace("killed", "later"))
    assert build_index(catalog, folder, FakeEncoder(), fast_options).generation == 5
    assert rollback(folder) == 3
    assert live_title(folder) == "generation 3"


def test_rollback_refuses_what_is_missing_or_damaged(folder: Path) -> None:
    with pytest.raises(DamagedIndexError):
        rollback(folder, 9)
    Layout(folder).manifest(2).write_text("{}")
    with pytest.raises(DamagedIndexError):
        rollback(folder)
    assert live_title(folder) == "generation 3"


def test_a_build_after_a_rollback_takes_a_new_number(
    folder: Path, catalog: Path, fast_options: BuildOptions
) -> None:
    rollback(folder, 1)
    report = build_index(catalog, folder, FakeEncoder(), fast_options)
    assert report.generation == 4
    assert live_title(folder) == "generation 3"


def test_prune_keeps_the_live_one_and_the_newest_before_it(folder: Path) -> None:
    assert prune(folder, keep=2) == [1]
    assert segments(folder) == 2
    assert prune(folder) == [2]
    assert segments(folder) == 1
    assert prune(folder) == []
    assert live_title(folder) == "generation 3"


def test_prune_after_a_rollback_drops_the_newer_ones(folder: Path) -> None:
    rollback(folder, 2)
    assert prune(folder) == [3, 1]
    assert live_title(folder) == "generation 2"


def test_prune_deletes_nothing_while_the_live_one_is_damaged(folder: Path) -> None:
    Layout(folder).manifest(3).write_text("{}")
    with pytest.raises(DamagedIndexError):
        prune(folder)
    assert segments(folder) == 3
    assert live_title(folder) == "generation 2"


def test_verify_names_what_is_wrong(folder: Path) -> None:
    assert [(r.generation, r.live, r.intact) for r in verify(folder)] == [
        (3, True, True),
        (2, False, True),
        (1, False, True),
    ]
    victim = Index.open(folder, 2).manifest.segments[0].id
    path = Layout(folder).segment(victim).thumbnails
    path.write_bytes(path.read_bytes()[:-1])
    broken = verify(folder)[1]
    assert not broken.intact
    assert "thumbnails.bin" in str(broken.problem)


def test_verify_finds_vectors_that_are_no_unit_vectors(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    images = [NewImage(bytes(32), "", np.array([np.nan, 0, 1], np.float16), b"")]
    record = write_segment(layout.segment("a"), [NewProduct("x", {}, images, bytes(16))], {}, 3)
    publish(layout, Manifest(1, "", EncoderRecord("fake", "f", 3), (record,), 1, 1, {}, ""))
    (report,) = verify(tmp_path)
    assert "length 1" in str(report.problem)


def test_verify_needs_an_index(tmp_path: Path) -> None:
    with pytest.raises(NoIndexError):
        verify(tmp_path)
