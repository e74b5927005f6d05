"""A clock that jumps back and forth by years: builds, the service and its answers go on."""

from __future__ import annotations

import csv
from pathlib import Path

import httpx
from PIL import Image

from tests.support.processes import PATIENCE, Cli, serve
from tests.support.waiting import until

# What a machine does whose clock is set while it works, at every look at the clock.
JUMPING = """
import itertools, time
_true_time, _jumps = time.time, itertools.cycle([0.0, -4e7, 4e7, -1e9])
time.time = lambda: _true_time() + next(_jumps)
time.time_ns = lambda: int(time.time() * 1e9)
"""


def test_generations_follow_one_another_whatever_the_clock_says(tmp_path: Path) -> None:
    jumping = Cli(fake=True, prelude=JUMPING, environment={"LOOKALIKE_RATE_LIMIT": "1000"})
    Image.new("RGB", (32, 32), "red").save(tmp_path / "red.png")
    catalog, index = tmp_path / "catalog.csv", tmp_path / "index"

    def publish(title: str) -> None:
        with catalog.open("w", newline="") as file:
            csv.writer(file).writerows(
                [["id", "image", "title"], *[[f"{n}", "red.png", title] for n in range(3)]]
            )
        done = jumping("index", "build", catalog, "--index", index)
        assert done.returncode == 0, done.stderr

    publish("first")
    running = serve(jumping, index, tmp_path / "stderr")
    try:
        with httpx.Client(base_url=running.url, timeout=PATIENCE) as http:

            def titles() -> set[str]:
                answer = http.get("/v1/search", params={"q": "red"})
                assert answer.status_code == 200, answer.text
                return {hit["fields"]["title"] for hit in answer.json()["hits"]}

            assert titles() == {"first"}
            publish("second")
            until(lambda: titles() == {"second"})
            assert jumping("index", "rollback", "--index", index).returncode == 0
            until(lambda: titles() == {"first"})
            assert http.get("/readyz").json() == {"status": "ready"}
    finally:
        running.process.terminate()
        assert running.process.wait(PATIENCE) == 0
