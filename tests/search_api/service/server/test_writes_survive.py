"""Writes to a real server that is killed: what was answered is there, and nothing else."""

from __future__ import annotations

import base64
import itertools
import os
import random
import shutil
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from search_api.service.admission.keys import KeyFile, Scope
from tests.support.processes import PATIENCE, Cli, Drawn, Server, serve
from tests.support.service_helpers import RED, image_file
from tests.support.waiting import until

KILLS = 3
PICTURE = base64.b64encode(image_file(RED)).decode()


@dataclass
class Sent:
    """What a client knows of one product: answered states, and those that may or may not be.

    `None` stands for a deleted product, a number for the price that it was written with.
    """

    version: int = 0
    state: int | None = None
    unsure: list[int | None] = field(default_factory=list)


class Shop:
    """A client that writes until its server dies, and remembers what it was told."""

    def __init__(self, key: str) -> None:
        self.products = {f"live {number}": Sent() for number in range(3)}
        self.headers = {"X-API-Key": key}
        self._prices = itertools.count(1)
        self.answers = 0

    def write(self, url: str, seed: int) -> None:
        """Write to each product in turn, from a thread of its own each."""
        threads = [
            threading.Thread(target=self._write_to, args=[url, product, seed])
            for product in self.products
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _write_to(self, url: str, product: str, seed: int) -> None:
        rng, sent = random.Random(f"{seed} {product}"), self.products[product]
        with httpx.Client(base_url=url, headers=self.headers, timeout=PATIENCE) as client:
            while True:
                price = next(self._prices)
                action = rng.choice(["put", "patch", "patch", "delete"])
                if sent.state is None:
                    action = "put"
                wanted = None if action == "delete" else price
                sent.unsure.append(wanted)
                try:
                    answer = _send(client, action, product, price)
                except httpx.TransportError:
                    return
                assert answer.status_code in (200, 201, 404), answer.text
                if answer.status_code == 404:
                    return  # a write of before the crash, whose answer was lost, deleted it
                assert answer.json()["version"] > sent.version
                self.answers += 1
                sent.version, sent.state, sent.unsure = answer.json()["version"], wanted, []

    def check(self, url: str) -> None:
        """Compare what a server has with what was answered."""
        with httpx.Client(base_url=url, headers=self.headers, timeout=PATIENCE) as client:
            for product, sent in self.products.items():
                possible = [sent.state, *sent.unsure]
                until(lambda: _price(client, product) in possible)  # noqa: B023 (called here)
                sent.state, sent.unsure = _price(client, product), []


def _send(client: httpx.Client, action: str, product: str, price: int) -> httpx.Response:
    path = f"/v1/items/{product}"
    if action == "delete":
        return client.delete(path)
    body = {"fields": {"price": price}}
    if action == "patch":
        return client.patch(path, json=body)
    return client.put(path, json={**body, "image_base64": PICTURE})


def _price(client: httpx.Client, product: str) -> int | None:
    answer = client.get(f"/v1/items/{product}")
    return None if answer.status_code == 404 else round(answer.json()["fields"]["price"])


@pytest.fixture
def start(coloured: Path, drawn: Drawn, tmp_path: Path) -> Callable[[int], Server]:
    """Starts a writable server over one copy of an index; several processes need a real model."""
    index = tmp_path / "index"
    environment = {"LOOKALIKE_API_KEYS_FILE": str(tmp_path / "keys")}

    def start(workers: int) -> Server:
        fake = workers == 1
        if not index.exists():
            shutil.copytree(coloured / "index" if fake else drawn.index, index)
        options = ("--port", "0", "--writable", "--workers", str(workers))
        return serve(Cli(fake=fake, environment=environment), index, tmp_path / "log", options)

    return start


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_answered_outlives_kills(
    start: Callable[[int], Server], tmp_path: Path, workers: int
) -> None:
    shop = Shop(KeyFile(tmp_path / "keys").create("shop", [Scope.READ, Scope.WRITE]))
    rng = random.Random(workers)
    for number in range(KILLS // workers):
        server = start(workers)
        httpx.get(f"{server.url}/readyz", timeout=PATIENCE).raise_for_status()
        shop.check(server.url)
        before = shop.answers
        goal = before + rng.randrange(1, 40)

        def kill(server: Server = server, goal: int = goal) -> None:
            until(lambda: shop.answers >= goal)
            os.killpg(server.process.pid, signal.SIGKILL)
            server.process.communicate()

        killer = threading.Thread(target=kill)
        killer.start()
        shop.write(server.url, number)
        killer.join()
        assert shop.answers >= goal
    server = start(workers)
    try:
        shop.check(server.url)
    finally:
        os.killpg(server.process.pid, signal.SIGTERM)
        server.process.communicate(timeout=PATIENCE)
