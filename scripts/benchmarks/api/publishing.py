"""Publishing while clients search: every product carries the number of its edition."""

from __future__ import annotations

import csv
import json
import pickle
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvloop

from indexer.index import Index
from scripts.benchmarks.api.load_generator import Answer, Load, text_request
from scripts.benchmarks.api.processes import environment, python, service
from scripts.benchmarks.api.setup import Setup
from scripts.support.front import ROOT
from scripts.support.measuring import Figure, Measure

__all__ = ["publishing", "write_edition"]

_PRODUCTS = 300
_CLIENTS = 4
_TEXTS = 5000
# Seconds that all publications may take.
_LONGEST = 400.0


def publishing(setup: Setup) -> list[Figure]:
    """Count failed and mixed answers while generations are published and clients never pause."""
    catalog, published = setup.folder / "catalog.csv", setup.folder / "published"
    _write_images(Index.open(setup.index), setup.folder)
    module = "scripts.benchmarks.api.publisher"
    publisher = subprocess.Popen(
        python("-m", module, str(catalog), str(published), str(setup.publishes)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment({}),
        cwd=ROOT,
    )
    try:
        answers = _search_meanwhile(publisher, published, setup.folder / "publishing.log")
    finally:
        publisher.kill()
        publisher.wait()
    failed = sum(answer.status != 200 for answer in answers)
    mixed = sum(_is_mixed(answer) for answer in answers)
    seen = {min(_editions(answer)) for answer in answers if answer.status == 200}
    return [
        Measure("publishes_failed", float(failed), 0.0, "lower"),
        Measure("publishes_mixed", float(mixed), 0.0, "lower"),
        Measure("publishes", float(setup.publishes)),
        Measure("publishes_seen", float(len(seen) - 1)),
        Measure("publishes_requests", float(len(answers))),
    ]


def _search_meanwhile(
    publisher: subprocess.Popen[str], published: Path, log: Path
) -> Sequence[Answer]:
    """Return all answers from the first publication to the last.

    Raises:
        RuntimeError: The publisher failed, or took too long.
    """
    assert publisher.stdout is not None
    assert publisher.stdin is not None
    publisher.stdout.readline()  # the first edition is published
    requests = [text_request(f"red dress {number}") for number in range(_TEXTS)]
    with service(published, log) as port:
        load = Load("127.0.0.1", port, requests, keep_bodies=True)
        publisher.stdin.write("go\n")
        publisher.stdin.flush()
        end = time.monotonic() + _LONGEST
        over = threading.Event()
        threading.Thread(target=_set_at_end, args=(publisher, over), daemon=True).start()
        answers = uvloop.run(load.until(_CLIENTS, lambda: over.is_set() or time.monotonic() > end))
    if publisher.poll() != 0:
        raise RuntimeError("the publisher failed, or took too long")
    return answers


def _set_at_end(process: subprocess.Popen[str], over: threading.Event) -> None:
    process.wait()
    over.set()


def _body(answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.body)
    return found


def _editions(answer: Answer) -> set[int]:
    return {hit["fields"]["edition"] for hit in _body(answer)["hits"]}


def _is_mixed(answer: Answer) -> bool:
    """Whether hits are of other editions than the generation's: one generation an edition."""
    return answer.status == 200 and _editions(answer) != {_body(answer)["generation"]}


def _write_images(index: Index, folder: Path) -> None:
    segment = index.segments[0]
    rows = []
    for row in range(min(_PRODUCTS, segment.products)):
        product = segment.product_id(row)
        (folder / f"{row}.webp").write_bytes(index.thumbnail(product, 0))
        rows.append((product, f"{row}.webp", str(index.fields(product).get("title", ""))))
    (folder / "rows.pickle").write_bytes(pickle.dumps(rows))


def write_edition(catalog: Path, edition: int) -> None:
    """Write the catalog with a column that names the edition."""
    rows = pickle.loads((catalog.parent / "rows.pickle").read_bytes())
    with catalog.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "image", "title", "edition"])
        writer.writerows([*row, edition] for row in rows)
