"""Publications while clients search: every product carries the number of its edition."""

from __future__ import annotations

import csv
import json
import pickle
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import uvloop

from indexer.index import Index
from scripts.support.measuring import Measure

from .load import Answer, Load, text_request
from .processes import ROOT, environment, python, service

__all__ = ["publishing"]

_PRODUCTS = 300
_CLIENTS = 4
# Seconds that all publications may take.
_LONGEST = 400.0


def publishing(index: Path, folder: Path, publishes: int) -> list[Measure]:
    """Failed and mixed answers over so many publications, with clients that never pause."""
    catalog, published = folder / "catalog.csv", folder / "published"
    _write_pictures(Index.open(index), folder)
    command = python(
        "-m", "scripts.benchmarks.api.publisher", str(catalog), str(published), str(publishes)
    )
    publisher = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment({}),
        cwd=ROOT,
    )
    try:
        answers = _asked_meanwhile(publisher, published, folder / "publishing.log")
    finally:
        publisher.kill()
        publisher.wait()
    seen = {_edition(answer) for answer in answers if answer.status == 200}
    return [
        Measure("publishes_failed", float(sum(a.status != 200 for a in answers)), 0.0, "lower"),
        Measure("publishes_mixed", float(sum(_mixed(a) for a in answers)), 0.0, "lower"),
        Measure("publishes", float(publishes)),
        Measure("publishes_seen", float(len(seen) - 1)),
        Measure("publishes_requests", float(len(answers))),
    ]


def _asked_meanwhile(
    publisher: subprocess.Popen[str], published: Path, log: Path
) -> Sequence[Answer]:
    """All answers from the first publication to the last.

    Raises:
        RuntimeError: The publisher failed, or took too long.
    """
    assert publisher.stdout is not None
    assert publisher.stdin is not None
    publisher.stdout.readline()  # the first edition is there
    requests = [text_request(f"red dress {number}") for number in range(5000)]
    with service(published, log) as port:
        load = Load("127.0.0.1", port, requests, keep_bodies=True)
        publisher.stdin.write("go\n")
        publisher.stdin.flush()
        end = time.monotonic() + _LONGEST
        over = threading.Event()
        threading.Thread(target=lambda: (publisher.wait(), over.set()), daemon=True).start()
        answers = uvloop.run(load.until(_CLIENTS, lambda: over.is_set() or time.monotonic() > end))
    if publisher.poll() != 0:
        raise RuntimeError("the publisher failed, or took too long")
    return answers


def _body(answer: Answer) -> dict[str, object]:
    found: dict[str, object] = json.loads(answer.body)
    return found


def _editions(answer: Answer) -> set[int]:
    hits = _body(answer)["hits"]
    assert isinstance(hits, list)
    return {hit["fields"]["edition"] for hit in hits}


def _edition(answer: Answer) -> int:
    return min(_editions(answer))


def _mixed(answer: Answer) -> bool:
    """Editions are published in order, one a generation."""
    return answer.status == 200 and _editions(answer) != {_body(answer)["generation"]}


def _write_pictures(index: Index, folder: Path) -> None:
    segment = index.segments[0]
    rows = []
    for row in range(min(_PRODUCTS, segment.products)):
        product = segment.product_id(row)
        (folder / f"{row}.webp").write_bytes(index.thumbnail(product, 0))
        rows.append((product, f"{row}.webp", str(index.fields(product).get("title", ""))))
    (folder / "rows.pickle").write_bytes(pickle.dumps(rows))


def write_edition(catalog: Path, edition: int) -> None:
    """The catalog with a column that names the edition."""
    rows = pickle.loads((catalog.parent / "rows.pickle").read_bytes())
    with catalog.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "image", "title", "edition"])
        writer.writerows([*row, edition] for row in rows)
