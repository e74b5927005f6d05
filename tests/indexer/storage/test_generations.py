"""Generations that come and go: recovery of the live one, and readers meanwhile."""

from __future__ import annotations

import gc
import os
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from embeddings import FakeEncoder
from indexer.build import merge
from indexer.index import Index, prune, rollback, verify
from indexer.search import Engine, Query, TextPart
from indexer.storage import Layout, live_generation, read_manifest
from tests.support.numbered_catalogs import build, write_catalog
from tests.support.processes import PATIENCE

PRODUCTS = 60


@pytest.mark.parametrize("content", [None, b"", b"000007.json\n"])
def test_a_build_mends_current_though_the_catalog_is_the_same(
    colours: Path, tmp_path: Path, content: bytes | None
) -> None:
    # This is what a crash between the first manifest and CURRENT leaves.
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
    assert Index.open(index).get("red").fields["title"] == "A red thing"


def test_a_merge_with_nothing_to_do_clears_what_a_killed_one_left(
    colours: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    build(colours, index)
    Layout(index).staging.mkdir()  # killed after publishing
    assert merge(index, lambda _name: FakeEncoder()).merged == 0
    assert not Layout(index).staging.exists()


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


class Publisher:
    """Publishes one small generation after another and knows what each holds.

    Attributes:
        held: The ids and build numbers of each generation's products.
    """

    def __init__(self, folder: Path) -> None:
        self.index = folder / "index"
        self._folder = folder / "catalog"
        self._rng = random.Random(0)
        self._products = dict.fromkeys(range(PRODUCTS), 0)
        self.held: dict[int, frozenset[tuple[str, object]]] = {}
        write_catalog(self._folder, PRODUCTS, "x")
        self.publish(0)

    def publish(self, number: int) -> None:
        """Drop two products or bring back all, and give some this build number."""
        if number % 10 == 9:
            self._products = dict.fromkeys(range(PRODUCTS), number - 1) | self._products
        else:
            for product in self._rng.sample(sorted(self._products), 2):
                del self._products[product]
        for product in self._rng.sample(sorted(self._products), 8):
            self._products[product] = number
        rows = [f"p{n},{n}.bmp,{number}" for n, number in sorted(self._products.items())]
        catalog = self._folder / "catalog.csv"
        catalog.write_text("\n".join(["id,image,build", *rows]) + "\n")
        self._note(build(catalog, self.index, thumbnails=False).generation)

    def merge(self) -> None:
        """Write all segments as one."""
        self._note(merge(self.index, lambda _name: FakeEncoder()).generation)

    def _note(self, generation: int) -> None:
        self.held[generation] = frozenset((f"p{n}", b) for n, b in self._products.items())


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publisher:
    # Small segments stay, as large ones would.
    monkeypatch.setattr("indexer.build.update._SMALL", 0)
    return Publisher(tmp_path)


class Reader(threading.Thread):
    """Searches all the time, and notes each answer with its generation.

    Attributes:
        answers: The products of every answer, by generation.
        segments: How many segments the index had, at most.
        failure: What ended the reader before its time.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.answers: dict[int, set[frozenset[tuple[str, object]]]] = {}
        self.segments = 0
        self.failure: Exception | None = None
        self._engine = engine
        self._stopped = threading.Event()
        self._answered = threading.Condition()

    def run(self) -> None:
        try:
            while not self._stopped.wait(0.002):  # a moment for the writer, which shares the GIL
                self._engine.refresh()
                self.segments = max(self.segments, len(self._engine.index.segments))
                self._search()
        except Exception as error:
            self.failure = error
        finally:
            with self._answered:
                self._stopped.set()
                self._answered.notify_all()

    def _search(self) -> None:
        query = Query(parts=(TextPart("blue"),), k=1000, facets=("build",))
        result = self._engine.search(query)
        rows = [(hit.id, hit.fields["build"]) for hit in result.hits]
        assert len(set(rows)) == len(rows) == sum(n for _, n in result.facets["build"])
        with self._answered:
            self.answers.setdefault(result.generation, set()).add(frozenset(rows))
            self._answered.notify_all()

    def wait_for(self, generation: int) -> None:
        """Wait until a generation was searched, or the reader failed."""
        with self._answered:
            assert self._answered.wait_for(
                lambda: self._stopped.is_set() or generation in self.answers, PATIENCE
            )

    def stop(self) -> None:
        self._stopped.set()
        self.join()


def resident() -> int:
    """Memory of this process in bytes, mapped files included."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.case(24)
@pytest.mark.parametrize("swaps", [8, pytest.param(1000, marks=pytest.mark.slow)])
def test_every_answer_is_of_one_generation_while_many_come_and_go(
    publisher: Publisher, swaps: int
) -> None:
    engine = Engine.open(publisher.index, FakeEncoder())
    readers = [Reader(engine) for _ in range(2)]
    for reader in readers:
        reader.start()
    early = 0
    for number in range(1, swaps + 1):
        publisher.publish(number)
        if number % 4 == 0:
            publisher.merge()
        if number % 3 == 0:
            prune(publisher.index)
        for reader in readers:
            reader.wait_for(max(publisher.held))
        if number == swaps // 4:
            early = resident()
    grown = resident() - early
    for reader in readers:
        reader.stop()
    assert [reader.failure for reader in readers] == [None, None]
    for reader in readers:
        assert len(reader.answers) >= swaps
        assert reader.segments > 1
        for generation, answers in reader.answers.items():
            assert answers == {publisher.held[generation]}
    assert grown < 64 << 20
    assert engine.index.manifest.generation == max(publisher.held)


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Only objects without references go away."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("swaps", [10, pytest.param(1000, marks=pytest.mark.slow)])
def test_refreshing_keeps_no_file_of_former_generations_open(
    publisher: Publisher, swaps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.storage.memory_map._READ_BYTES", 0)  # small files are mapped too
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
