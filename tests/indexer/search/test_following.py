"""Which generation is served when files of the live one are changed while it is open."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from embeddings import FakeEncoder
from indexer import DamagedIndexError
from indexer.build import BuildOptions, build_index
from indexer.index import Index
from indexer.search import Engine, Query, TextPart
from indexer.storage import FileState, Layout

RED = Query(parts=(TextPart("red"),), k=1)


def cut(path: Path) -> None:
    os.truncate(path, 0)


def zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def overwrite(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(bytes(byte ^ 0x5A for byte in content))


DAMAGES: tuple[Callable[[Path], None], ...] = (cut, zero, overwrite, Path.unlink)


@pytest.fixture
def folder(colours: Path, tmp_path: Path) -> Path:
    """An index of two generations that share no segment."""
    index = tmp_path / "index"
    for title in ("first", "second"):
        lines = colours.read_text().splitlines()
        header, rows = lines[0], lines[1:]
        named = [",".join([*row.split(",")[:2], title, *row.split(",")[3:]]) for row in rows]
        colours.write_text("\n".join([header, *named]) + "\n")
        build_index(colours, index, FakeEncoder(), BuildOptions(workers=0))
    assert not {s.id for s in Index.open(index, 1).manifest.segments} & {
        s.id for s in Index.open(index, 2).manifest.segments
    }
    return index


def title(engine: Engine) -> object:
    (hit,) = engine.search(RED).hits
    assert hit.id == "red"
    return hit.fields["title"]


def live_files(folder: Path) -> list[Path]:
    (segment,) = Index.open(folder, 2).manifest.segments
    root = Layout(folder).segment(segment.id).root
    return sorted(root / name for name in segment.files)


@pytest.mark.case(55)
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("mapped", [False, True])
def test_a_damaged_generation_is_left_and_taken_up_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None], mapped: bool
) -> None:
    if mapped:
        monkeypatch.setattr("indexer.storage.memory_map._READ_BYTES", 0)
    for path in live_files(folder):
        engine = Engine.open(folder, FakeEncoder())
        assert not engine.refresh()
        assert (title(engine), engine.damage) == ("second", None)
        whole = path.read_bytes()
        if not whole:
            continue
        damage(path)
        assert engine.refresh(), path
        assert title(engine) == "first"
        assert engine.damage is not None
        assert (engine.damage.generation, engine.damage.answers) == (2, True)
        assert path.name in engine.damage.problem
        assert str(folder) not in engine.damage.problem
        assert not engine.refresh()
        path.write_bytes(whole)
        assert engine.refresh(), path
        assert (title(engine), engine.damage) == ("second", None)


@pytest.mark.case(55)
@pytest.mark.parametrize("damage", DAMAGES)
def test_small_files_are_in_memory_and_answer_where_no_other_generation_is(
    folder: Path, damage: Callable[[Path], None]
) -> None:
    Layout(folder).manifest(1).unlink()
    engine = Engine.open(folder, FakeEncoder())
    for path in live_files(folder):
        if path.stat().st_size:
            damage(path)
    assert not engine.refresh()
    assert title(engine) == "second"
    assert engine.damage is not None
    assert engine.damage.answers


def test_a_spoiled_mapped_file_stops_answers_until_it_is_restored(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.storage.memory_map._READ_BYTES", 0)
    Layout(folder).manifest(1).unlink()
    engine = Engine.open(folder, FakeEncoder())
    vectors = next(path for path in live_files(folder) if path.name == "vectors.npy")
    whole = vectors.read_bytes()
    overwrite(vectors)
    assert not engine.refresh()
    with pytest.raises(DamagedIndexError, match="no other generation"):
        engine.search(RED)
    assert engine.served.generation == 2
    # Under another inode: what is mapped stays spoiled, and must be opened again.
    vectors.unlink()
    vectors.write_bytes(whole)
    assert engine.refresh()
    assert (title(engine), engine.damage) == ("second", None)


def test_a_touched_or_replaced_file_of_the_same_content_is_no_damage(folder: Path) -> None:
    engine = Engine.open(folder, FakeEncoder())
    for path in live_files(folder):
        copy = path.with_suffix(".copy")
        shutil.copyfile(path, copy)
        copy.replace(path)
    assert not engine.refresh()
    assert (title(engine), engine.damage) == ("second", None)


def test_a_folder_that_vanishes_and_comes_back(folder: Path) -> None:
    engine = Engine.open(folder, FakeEncoder())
    away = folder.with_name("away")
    folder.rename(away)
    assert not engine.refresh()
    assert title(engine) == "second"
    assert engine.damage is not None
    assert engine.damage.answers
    away.rename(folder)
    assert engine.refresh()
    assert (title(engine), engine.damage) == ("second", None)


def test_a_folder_that_is_replaced_by_another_index(folder: Path, colours: Path) -> None:
    engine = Engine.open(folder, FakeEncoder())
    other = folder.with_name("other")
    colours.write_text(colours.read_text().replace("second", "third"))
    build_index(colours, other, FakeEncoder(), BuildOptions(workers=0))
    folder.rename(folder.with_name("away"))
    other.rename(folder)
    assert engine.refresh()
    assert (title(engine), engine.damage) == ("third", None)


def test_a_read_only_folder_is_served(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        engine = Engine.open(folder, FakeEncoder())
        assert not engine.refresh()
        assert title(engine) == "second"
    finally:
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755)


def test_a_scrub_finds_what_the_file_system_does_not_tell(folder: Path) -> None:
    engine = Engine.open(folder, FakeEncoder())
    overwrite(live_files(folder)[0])
    # As if the disk had changed the bytes: the state of the file is the one that was seen.
    watch = engine._followed._watch
    assert watch is not None
    for watched in watch._files:
        watched.state = FileState.of(watched.path)
    assert not engine.refresh()
    assert engine.refresh(2**20)
    assert title(engine) == "first"


def test_a_publication_shares_no_damaged_segment(
    folder: Path, colours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.storage.memory_map._READ_BYTES", 0)
    # Nothing is merged, so that generation 3 has the segment of generation 2.
    monkeypatch.setattr("indexer.build.update._SMALL", 0)
    engine = Engine.open(folder, FakeEncoder())
    lines = colours.read_text().splitlines()
    colours.write_text("\n".join([*lines, "new,red.png,third,2.50"]) + "\n")
    build_index(colours, folder, FakeEncoder(), BuildOptions(workers=0))
    shared = next(path for path in live_files(folder) if path.name == "fields.arrow")
    assert shared.parent.name in {s.id for s in Index.open(folder, 3).manifest.segments}
    overwrite(shared)
    assert engine.refresh()
    assert (title(engine), engine.served.generation) == ("first", 1)
