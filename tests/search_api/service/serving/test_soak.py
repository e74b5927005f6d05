"""Row 25 of CASES.md: generation after generation under load, and nothing grows."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Self

import httpx
import pytest
from PIL import Image

from embeddings import FakeEncoder
from indexer.build import BuildOptions, build_index
from indexer.index import prune
from tests.support.processes import MODEL, PATIENCE, Cli, Server, serve
from tests.support.waiting import until

PRODUCTS = 12
OPTIONS = BuildOptions(workers=0, text_weight=0.0)
# Looks for new generations all the time, so that a thousand of them need no waiting.
EAGER = "import search_api.service.serving.lifespan as life; life._REFRESH_SECONDS = 0.01\n"


class Shop:
    """A catalog whose products carry the number of its edition, which is its generation."""

    def __init__(self, folder: Path) -> None:
        Image.new("RGB", (32, 32), "red").save(folder / "red.png")
        self._catalog = folder / "catalog.csv"
        self.index = folder / "index"

    def publish(self, edition: int) -> None:
        rows = [f"{number},red.png,{edition}" for number in range(PRODUCTS)]
        self._catalog.write_text("\n".join(["id,image,edition", *rows]) + "\n")
        build_index(self._catalog, self.index, FakeEncoder(MODEL), OPTIONS)
        if edition % 5 == 0:
            prune(self.index)


class Clients:
    """Two clients that search without a pause, and record wrong answers."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=[n]) for n in range(2)]
        self.seen: set[int] = set()
        self.wrong: list[str] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _ask(self, number: int) -> None:
        with httpx.Client(base_url=self._url, timeout=PATIENCE) as http:
            while not self._stop.is_set():
                answer = http.get("/v1/search", params={"q": f"red {number}", "k": PRODUCTS})
                body = answer.json() if answer.status_code == 200 else {"hits": []}
                editions = {hit["fields"]["edition"] for hit in body["hits"]}
                if editions != {body.get("generation")} or len(body["hits"]) != PRODUCTS:
                    self.wrong.append(answer.text[:300])
                self.seen.update(editions)


def held(server: Server, index: Path) -> tuple[int, int, int]:
    """File descriptors, mapped files of the index, and resident bytes of the server's process."""
    process = Path(f"/proc/{server.process.pid}")
    mapped = sum(str(index) in line for line in (process / "maps").read_text().splitlines())
    pages = int((process / "statm").read_text().split()[1])
    descriptors = len(os.listdir(process / "fd"))  # noqa: PTH208 - they vanish under way
    return descriptors, mapped, pages * os.sysconf("SC_PAGE_SIZE")


def generation_of(url: str) -> int:
    return int(httpx.get(f"{url}/v1/index", timeout=PATIENCE).json()["generation"])


@pytest.mark.case(25)
@pytest.mark.parametrize("swaps", [8, pytest.param(1000, marks=pytest.mark.slow)])
def test_swaps_under_load_leave_memory_and_descriptors_flat(tmp_path: Path, swaps: int) -> None:
    shop = Shop(tmp_path)
    shop.publish(1)
    running = serve(Cli(fake=True, prelude=EAGER), shop.index, tmp_path / "stderr")
    try:
        with Clients(running.url) as clients:
            for edition in range(2, swaps + 2):
                shop.publish(edition)
                until(lambda: generation_of(running.url) == edition)  # noqa: B023 (called at once)
                # By then everything was used and released more than once.
                if edition == 2 + swaps // 4:
                    before = held(running, shop.index)
        after = held(running, shop.index)
    finally:
        running.process.terminate()
        running.process.communicate(timeout=PATIENCE)
    assert clients.wrong == []
    assert len(clients.seen) > swaps // 4
    # A swap in progress at either moment holds a few more.
    assert after[0] <= before[0] + 8
    assert after[1] <= before[1] + 16
    assert after[2] <= before[2] + 64 * 2**20
    assert "Traceback" not in running.log.read_text("utf-8")
