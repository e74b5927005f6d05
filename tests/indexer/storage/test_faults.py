"""Damaged files, full disks, two writers, readers while generations come and go."""

from __future__ import annotations

import gc
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
from PIL import Image

from embeddings import FakeEncoder
from indexer import IndexFolderError
from indexer.build import BuildOptions, BuildReport, build_index, merge
from indexer.errors import DamagedIndexError, IndexLockedError
from indexer.index import Index, prune, rollback, verify
from indexer.search import Engine, Query, TextPart
from indexer.storage import (
    COLOUR_FILES,
    KEYWORDS_META,
    LOOKUP_FILES,
    SEGMENT_FILES,
    TEXT_FILES,
    Layout,
    Manifest,
    keyword_file,
    live_generation,
    read_manifest,
    sha256_of,
)

ROOT = Path(__file__).parents[3]
GOLDEN = Path(__file__).parents[2] / "data" / "indices"
TANTIVY_FILES = ("fast", "fieldnorm", "idx", "pos", "store", "term")
KEYWORD_FILES = (KEYWORDS_META, *(keyword_file(0, kind) for kind in TANTIVY_FILES))
ALL_FILES = (*SEGMENT_FILES, *LOOKUP_FILES, *COLOUR_FILES, *TEXT_FILES, *KEYWORD_FILES)


def build(catalog: Path, index: Path, **options: Any) -> BuildReport:
    return build_index(catalog, index, FakeEncoder(), BuildOptions(workers=0, **options))


def write_catalog(folder: Path, count: int, title: str) -> Path:
    """So many products, each with a picture of its own and the same title."""
    folder.mkdir(exist_ok=True)
    lines = ["id,image,title"]
    for number in range(count):
        path = folder / f"{number}.bmp"
        if not path.exists():
            Image.new("RGB", (2, 2), (number % 256, number // 256, 90)).save(path)
        lines.append(f"p{number},{path.name},{title}")
    path = folder / "catalog.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


# Damage


@pytest.fixture(scope="module")
def two_generations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generation 1 of ten old products; live, 3 of two segments that 1 has no part in."""
    folder = tmp_path_factory.mktemp("faults")
    build(write_catalog(folder / "catalog", 10, "old"), folder / "index")
    catalog = write_catalog(folder / "catalog", 1010, "new")
    build(catalog, folder / "index")
    catalog.write_text(catalog.read_text().replace("p7,7.bmp,new", "p7,7.bmp,newest"))
    build(catalog, folder / "index")
    Layout(folder / "index").manifest(2).unlink()
    return folder / "index"


@pytest.fixture
def damaged(two_generations: Path, tmp_path: Path) -> Path:
    """A copy of that index, to be damaged."""
    return shutil.copytree(two_generations, tmp_path / "index")


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
    assert len(segments) == 2
    assert all(set(segment.files) == set(ALL_FILES) for segment in segments)
    files = [layout.segment(segment.id).root / name for segment in segments for name in ALL_FILES]
    return [*files, layout.manifest(3), layout.current]


def damages(content: bytes, rng: random.Random) -> Iterator[bytes]:
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
        spoilt = bytearray(content)
        spoilt[place] ^= 1 << rng.randrange(8)
        yield bytes(spoilt)
    yield content + b"\0"


def assert_serves_what_it_was(index: Index, manifests: dict[int, Manifest]) -> None:
    """The generation is exactly one that was published."""
    generation = index.manifest.generation
    assert index.manifest == manifests[generation]
    titles = {1: ("old", "old"), 3: ("newest", "new")}[generation]
    assert (index.get("p7").fields["title"], index.get("p8").fields["title"]) == titles
    np.testing.assert_allclose(
        index.vector("p8"), np.array([8, 0, 90]) / np.hypot(8, 90), atol=1e-3
    )


def test_no_damage_to_any_file_is_served_or_given_to_faiss(
    damaged: Path, parsed: list[tuple[str, str]]
) -> None:
    layout = Layout(damaged)
    manifests = {generation: read_manifest(layout, generation) for generation in (1, 3)}
    genuine = {
        (segment.id, segment.files["neighbours.faiss"].sha256)
        for manifest in manifests.values()
        for segment in manifest.segments
    }
    rng = random.Random(0)
    opened = 0
    for path in live_files(damaged):
        content = path.read_bytes()
        for spoilt in damages(content, rng):
            if spoilt == content:
                continue
            path.write_bytes(spoilt)
            index = Index.open(damaged)
            assert_serves_what_it_was(index, manifests)
            # Damage that changes no meaning (a cut newline) may be overlooked above the segments.
            assert layout.segments not in path.parents or index.manifest.generation == 1
            opened += 1
        path.write_bytes(content)
    assert Index.open(damaged).manifest.generation == 3
    assert opened > 32 * 60
    assert set(parsed) <= genuine
    assert len(set(parsed)) == 3


def test_a_manifest_that_was_changed_does_not_count(damaged: Path) -> None:
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
        (damaged / "kept").rename(path)
    assert Index.open(damaged).manifest.generation == 3


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


@pytest.mark.parametrize("content", [None, b"", b"000007.json\n"])
def test_a_build_mends_current_though_the_catalog_is_the_same(
    colours: Path, tmp_path: Path, content: bytes | None
) -> None:
    # So it stands after a crash between the first manifest and CURRENT.
    index = tmp_path / "index"
    build(colours, index)
    (index / "CURRENT").unlink()
    if content is not None:
        (index / "CURRENT").write_bytes(content)
    build(colours, index)
    live = live_generation(Layout(index))
    assert Index.open(index).manifest.generation == live
    assert prune(index) in ([], [1])


def test_a_build_mends_the_live_generation_though_an_older_one_is_as_the_catalog(
    colours: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    before = colours.read_text()
    build(colours, index)
    colours.write_text(before.replace("A red", "Another red"))
    build(colours, index)
    (segment,) = read_manifest(Layout(index), 2).segments
    Layout(index).segment(segment.id).vectors.write_bytes(b"spoilt")
    colours.write_text(before)
    build(colours, index)
    assert next(report for report in verify(index) if report.live).intact


def test_a_merge_with_nothing_to_do_clears_what_a_killed_one_left(
    colours: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    build(colours, index)
    Layout(index).staging.mkdir()  # killed after publishing
    assert merge(index, lambda name: FakeEncoder()).merged == 0
    assert not Layout(index).staging.exists()


# Two writers


_BUILD = """
import resource, sys
from pathlib import Path
from embeddings.errors import LookalikeError
from embeddings.fake import FakeEncoder
from indexer.build import BuildOptions, build_index
from indexer.build.merge import merge

class Waiting(FakeEncoder):
    def encode_images(self, pixels):
        if wait:
            print("holding", flush=True)
            sys.stdin.readline()
        return super().encode_images(pixels)

if __name__ == "__main__":
    operation, catalog, index, limit, wait = sys.argv[1:6]
    wait = wait == "wait"
    if int(limit):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    try:
        if operation == "merge":
            merge(Path(index), lambda name: FakeEncoder())
        else:
            build_index(Path(catalog), Path(index), Waiting(), BuildOptions(workers=1))
    except LookalikeError as error:
        print(type(error).__name__, error.message)
        sys.exit(3)
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "writer.py"
    path.write_text(_BUILD)
    return path


def writer(script: Path, *arguments: object) -> subprocess.Popen[str]:
    """A writer in a process of its own: operation, catalog, index, size limit, wait or not."""
    return subprocess.Popen(
        [sys.executable, str(script), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_the_second_of_two_builders_is_refused_naming_the_first(
    colours: Path, tmp_path: Path, script: Path
) -> None:
    index = tmp_path / "index"
    first = writer(script, "build", colours, index, 0, "wait")
    assert first.stdout is not None
    assert first.stdout.readline() == "holding\n"
    for _ in range(2):  # being refused changes nothing about the holder
        with pytest.raises(IndexLockedError, match=f"process {first.pid} on "):
            build(colours, index)
    second = writer(script, "build", colours, index, 0, "")
    told, trouble = second.communicate()
    assert (second.returncode, trouble) == (3, "")
    assert told.startswith(f"IndexLockedError The index is being written by process {first.pid} ")
    _, trouble = first.communicate("\n")
    assert (first.returncode, trouble) == (0, "")
    assert not build(colours, index).published


# Full disks


def run_limited(script: Path, operation: str, catalog: Path, index: Path, limit: int) -> bool:
    """Whether an operation went through with no file larger than a limit, or else failed well."""
    process = writer(script, operation, catalog, index, limit, "")
    told, trouble = process.communicate()
    if process.returncode == 0:
        return True
    assert (process.returncode, trouble) == (3, ""), trouble
    assert told.startswith("BuildError The index folder "), told
    return False


@pytest.mark.parametrize("limit", [10, 2000, 20_000, 60_000])
def test_a_build_that_may_not_write_enough_fails_well_and_succeeds_later(
    damaged: Path, tmp_path: Path, script: Path, limit: int
) -> None:
    catalog = write_catalog(tmp_path / "catalog", 400, "newer")
    before = Index.open(damaged).manifest
    assert not run_limited(script, "build", catalog, damaged, limit)
    assert Index.open(damaged).manifest == before
    assert run_limited(script, "build", catalog, damaged, 0)
    index = Index.open(damaged)
    assert (index.manifest.products, index.get("p7").fields) == (400, {"title": "newer"})
    assert all(report.intact for report in verify(damaged))
    assert not Layout(damaged).staging.exists()


@pytest.mark.parametrize("limit", [10, 1000, 5000, 20_000])
def test_a_merge_that_may_not_write_enough_fails_well_and_succeeds_later(
    damaged: Path, tmp_path: Path, script: Path, limit: int
) -> None:
    before = Index.open(damaged).manifest
    assert not run_limited(script, "merge", tmp_path, damaged, limit)
    assert Index.open(damaged).manifest == before
    assert run_limited(script, "merge", tmp_path, damaged, 0)
    index = Index.open(damaged)
    assert (len(index.segments), index.manifest.products) == (1, 1010)
    assert all(report.intact for report in verify(damaged))


def test_a_full_disk_costs_no_embedded_picture(colours: Path, tmp_path: Path, script: Path) -> None:
    index = tmp_path / "index"
    held = writer(script, "build", colours, index, 0, "wait")
    assert held.stdout is not None
    held.stdout.readline()
    held.kill()
    held.communicate()
    ledger = sqlite3.connect(Layout(index).ledger)
    row = (b"a picture of long ago", b"its vector", b"its thumbnail", b"its colours")
    ledger.execute("INSERT INTO embedded VALUES (?, ?, ?, ?)", row)
    ledger.commit()
    ledger.close()
    for limit in (100, 5000, 20_000):
        assert not run_limited(script, "build", colours, index, limit)
        ledger = sqlite3.connect(Layout(index).ledger)
        assert ledger.execute("SELECT * FROM embedded WHERE sha256 = ?", row[:1]).fetchall() == [
            row
        ], f"lost at {limit}"
        ledger.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mounts a file system of so many KiB."""
    mounted: list[Path] = []

    def mount(kib: int) -> Path:
        path = tmp_path / "disk"
        path.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "none", str(path)]
        try:
            done = subprocess.run(command, capture_output=True, text=True)
        except FileNotFoundError:
            pytest.skip("there is no mount command")
        if done.returncode != 0:
            pytest.skip(f"may not mount a small file system: {done.stderr.strip()}")
        mounted.append(path)
        return path

    yield mount
    for path in mounted:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


@pytest.mark.parametrize("spare", [4, 40, 100, 160, 400])
def test_a_full_disk_stops_writers_and_spares_what_is_live(
    two_generations: Path,
    tmp_path: Path,
    small_disk: Callable[[int], Path],
    script: Path,
    spare: int,
) -> None:
    disk = small_disk(4096)
    index = shutil.copytree(two_generations, disk / "index")
    catalog = write_catalog(tmp_path / "catalog", 1010, "newer")
    before = Index.open(index).manifest
    filler = disk / "filler"
    free = shutil.disk_usage(disk).free
    filler.write_bytes(bytes(free - spare * 1024))
    for operation in ("build", "merge"):
        if not run_limited(script, operation, catalog, index, 0):
            assert Index.open(index).manifest == before
        else:
            before = Index.open(index).manifest
    filler.unlink()
    assert run_limited(script, "build", catalog, index, 0)
    assert run_limited(script, "merge", catalog, index, 0)
    live = Index.open(index)
    assert (live.manifest.products, live.get("p7").fields) == (1010, {"title": "newer"})
    assert all(report.intact for report in verify(index))


# Readers


class Publisher:
    """Publishes one small generation after another and knows what each holds."""

    def __init__(self, folder: Path) -> None:
        self.index = folder / "index"
        self._folder = folder / "catalog"
        self._rng = random.Random(0)
        self._products = dict.fromkeys(range(60), 0)
        self.held: dict[int, frozenset[tuple[str, int]]] = {}
        write_catalog(self._folder, 60, "x")
        self.publish(0)

    def publish(self, number: int) -> None:
        """Drop two products or bring back all, and give some this build number."""
        if number % 10 == 9:
            self._products = dict.fromkeys(range(60), number - 1) | self._products
        else:
            for product in self._rng.sample(sorted(self._products), 2):
                del self._products[product]
        for product in self._rng.sample(sorted(self._products), 8):
            self._products[product] = number
        rows = [f"p{n},{n}.bmp,{number}" for n, number in sorted(self._products.items())]
        catalog = self._folder / "catalog.csv"
        catalog.write_text("\n".join(["id,image,build", *rows]) + "\n")
        self._note(build(catalog, self.index, thumbnails=False).generation)

    def publish_and_tidy(self, number: int) -> None:
        """As `publish`, with a merge and a prune now and then."""
        self.publish(number)
        if number % 4 == 0:
            self.merge()
        if number % 3 == 0:
            prune(self.index)

    def merge(self) -> None:
        self._note(merge(self.index, lambda name: FakeEncoder()).generation)

    def _note(self, generation: int) -> None:
        self.held[generation] = frozenset((f"p{n}", b) for n, b in self._products.items())


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publisher:
    # Small segments stay, as large ones would.
    monkeypatch.setattr("indexer.build.update._SMALL", 0)
    return Publisher(tmp_path)


def resident() -> int:
    """Memory of this process in bytes, mapped files included."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("swaps", [30, pytest.param(1000, marks=pytest.mark.slow)])
def test_every_answer_is_of_one_generation_while_many_come_and_go(
    publisher: Publisher, swaps: int
) -> None:
    engine = Engine.open(publisher.index, FakeEncoder())
    answers: set[tuple[int, frozenset[tuple[str, object]]]] = set()
    segments: set[int] = set()
    failures: list[Exception] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.wait(0.002):  # a moment for the writer, which shares the processor
                engine.refresh()
                segments.add(len(engine.index.segments))
                result = engine.search(Query(parts=(TextPart("blue"),), k=1000, facets=("build",)))
                rows = [(hit.id, hit.fields["build"]) for hit in result.hits]
                assert len(set(rows)) == len(rows) == sum(n for _, n in result.facets["build"])
                answers.add((result.generation, frozenset(rows)))
        except Exception as error:
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    early = 0
    for number in range(1, swaps + 1):
        publisher.publish_and_tidy(number)
        if number == swaps // 4:
            early = resident()
    grown = resident() - early
    done.set()
    for reader in readers:
        reader.join()
    assert failures == []
    assert max(segments) > 1
    assert len(answers) > 10
    assert grown < 64 << 20
    for generation, rows in answers:
        assert rows == publisher.held[generation]
    engine.refresh()
    assert engine.index.manifest.generation == max(publisher.held)


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Nothing goes away but what nobody refers to."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("swaps", [60, pytest.param(1000, marks=pytest.mark.slow)])
def test_refreshing_keeps_no_file_of_former_generations_open(
    publisher: Publisher, swaps: int
) -> None:
    # A service may run for hours before the collector looks at its oldest objects, and all that
    # while the disk space of pruned generations would not come free.
    engine = Engine.open(publisher.index, FakeEncoder())

    def open_files() -> tuple[int, int]:
        maps = Path("/proc/self/maps").read_text().splitlines()
        mapped = sum(str(publisher.index) in line for line in maps)
        return len(os.listdir("/proc/self/fd")), mapped  # noqa: PTH208 - they vanish under way

    publisher.publish(0)
    publisher.merge()
    assert engine.refresh()
    before = open_files()
    assert before[1] > 0
    for number in range(1, swaps + 1):
        publisher.publish(number)
        assert engine.refresh()
        engine.search(Query(parts=(TextPart("blue"),), filter={"build": {"lt": number}}))
        if number % 10 == 0:
            prune(publisher.index)
    publisher.merge()
    prune(publisher.index)
    assert engine.refresh()
    after = open_files()
    assert after[0] <= before[0] + 3
    assert after[1] <= before[1] + 2


def test_a_generation_number_used_again_is_noticed(colours: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build(colours, index)
    colours.write_text(colours.read_text().replace("A red", "A second red"))
    build(colours, index)
    engine = Engine.open(index, FakeEncoder())
    # All within the time between two looks at the folder:
    rollback(index)
    prune(index)
    colours.write_text(colours.read_text().replace("A second red", "A third red"))
    build(colours, index)
    engine.refresh()
    assert engine.product("red").fields["title"] == "A third red thing"
