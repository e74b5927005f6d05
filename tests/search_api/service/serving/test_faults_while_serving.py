"""CASES.md rows 24 and 27 to 34 on real server processes, with a model that misbehaves."""

from __future__ import annotations

import asyncio
import csv
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.support.faulty_server import FaultyServer, faulty_server
from tests.support.processes import PATIENCE, Cli, serve
from tests.support.service_helpers import GREEN, RED, error_of, ids, image_file
from tests.support.waiting import until, until_async

QUEUE = 6


@pytest.fixture(scope="module")
def faulty(coloured: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyServer]:
    """A server with a deadline of a second and a half, which tests wait for."""
    settings = {"LOOKALIKE_QUEUE_SIZE": str(QUEUE), "LOOKALIKE_DEADLINE_SECONDS": "1.5"}
    with faulty_server(coloured / "index", tmp_path_factory.mktemp("f"), **settings) as running:
        yield running


@pytest.fixture(scope="module")
def patient(coloured: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyServer]:
    """A server with a deadline that no test waits for."""
    settings = {"LOOKALIKE_QUEUE_SIZE": str(QUEUE), "LOOKALIKE_DEADLINE_SECONDS": "300"}
    with faulty_server(coloured / "index", tmp_path_factory.mktemp("p"), **settings) as running:
        yield running


def search(link: httpx.AsyncClient, text: str) -> asyncio.Task[httpx.Response]:
    return asyncio.create_task(link.get("/v1/search", params={"q": text, "k": 1}))


def linked(faulty: FaultyServer) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=faulty.server.url, timeout=PATIENCE)


@pytest.mark.case(34)
def test_a_hung_model_is_504_at_the_deadline_and_not_ready_meanwhile(
    faulty: FaultyServer,
) -> None:
    with httpx.Client(base_url=faulty.server.url, timeout=PATIENCE) as http:
        assert http.get("/readyz").json() == {"status": "ready"}
        faulty.hold()
        assert error_of(http.get("/v1/search?q=hangs")) == (504, "deadline_exceeded")
        assert error_of(http.get("/readyz")) == (503, "not_ready")
        assert http.get("/healthz").json() == {"status": "ok"}
        assert ids(http.post("/v1/search", json={"like": ["red"], "k": 1})) != ["red"]
        faulty.release()
        until(lambda: http.get("/readyz").status_code == 200)
        assert ids(http.get("/v1/search?q=red&k=1")) == ["red"]


@pytest.mark.case(30)
def test_an_expired_request_never_reaches_the_model(faulty: FaultyServer) -> None:
    with httpx.Client(base_url=faulty.server.url, timeout=PATIENCE) as http:
        faulty.hold()
        first = threading.Thread(target=http.get, args=["/v1/search?q=at work"])
        first.start()
        faulty.wait_for("at work")
        assert error_of(http.get("/v1/search?q=too late")) == (504, "deadline_exceeded")
        faulty.release()
        first.join(PATIENCE)
        assert ids(http.get("/v1/search?q=green fresh&k=1")) == ["green"]
    assert "too late" not in faulty.given()


def test_a_full_queue_refuses_at_once_and_answers_what_it_accepted(patient: FaultyServer) -> None:
    """The refusals come while the model is held, so they wait for nothing."""

    async def run() -> None:
        async with linked(patient) as link:
            patient.hold()
            first = search(link, "red first")
            await until_async(lambda: "red first" in patient.given())
            others = [search(link, f"red other {number}") for number in range(QUEUE + 5)]
            for first_done in islice(asyncio.as_completed(others, timeout=PATIENCE), 5):
                refused = await first_done
                assert error_of(refused) == (503, "overloaded")
                assert int(refused.headers["retry-after"]) >= 1
            assert (await link.get("/healthz")).json() == {"status": "ok"}
            patient.release()
            answers = [await task for task in (first, *others)]
            answered = [ids(answer) for answer in answers if answer.status_code == 200]
            assert answered == [["red"]] * (QUEUE + 1)

    asyncio.run(run())


@pytest.mark.case(30)
def test_a_client_that_disconnects_costs_nothing(patient: FaultyServer) -> None:
    address = urlsplit(patient.server.url)
    with httpx.Client(base_url=patient.server.url, timeout=PATIENCE) as http:
        patient.hold()
        first = threading.Thread(target=http.get, args=["/v1/search?q=someone stays"])
        first.start()
        patient.wait_for("someone stays")
        gone = []
        for number in range(3):
            link = socket.create_connection((address.hostname, address.port), timeout=PATIENCE)
            request = f"GET /v1/search?q=gone%20{number} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n"
            link.sendall(request.encode())
            gone.append(link)
        for link in gone:
            link.close()
        log = patient.server.log
        until(lambda: log.read_text().count('"status": 499') >= len(gone))
        patient.release()
        first.join(PATIENCE)
        assert ids(http.get("/v1/search?q=blue after&k=1")) == ["blue"]
    assert not [text for text in patient.given() if text.startswith("gone")]


@pytest.mark.case(31)
def test_a_poisoned_image_fails_alone(patient: FaultyServer) -> None:
    async def upload(link: httpx.AsyncClient, colour: tuple[int, int, int]) -> httpx.Response:
        return await link.post(
            "/v1/search", files={"image": image_file(colour)}, data={"query": "{}"}
        )

    async def run() -> None:
        async with linked(patient) as link:
            patient.hold()
            before = patient.given().count("image")
            tasks = [asyncio.create_task(upload(link, RED))]
            await until_async(lambda: patient.given().count("image") > before)
            colours = [RED, GREEN, RED, RED]
            tasks += [asyncio.create_task(upload(link, colour)) for colour in colours]
            await asyncio.to_thread(until, lambda: patient.queued("pictures") == len(tasks))
            patient.release()
            answers = [await task for task in tasks]
            assert [answer.status_code for answer in answers] == [200, 200, 500, 200, 200]
            assert error_of(answers[2]) == (500, "internal_error")

    asyncio.run(run())


@pytest.mark.case(28)
def test_a_model_out_of_memory_is_503(patient: FaultyServer) -> None:
    with httpx.Client(base_url=patient.server.url, timeout=PATIENCE) as http:
        answer = http.get("/v1/search?q=too much memory")
        assert error_of(answer) == (503, "out_of_memory")
        assert int(answer.headers["retry-after"]) >= 1
        assert ids(http.get("/v1/search?q=green again&k=1")) == ["green"]


@pytest.mark.case(32)
def test_sigterm_drains_finishes_and_exits(coloured: Path, tmp_path: Path) -> None:
    """The first SIGTERM starts draining, and the second one ends it at once."""
    drain = {"LOOKALIKE_DRAIN_SECONDS": str(PATIENCE), "LOOKALIKE_DEADLINE_SECONDS": str(PATIENCE)}
    with (
        faulty_server(coloured / "index", tmp_path, **drain) as running,
        httpx.Client(base_url=running.server.url, timeout=PATIENCE) as http,
    ):
        running.hold()
        answers: list[httpx.Response] = []
        url = f"{running.server.url}/v1/search?q=red late"
        in_progress = threading.Thread(
            target=lambda: answers.append(httpx.get(url, timeout=PATIENCE))
        )
        in_progress.start()
        running.wait_for("red late")
        running.server.process.send_signal(signal.SIGTERM)
        until(lambda: http.get("/readyz").status_code != 200)
        assert error_of(http.get("/readyz")) == (503, "not_ready")
        assert ids(http.post("/v1/search", json={"like": ["red"], "k": 1})) != ["red"]
        running.server.process.send_signal(signal.SIGTERM)
        running.release()
        in_progress.join(PATIENCE)
        http.close()
        assert running.server.process.wait(PATIENCE) == 0
        assert ids(answers[0])[0] == "red"


@pytest.mark.case(27)
def test_a_full_disk_leaves_text_search_alone(coloured: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(disk)],
            check=True,
            capture_output=True,
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("may not mount a small file system")
    try:
        noise = np.random.default_rng(0).integers(0, 256, (1100, 1100, 3), dtype=np.uint8)
        large = tmp_path / "large.png"
        Image.fromarray(noise).save(large)
        with (
            faulty_server(coloured / "index", tmp_path, TMPDIR=str(disk)) as running,
            httpx.Client(base_url=running.server.url, timeout=PATIENCE) as http,
        ):
            answer = http.post("/v1/search", files={"image": large.read_bytes()})
            assert error_of(answer) == (507, "spool_full")
            assert ids(http.get("/v1/search?q=red&k=1")) == ["red"]
            assert ids(http.post("/v1/search", files={"image": image_file(RED)}))[0] == "red"
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.mark.case(24)
@pytest.mark.slow
def test_publishing_while_searching(fake_cli: Cli, tmp_path: Path) -> None:
    """Titles name the generation that they were published in, so an answer of two would show."""
    Image.new("RGB", (32, 32), "red").save(tmp_path / "red.png")
    catalog, index = tmp_path / "catalog.csv", tmp_path / "index"

    def publish(generation: int) -> None:
        with catalog.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["id", "image", "title"])
            rows.writerows([f"{n}", "red.png", f"generation {generation}"] for n in range(12))
        done = fake_cli("index", "build", catalog, "--index", index, "--text-weight", "0")
        assert done.returncode == 0, done.stderr

    publish(1)
    running = serve(fake_cli, index, tmp_path / "stderr")
    seen: set[int] = set()
    wrong: list[str] = []
    stop = threading.Event()

    def ask(number: int) -> None:
        with httpx.Client(base_url=running.url, timeout=PATIENCE) as http:
            while not stop.is_set():
                answer = http.get("/v1/search", params={"q": f"red {number}", "k": 12})
                body = answer.json() if answer.status_code == 200 else {}
                titles = {hit["fields"]["title"] for hit in body.get("hits", [])}
                if titles != {f"generation {body.get('generation')}"} or body["total"] != 12:
                    wrong.append(answer.text[:300])
                seen.add(body.get("generation", 0))

    askers = [threading.Thread(target=ask, args=[number]) for number in range(3)]
    for asker in askers:
        asker.start()
    try:
        for generation in range(2, 5):
            publish(generation)
            until(lambda: generation in seen or wrong)  # noqa: B023 (called at once)
    finally:
        stop.set()
        for asker in askers:
            asker.join(PATIENCE)
        running.process.terminate()
        running.process.communicate(timeout=PATIENCE)
    assert not wrong
    assert seen == {1, 2, 3, 4}


@pytest.mark.slow
def test_several_processes_share_a_port_and_are_replaced(
    drawn: Any, cli: Cli, tmp_path: Path
) -> None:
    running = serve(cli, drawn.index, tmp_path / "stderr", ("--port", "0", "--workers", "2"))
    try:
        assert ids(httpx.get(f"{running.url}/v1/search?q=umbrella&k=1", timeout=PATIENCE))
        listed = subprocess.run(
            ["pgrep", "-P", str(running.process.pid), "-f", "spawn_main"],
            capture_output=True,
            text=True,
            check=True,
        )
        workers = [int(line) for line in listed.stdout.split()]
        assert len(workers) == 2
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        answer = httpx.get(f"{running.url}/v1/search?q=mug&k=1", timeout=PATIENCE)
        assert ids(answer)[0].startswith("mug")
    finally:
        running.process.terminate()
        running.process.communicate(timeout=PATIENCE)
    assert running.process.returncode == 0
