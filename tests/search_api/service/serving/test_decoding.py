"""Query images in decoding processes: the same as in this one, and decoders that misbehave."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from pebble import ProcessExpired
from PIL import Image

from embeddings import (
    BrokenImageError,
    ImageTooLargeError,
    Preprocess,
    ResizeMode,
    UnsupportedImageError,
)
from embeddings.images import DecodingCost, ImageLimits
from embeddings.vision import Examination, FaceMode
from indexer.image_loading import DecodeTask
from indexer.search import Engine
from search_api.service.admission import Visit, begin_visit
from search_api.service.app import create_app
from search_api.service.errors import OverloadedError
from search_api.service.serving import ImageFile, QueryImage, answering
from search_api.service.serving.decode_task import QueryDecodeTask, Region
from search_api.service.serving.decoding import DecodeWorkers
from search_api.service.settings import Settings
from tests.embeddings.vision.images import PORTRAIT
from tests.support.processes import PATIENCE
from tests.support.service_helpers import RED, error_of, ids, image_file
from tests.support.waiting import until

# Long enough for a small image on a busy machine.
HANG_SECONDS = 3.0

TASK = QueryDecodeTask(
    Preprocess((8, 8), ResizeMode.SQUASH), ImageLimits(max_pixels=4_000_000), max_memory=10**8
)


class HostileTask(QueryDecodeTask):
    """Hangs, ends its process or dies of a signal when told to by the bytes."""

    def cost(self, file: ImageFile) -> DecodingCost:
        return DecodingCost("PNG", 1, 1.0, 1)

    def __call__(self, given: ImageFile) -> QueryImage:
        match given.data:
            case b"hang":
                time.sleep(3600)
            case b"exit":
                os._exit(3)
            case b"die":
                os.kill(os.getpid(), signal.SIGSEGV)
        return super().__call__(given)


def decoded(workers: DecodeWorkers, *given: ImageFile) -> list[Any]:
    async def run() -> list[Any]:
        return await asyncio.gather(*map(workers.decode, given), return_exceptions=True)

    return asyncio.run(run())


def test_an_image_that_hangs_or_crashes_its_process_fails_alone() -> None:
    workers = DecodeWorkers(HostileTask(TASK.preprocess, TASK.limits), 2, seconds=HANG_SECONDS)
    red = image_file(RED)
    try:
        workers.warm(ImageFile(red))
        given = [b"hang", red, b"exit", red, b"die", red]
        results = decoded(workers, *map(ImageFile, given))
        assert all(isinstance(result, BrokenImageError) for result in results[::2])
        assert "took longer than" in results[0].message
        assert ["crashed" in result.message for result in results[2::2]] == [True] * 2
        # New processes take the place of those that ended.
        results = results[1::2] + decoded(workers, *[ImageFile(red)] * 4)
        assert [(result.pixels == RED).all() for result in results] == [True] * 7
    finally:
        workers.close()


def test_an_image_blamed_for_another_ones_crash_is_decoded_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workers = DecodeWorkers(TASK, 1, seconds=PATIENCE)
    failed: Future[QueryImage] = Future()
    failed.set_exception(ProcessExpired("Abnormal termination"))
    submit, files = workers._submit, []

    def blame_once(file: ImageFile) -> Future[QueryImage]:
        files.append(file)
        return failed if len(files) == 1 else submit(file)

    monkeypatch.setattr(workers, "_submit", blame_once)
    try:
        (image,) = decoded(workers, ImageFile(image_file(RED)))
        assert (image.pixels == RED).all()
    finally:
        workers.close()


@pytest.mark.case(9)
def test_over_http_other_requests_are_answered_and_the_service_goes_on(
    colour_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 9 of CASES.md."""
    monkeypatch.setattr(answering, "QueryDecodeTask", HostileTask)
    monkeypatch.setattr(answering, "DecodeWorkers", DecodeWorkers)
    app = create_app(colour_engine, Settings(deadline_seconds=PATIENCE))
    with TestClient(app, raise_server_exceptions=False) as http, ThreadPoolExecutor(4) as pool:
        sent = [b"exit", image_file(RED), b"die", image_file(RED)]
        uploads = [pool.submit(http.post, "/v1/search", files={"image": data}) for data in sent]
        answers = [upload.result() for upload in uploads]
        assert [error_of(answer) for answer in answers[::2]] == [(422, "broken_image")] * 2
        assert [ids(answer)[0] for answer in answers[1::2]] == ["red"] * 2
        assert http.get("/readyz").json() == {"status": "ready"}


@pytest.fixture(scope="module")
def workers() -> Any:
    started = DecodeWorkers(TASK, 1, seconds=30.0)
    yield started
    started.close()


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_the_pixels_are_those_of_a_product_with_this_image(
    workers: DecodeWorkers, kind: str
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    out = BytesIO()
    Image.fromarray(noise).resize((1600, 1200)).save(out, kind)
    (got,) = decoded(workers, ImageFile(out.getvalue()))
    indexed = DecodeTask(TASK.preprocess, limits=TASK.limits)(out.getvalue())
    np.testing.assert_array_equal(got.pixels, indexed.pixels)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_region_is_cut_out_first(workers: DecodeWorkers, kind: str) -> None:
    image = Image.new("RGB", (1600, 800), "blue")
    image.paste("red", (800, 0, 1600, 800))
    image.paste("lime", (1200, 400, 1216, 416))
    out = BytesIO()
    image.save(out, kind, quality=95, subsampling=0)
    regions = [(0.0, 0.0, 0.49, 1.0), (0.51, 0.2, 0.7, 0.8), (0.75, 0.5, 0.76, 0.52)]
    cut = decoded(workers, *(ImageFile(out.getvalue(), region) for region in regions))
    for got, colour in zip(cut, [(0, 0, 255), (255, 0, 0), (0, 255, 0)], strict=True):
        assert np.abs(got.pixels.astype(int) - colour).max() <= 8


def test_faces_are_hidden_from_the_model_where_asked() -> None:
    data = PORTRAIT.read_bytes()
    preprocess = Preprocess((64, 64), ResizeMode.SQUASH)

    def pixels(mode: FaceMode, region: Region | None = None) -> np.ndarray:
        task = QueryDecodeTask(preprocess, ImageLimits(), Settings(faces=mode).examination)
        return task(ImageFile(data, region)).pixels

    kept, dropped = pixels(FaceMode.KEEP), pixels(FaceMode.DROP)
    np.testing.assert_array_equal(kept, pixels(FaceMode.BLUR))
    assert (kept != dropped).any()
    indexed = DecodeTask(preprocess, examination=Examination(faces=FaceMode.DROP))(data)
    np.testing.assert_array_equal(dropped, indexed.pixels)
    face = (0.3, 0.1, 0.6, 0.4)
    assert np.ptp(pixels(FaceMode.DROP, face)[24:40, 24:40], axis=(0, 1)).max() < 8
    assert np.ptp(pixels(FaceMode.KEEP, face)[24:40, 24:40], axis=(0, 1)).max() > 50


def test_errors_come_back_as_they_are(workers: DecodeWorkers) -> None:
    big = BytesIO()
    Image.new("1", (3000, 3000)).save(big, "PNG")
    cut = image_file(RED, size=(500, 500))[:-30]
    got = decoded(workers, *map(ImageFile, (b"no picture", cut, big.getvalue())))
    assert list(map(type, got)) == [UnsupportedImageError, BrokenImageError, ImageTooLargeError]


def test_a_decoding_process_imports_the_decoding_alone() -> None:
    program = """
import sys
import search_api.service.serving.decode_task
heavy = ("torch", "openvino", "fastapi", "pydantic", "httpx", "pyarrow", "faiss", "yaml", "rich")
print([name for name in heavy if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_without_a_place_for_a_socket_decoding_starts_all_the_same(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    program = """
from search_api.service.serving.decoding import start_decoding
print(start_decoding().get_start_method())
"""
    environment = {**os.environ, "TMPDIR": str(folder)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "spawn\n"


def kill_processes(workers: DecodeWorkers) -> None:
    """Kill the idle processes of a pool, as a system without memory does."""
    pool = workers._pool._pool
    for process in list(pool._pool_manager.worker_manager.workers.values()):
        os.kill(process.pid, signal.SIGKILL)
    until(lambda: not pool.active)


def test_idle_processes_that_are_killed_are_replaced() -> None:
    workers = DecodeWorkers(TASK, 2, PATIENCE)
    try:
        for _ in range(2):
            (before,) = decoded(workers, ImageFile(image_file(RED)))
            kill_processes(workers)
            (after,) = decoded(workers, ImageFile(image_file(RED)))
            np.testing.assert_array_equal(after.pixels, before.pixels)
    finally:
        workers.close()


class HeldTask(HostileTask):
    """Decodes for as long as a file exists; the bytes are its path, and the work of the image."""

    def cost(self, file: ImageFile) -> DecodingCost:
        return DecodingCost("PNG", 1, float(file.data.split()[1]), 1)

    def __call__(self, given: ImageFile) -> QueryImage:
        path = Path(os.fsdecode(given.data.split()[0]))
        (path.parent / "begun").touch()
        while path.exists():
            time.sleep(0.01)
        return QueryImage(np.zeros((8, 8, 3), np.uint8))


def held(path: Path, work: float) -> ImageFile:
    return ImageFile(b"%b %a" % (os.fsencode(path), work))


@pytest.mark.case(51)
def test_large_images_leave_a_process_to_small_ones(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.touch()
    task = HeldTask(TASK.preprocess, TASK.limits, max_memory=TASK.max_memory)
    workers = DecodeWorkers(task, 2, PATIENCE, budget=800)

    async def run() -> None:
        large = [asyncio.create_task(workers.decode(held(lock, 390.0))) for _ in range(3)]
        await asyncio.to_thread(until, (tmp_path / "begun").exists)
        for _ in range(4):
            await asyncio.wait_for(workers.decode(held(tmp_path / "none", 1.0)), PATIENCE)
        assert not any(each.done() for each in large)
        # As many as the budget allows wait; one more of the same caller is refused.
        with pytest.raises(OverloadedError):
            await workers.decode(held(lock, 390.0))
        lock.unlink()
        await asyncio.gather(*large)

    try:
        asyncio.run(run())
    finally:
        workers.close()


@pytest.mark.case(51)
def test_a_caller_that_leaves_keeps_its_place_until_its_decode_has_ended(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.touch()
    workers = DecodeWorkers(
        HeldTask(TASK.preprocess, TASK.limits, max_memory=TASK.max_memory), 1, PATIENCE
    )

    async def run() -> None:
        gone = asyncio.create_task(workers.decode(held(lock, 1.0)))
        await asyncio.to_thread(until, (tmp_path / "begun").exists)
        gone.cancel()
        await asyncio.wait([gone])
        after = asyncio.create_task(workers.decode(held(tmp_path / "none", 1.0)))
        await asyncio.sleep(0.05)
        assert workers._turns.waiting == 1
        lock.unlink()
        await asyncio.wait_for(after, PATIENCE)

    try:
        asyncio.run(run())
    finally:
        workers.close()


@pytest.mark.case(51)
def test_the_images_of_one_request_have_a_budget_together() -> None:
    workers = DecodeWorkers(TASK, 1, PATIENCE, budget=3.0)
    image = ImageFile(image_file(RED, size=(500, 500)))  # a quarter of a megapixel, times 4

    async def run() -> list[Any]:
        begin_visit(Visit())
        several = [await _outcome(workers.decode(image)) for _ in range(4)]
        begin_visit(Visit())
        return [*several, await _outcome(workers.decode(image))]

    try:
        kinds = [type(each) for each in asyncio.run(run())]
        assert kinds == [QueryImage] * 3 + [ImageTooLargeError, QueryImage]
    finally:
        workers.close()


async def _outcome(decoding: Any) -> Any:
    try:
        return await decoding
    except ImageTooLargeError as error:
        return error


class BlindTask(QueryDecodeTask):
    """Estimates nothing."""

    def cost(self, file: ImageFile) -> DecodingCost:
        return DecodingCost("PNG", 1, 1.0, 1)


@pytest.mark.case(51)
def test_a_process_takes_no_more_memory_than_it_may() -> None:
    out = BytesIO()
    Image.new("RGB", (6500, 6500)).save(out, "WEBP", lossless=True, quality=0, method=0)
    task = BlindTask(TASK.preprocess, ImageLimits(), max_memory=2**20)
    workers = DecodeWorkers(task, 1, PATIENCE)
    try:
        (refused,) = decoded(workers, ImageFile(out.getvalue()))
        # Libraries do not tell why they fail.
        assert isinstance(refused, ImageTooLargeError | BrokenImageError)
        (small,) = decoded(workers, ImageFile(image_file(RED)))
        assert (small.pixels == RED).all()
    finally:
        workers.close()


@pytest.mark.case(51)
@pytest.mark.parametrize(
    ("kind", "side", "options"),
    [
        ("AVIF", 7000, {"speed": 10}),
        ("WEBP", 7000, {"lossless": True, "method": 0, "quality": 0}),
        ("PNG", 6000, {"compress_level": 1}),
    ],
)
def test_a_small_file_of_many_pixels_is_refused_before_it_is_decoded(
    client: TestClient, kind: str, side: int, options: dict[str, Any]
) -> None:
    """The case sec-avif-starve."""
    out = BytesIO()
    Image.new("RGBA" if kind == "PNG" else "RGB", (side, side)).save(out, kind, **options)
    answer = client.post("/v1/search", files={"image": out.getvalue()})
    assert error_of(answer) == (422, "image_too_large")
    assert kind in answer.json()["message"]
