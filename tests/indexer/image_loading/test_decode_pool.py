"""Decoding in worker processes, with decoders that hang and die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pebble import ProcessExpired
from PIL import Image

from embeddings import BrokenImageError, Preprocess, ResizeMode, UnsupportedImageError
from embeddings.images import ImageLimits
from indexer.image_loading import Decoded, DecodedBatch, DecodePool, DecodeTask, ImageDetails
from tests.support.waiting import until

ROOT = Path(__file__).parents[3]
TASK = DecodeTask(Preprocess((8, 8), ResizeMode.SQUASH))
# Of the test that kills workers: more than the pool holds at once.
BATCHES = 12


class TreacherousTask(DecodeTask):
    """Hangs on b"hang", dies on b"die"."""

    def __call__(self, data: bytes, *, alone: bool = False) -> Decoded:
        if data == b"hang":
            threading.Event().wait()
        if data == b"die":
            os._exit(1)
        return super().__call__(data, alone=alone)


def png(colour: tuple[int, int, int], size: tuple[int, int] = (400, 100)) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def colours(batch: DecodedBatch) -> list[list[int]]:
    """The colour of each image of a batch; each has one."""
    first = batch.pixels[:, :1, :1]
    assert (batch.pixels == first).all()
    return [pixel.tolist() for pixel in first[:, 0, 0]]


def errors(batch: DecodedBatch) -> list[str | None]:
    """The code of each image's error, or None."""
    return [getattr(outcome, "code", None) for outcome in batch.outcomes]


def test_pixels_and_thumbnail_of_an_image() -> None:
    with DecodePool(TASK, workers=1) as pool:
        batch = pool.submit([png((9, 8, 7))]).result()
        assert batch.pixels.shape == (1, 8, 8, 3)
        assert colours(batch) == [[9, 8, 7]]
        (details,) = batch.outcomes
        assert isinstance(details, ImageDetails)
        assert Image.open(BytesIO(details.thumbnail)).size == (320, 80)


def test_many_images_keep_their_order() -> None:
    expected = [[number, 255 - number, 5] for number in range(70)]
    files = [png((red, green, blue)) for red, green, blue in expected]
    with DecodePool(TASK, workers=2, batch_size=70) as pool:
        batch = pool.submit(files).result()
        assert colours(batch) == expected


def test_a_bad_image_fails_alone() -> None:
    with DecodePool(TASK, workers=1) as pool:
        batch = pool.submit([png((1, 1, 1)), b"text", png((2, 2, 2))]).result()
        assert colours(batch) == [[1, 1, 1], [2, 2, 2]]
        assert isinstance(batch.outcomes[1], UnsupportedImageError)
        assert errors(batch) == [None, "unsupported_image", None]


def test_a_decoder_that_dies_harms_only_its_image() -> None:
    task = TreacherousTask(TASK.preprocess)
    with DecodePool(task, workers=1, timeout=60.0) as pool:
        batch = pool.submit([png((1, 1, 1)), b"die", png((2, 2, 2))]).result()
        assert colours(batch) == [[1, 1, 1], [2, 2, 2]]
        error = batch.outcomes[1]
        assert isinstance(error, BrokenImageError)
        assert "crashed" in error.message


def test_a_decoder_that_hangs_harms_only_its_image() -> None:
    task = TreacherousTask(TASK.preprocess)
    with DecodePool(task, workers=1, timeout=60.0) as pool:
        before = pool.submit([png((1, 1, 1))])
        pool._timeout = 5.0  # of the batch with the image that hangs: others may be slow to start
        assert before.result().pixels.any()
        hanging = pool.submit([png((3, 3, 3)), b"hang", png((4, 4, 4))])
        after = pool.submit([png((2, 2, 2))])
        batch = hanging.result()
        assert colours(batch) == [[3, 3, 3], [4, 4, 4]]
        error = batch.outcomes[1]
        assert isinstance(error, BrokenImageError)
        assert "took longer than" in error.message
        assert colours(after.result()) == [[2, 2, 2]]


def test_killed_workers_do_not_harm_the_pixels_of_other_batches() -> None:
    task = TreacherousTask(TASK.preprocess)
    with DecodePool(task, workers=2, timeout=60.0, batch_size=12) as pool:
        files: list[list[bytes]] = []
        for number in range(BATCHES):
            images = [png((number, image, 1)) for image in range(12)]
            images[number % 12] = b"die"
            files.append(images)
        waiting = [pool.submit(files.pop(0)) for _ in range(pool.capacity)]
        for number in range(BATCHES):
            batch = waiting.pop(0).result()
            others = [image for image in range(12) if image != number % 12]
            assert colours(batch) == [[number, image, 1] for image in others]
            batch.release()
            if files:
                waiting.append(pool.submit(files.pop(0)))


def test_an_image_is_to_blame_once_two_processes_died_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """pebble blames an image for the next one's crash where both come close together."""
    scheduled: list[int] = []
    with DecodePool(TASK, workers=1) as pool:
        schedule = pool._pool.schedule

        def blame_once(function: object, args: Sequence[object], *rest: float, **options: bool):
            scheduled.append(int(str(args[1])))
            if scheduled.count(scheduled[-1]) <= (2 if scheduled[-1] == 0 else 1):
                failed: Future[object] = Future()
                failed.set_exception(ProcessExpired("Abnormal termination"))
                return failed
            return schedule(function, args, *rest, **options)

        monkeypatch.setattr(pool._pool, "schedule", blame_once)
        images = [png((1, 1, 1)), png((2, 2, 2)), png((3, 3, 3))]
        batch = pool.submit(images).result()
        assert colours(batch) == [[1, 1, 1], [2, 2, 2], [3, 3, 3]]
        assert scheduled == [0, 0, 1, 2, 0, 1, 2]


def test_idle_workers_that_are_killed_lose_no_image() -> None:
    with DecodePool(TASK, workers=1) as pool:
        pool.submit([png((1, 2, 3))]).result().release()
        processes = pool._pool._pool
        for worker in processes._pool_manager.worker_manager.workers.values():
            os.kill(worker.pid, signal.SIGKILL)
        first, second = pool.submit([png((4, 5, 6))]), pool.submit([png((7, 8, 9))] * 20)
        assert colours(first.result()) == [[4, 5, 6]]
        assert colours(second.result()) == [[7, 8, 9]] * 20


def test_batches_beyond_the_capacity_are_refused_until_one_is_released() -> None:
    with DecodePool(TASK, workers=1, batch_size=16) as pool:
        batches = [pool.submit([png((number, 0, 0))]) for number in range(pool.capacity)]
        with pytest.raises(ValueError, match="in use"):
            pool.submit([png((9, 9, 9))])
        results = [batch.result() for batch in batches]
        assert [colours(result) for result in results] == [
            [[number, 0, 0]] for number in range(pool.capacity)
        ]
        results[0].release()
        assert colours(pool.submit([png((9, 9, 9))]).result()) == [[9, 9, 9]]
        assert colours(results[-1]) == [[pool.capacity - 1, 0, 0]]


@pytest.mark.parametrize("sizes", [[10] * 40, [2**18] * 3, [2**20, 5, 5], [5]])
def test_a_large_image_is_decoded_alone_and_small_ones_together(sizes: Sequence[int]) -> None:
    with DecodePool(TASK, workers=1) as pool:
        submitted = pool.submit([b"x" * size for size in sizes])
        tasks = [len(images) for _, images, _ in submitted._tasks]
        assert errors(submitted.result()) == ["unsupported_image"] * len(sizes)
    assert sum(tasks) == len(sizes)
    assert (
        tasks == {40: [16, 16, 8], 3: [1, 1, 1] if sizes[0] < 2**20 else [1, 2], 1: [1]}[len(sizes)]
    )


@pytest.mark.case(60)
def test_a_large_progressive_jpeg_is_decoded_after_the_others() -> None:
    out = BytesIO()
    Image.new("RGB", (40, 20), (200, 30, 40)).save(out, "JPEG", progressive=True)
    task = DecodeTask(TASK.preprocess, limits=ImageLimits(max_pixels=400))
    small = png((1, 2, 3), (20, 20))
    with DecodePool(task, workers=1) as pool:
        batch = pool.submit([small, out.getvalue(), small]).result()
        assert errors(batch) == [None] * 3
        assert colours(batch)[1] == pytest.approx([200, 30, 40], abs=3)
    out = BytesIO()
    Image.new("RGB", (41, 40)).save(out, "JPEG", progressive=True)
    with DecodePool(task, workers=1) as pool:
        assert errors(pool.submit([out.getvalue()]).result()) == ["image_too_large"]


def test_without_thumbnails_none_are_made() -> None:
    task = DecodeTask(TASK.preprocess, thumbnails=False, limits=ImageLimits())
    assert task(png((1, 2, 3))).details.thumbnail == b""


SHARED = Path("/dev/shm")
KILLED = """
import sys
from tests.indexer.image_loading.test_decode_pool import TASK, DecodePool, png
if __name__ == "__main__":
    pool = DecodePool(TASK, workers=2)
    assert pool.submit([png((1, 2, 3))] * 20).result().pixels.any()
    workers = pool._pool._pool._pool_manager.worker_manager.workers
    print(*[worker.pid for worker in workers.values()])
    sys.stdout.flush()
    sys.stdin.read()
"""


@pytest.mark.skipif(not SHARED.is_dir(), reason="no shared memory with names here")
def test_a_killed_program_leaves_no_memory_and_no_process(tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    before = set(SHARED.iterdir())
    with subprocess.Popen(
        [sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        workers = [int(word) for word in process.stdout.readline().split()]
        assert len(workers) == 2
        until(lambda: all(_maps_pixels(worker) for worker in workers))
        process.send_signal(signal.SIGKILL)
        # The workers have the other end of this pipe: it closes when the last one has ended.
        process.stdout.read()
    assert not any(_maps_pixels(worker) for worker in workers)
    left = set(SHARED.iterdir()) - before
    assert not [path for path in left if "lookalike" in path.name or "psm" in path.name]


def _maps_pixels(pid: int) -> bool:
    """Whether a process that runs has pixel memory open."""
    try:
        return "lookalike-pixels" in Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return False


def test_a_script_without_a_main_guard_is_told_what_it_lacks(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "red.png")
    script = tmp_path / "unguarded.py"
    script.write_text(
        "from lookalike import BuildOptions, FakeEncoder, build_index\n"
        "from pathlib import Path\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "build_index(folder, folder / 'index', FakeEncoder(), BuildOptions(workers=1))\n"
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, cwd=ROOT, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 1
    assert "BuildError: The processes that decode images did not start." in done.stderr
    assert "if __name__ == '__main__':" in done.stderr


def test_shared_pixels_are_not_copied_when_all_images_are_usable() -> None:
    with DecodePool(TASK, workers=1, batch_size=4) as pool:
        batch = pool.submit([png((1, 1, 1))] * 4).result()
        assert np.shares_memory(batch.pixels, pool._memory.array)
