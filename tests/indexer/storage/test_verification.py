"""Damaged, missing and hostile files: none is served, none is given to FAISS."""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from indexer import IndexFolderError
from indexer.errors import DamagedIndexError
from indexer.index import Index
from indexer.storage import (
    COLOUR_FILES,
    KEYWORDS_META,
    LOOKUP_FILES,
    SEGMENT_FILES,
    TEXT_FILES,
    FileRecord,
    Layout,
    Manifest,
    keyword_file,
    read_manifest,
    sha256_of,
    verify_file,
)

GOLDEN = Path(__file__).parents[2] / "data" / "indices"
TANTIVY_FILES = ("fast", "fieldnorm", "idx", "pos", "store", "term")
KEYWORD_FILES = (KEYWORDS_META, *(keyword_file(0, kind) for kind in TANTIVY_FILES))
ALL_FILES = (*SEGMENT_FILES, *LOOKUP_FILES, *COLOUR_FILES, *TEXT_FILES, *KEYWORD_FILES)


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The segment and SHA-256 of every file that FAISS was asked to read."""
    read: list[tuple[str, str]] = []
    read_index = faiss.read_index

    def recording(path: str, *args: Any) -> Any:
        read.append((Path(path).parent.name, sha256_of(Path(path))))
        return read_index(path, *args)

    monkeypatch.setattr("indexer.retrieval.ann.neighbours.faiss.read_index", recording)
    return read


def live_files(index: Path) -> list[Path]:
    layout = Layout(index)
    segments = read_manifest(layout, 3).segments
    assert [segment.products - segment.deleted_products for segment in segments] == [59, 1]
    assert all(set(segment.files) == set(ALL_FILES) for segment in segments)
    files = [layout.segment(segment.id).root / name for segment in segments for name in ALL_FILES]
    return [*files, layout.manifest(3), layout.current]


def some_damages(content: bytes, rng: random.Random) -> Iterator[bytes]:
    """A file cut, overwritten by zeros, with a flipped bit, and with a byte added."""
    place = rng.randrange(len(content))
    yield content[:place]
    yield bytes(len(content))
    for flipped in (0, place, len(content) - 1):
        yield _flip(content, flipped, rng)
    yield content + b"\0"


def many_damages(content: bytes, rng: random.Random) -> Iterator[bytes]:
    """Some 75 ways in which a file may be spoilt."""
    length = len(content)
    for kept in {0, 1, length // 2, length - 1, *(rng.randrange(length) for _ in range(21))}:
        yield content[:kept]
    for start in (0, length // 2, *(rng.randrange(length) for _ in range(7))):
        for size in (1, 64, length):
            stop = min(length, start + size)
            yield content[:start] + bytes(stop - start) + content[stop:]
    spread = [length * number // 6 for number in range(6)]
    for place in [*spread, *(rng.randrange(length) for _ in range(19))]:
        yield _flip(content, place, rng)
    yield content + b"\0"


def _flip(content: bytes, place: int, rng: random.Random) -> bytes:
    return content[:place] + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :]


def assert_serves_what_was_published(index: Index, manifests: dict[int, Manifest]) -> None:
    generation = index.manifest.generation
    assert index.manifest == manifests[generation]
    titles = {1: ("old", "old"), 3: ("newest", "new")}[generation]
    assert (index.get("p7").fields["title"], index.get("p8").fields["title"]) == titles
    np.testing.assert_allclose(
        index.vector("p8"), np.array([8, 0, 90]) / np.hypot(8, 90), atol=1e-3
    )


@pytest.mark.case(16)
@pytest.mark.parametrize(
    "damages", [some_damages, pytest.param(many_damages, marks=pytest.mark.slow)]
)
def test_no_damage_to_any_file_is_served_or_given_to_faiss(
    damaged: Path,
    parsed: list[tuple[str, str]],
    damages: Callable[[bytes, random.Random], Iterator[bytes]],
) -> None:
    layout = Layout(damaged)
    manifests = {generation: read_manifest(layout, generation) for generation in (1, 3)}
    genuine = {
        (segment.id, segment.files["neighbours.faiss"].sha256)
        for manifest in manifests.values()
        for segment in manifest.segments
    }
    rng = random.Random(0)
    for path in live_files(damaged):
        content = path.read_bytes()
        for spoilt in damages(content, rng):
            if spoilt == content:
                continue
            path.write_bytes(spoilt)
            index = Index.open(damaged)
            assert_serves_what_was_published(index, manifests)
            # Damage that changes no meaning (a cut newline) may be overlooked above the segments.
            assert layout.segments not in path.parents or index.manifest.generation == 1
        path.write_bytes(content)
    assert Index.open(damaged).manifest.generation == 3
    assert set(parsed) == genuine


def test_a_changed_manifest_does_not_count(damaged: Path) -> None:
    path = Layout(damaged).manifest(3)
    content = path.read_bytes()
    for place in range(0, len(content), 97):
        # Letters and digits always mean something.
        if content[place : place + 1].isalnum():
            path.write_bytes(content[:place] + b"?" + content[place + 1 :])
            assert Index.open(damaged).manifest.generation == 1


@pytest.mark.parametrize("name", ALL_FILES)
def test_a_missing_file_is_noticed(damaged: Path, name: str) -> None:
    for segment in read_manifest(Layout(damaged), 3).segments:
        path = Layout(damaged).segment(segment.id).root / name
        path.rename(damaged / "kept")
        assert Index.open(damaged).manifest.generation == 1
        with pytest.raises(DamagedIndexError, match=f"{name} is missing or can't be read"):
            Index.open(damaged, 3)
        (damaged / "kept").rename(path)
    assert Index.open(damaged).manifest.generation == 3


@pytest.mark.case(17)
def test_a_hostile_faiss_file_is_never_read(damaged: Path, parsed: list[tuple[str, str]]) -> None:
    layout = Layout(damaged)
    (old,) = read_manifest(layout, 1).segments
    large, _ = read_manifest(layout, 3).segments
    path = layout.segment(large.id).neighbours
    genuine = path.read_bytes()
    sound_but_foreign = layout.segment(old.id).neighbours.read_bytes()
    # A header that promises 2^63 vectors; and a code that FAISS takes for its most complex reader.
    absurd = genuine[:8] + b"\xff" * 16 + genuine[24:]
    other_kind = b"IwFl" + genuine[4:]
    for hostile in (sound_but_foreign, absurd, other_kind):
        path.write_bytes(hostile)
        parsed.clear()
        assert Index.open(damaged).manifest.generation == 1
        assert [segment for segment, _ in parsed] == [old.id]
        with pytest.raises(DamagedIndexError, match=r"neighbours\.faiss was changed"):
            Index.open(damaged, 3)


@pytest.mark.parametrize(
    "content",
    [
        b"[]",
        b"null",
        b'"000003.json"',
        b"NaN",
        b'{"format": 2}',
        b'{"format": [], "sha256": 1}',
        b"\xff\xfe",
        b"9" * 10_000,
        b"[" * 200_000,
        b'{"a":' * 200_000,
    ],
    ids=lambda content: repr(content[:12]),
)
def test_a_manifest_of_anything_else_is_refused(damaged: Path, content: bytes) -> None:
    Layout(damaged).manifest(3).write_bytes(content)
    assert Index.open(damaged).manifest.generation == 1


@pytest.mark.case(19)
@pytest.mark.parametrize(
    "content", [b"", b"\0\0\0", b"000002.json\n", b"../../etc/passwd", b"-1", b"9" * 5000, b"\xff"]
)
def test_a_current_of_anything_else_serves_the_newest(damaged: Path, content: bytes) -> None:
    (damaged / "CURRENT").write_bytes(content)
    assert Index.open(damaged).manifest.generation == 3


@pytest.mark.parametrize("version", sorted(path.name for path in GOLDEN.iterdir()))
def test_flipped_bits_in_manifests_of_every_format_break_nothing(
    version: str, tmp_path: Path
) -> None:
    folder = shutil.copytree(GOLDEN / version, tmp_path / version)
    path = Layout(folder).manifest(1)
    content = path.read_bytes()
    fields = content.index(b'"fields"')
    rng = random.Random(0)
    places = [*rng.sample(range(len(content)), 100), *range(fields, fields + 120)]
    for place in places:
        spoilt = bytearray(content)
        spoilt[place] ^= 1
        path.write_bytes(spoilt)
        try:
            index = Index.open(folder)
        except IndexFolderError:
            continue
        assert (index.manifest.products, index.manifest.images) == (4, 5)


def test_a_file_is_verified_by_size_and_hash(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    digest = hashlib.sha256(b"content").hexdigest()
    verify_file(path, FileRecord(7, digest), "file")
    for wrong in (FileRecord(6, digest), FileRecord(7, digest[::-1])):
        with pytest.raises(DamagedIndexError, match="the file was changed after it was written"):
            verify_file(path, wrong, "the file")
    path.unlink()
    with pytest.raises(DamagedIndexError, match="the file is missing or can't be read"):
        verify_file(path, FileRecord(7, digest), "the file")
