"""Damage to files of the generation that a server answers from: how long its answers are wrong.

Each trial has a server and a copy of the index of its own. One file of the live generation is cut
short, overwritten with zeros or noise, or removed; then the same requests are sent without pause.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

from scripts.support.processes import LOOKALIKE, run

__all__ = ["Damage", "damage_while_serving"]

# The seconds after which answers must be right, and those in which they are watched from then on.
_MERCY, _WATCHED = 2.0, 1.5
_PAUSE = 0.02
_TIMEOUT = 5.0
_BUILD_SECONDS = 600.0
_QUERY = "/v1/search?q=mug&k=10"

# Bytes that are overwritten at most.
_OVERWRITTEN = 2**16

# The ids of a search; the fields and the thumbnail of a product.
_Answer = tuple[tuple[str, ...], dict[str, Any], bytes]


@dataclass(frozen=True)
class Damage:
    """One trial.

    Attributes:
        kind: What was done to the file.
        file: Its name in the index folder.
        seconds: From the damage to the last wrong answer; 0 if there was none.
    """

    kind: str
    file: str
    seconds: float

    @property
    def survived(self) -> bool:
        """Whether all answers were right from two seconds after the damage on."""
        return self.seconds <= _MERCY


def damage_while_serving(
    catalog: Path,
    folder: Path,
    count: int,
    serving: Callable[[Path], AbstractContextManager[int]],
) -> Iterator[Damage]:
    """Yield what became of each of `count` damages.

    Args:
        catalog: A catalog with images.
        folder: For the indexes.
        count: Number of trials.
        serving: Serves an index; gives the port of a server that is ready.
    """
    index = folder / "damaged" / "whole"
    lines = catalog.read_text().splitlines(keepends=True)
    part = catalog.with_name("part.csv")
    right: list[_Answer] = []
    for products in (lines[: len(lines) // 2], lines):
        part.write_text("".join(products))
        command = [*LOOKALIKE, "index", "build", str(part), "--index", str(index)]
        run(command, limit=_BUILD_SECONDS)
        with serving(index) as port:
            right.append(_ask(port, right[0][0][0] if right else None))
    chance = Random(7)
    for _ in range(count):
        copy = folder / "damaged" / "copy"
        shutil.copytree(index, copy)
        try:
            with serving(copy) as port:
                yield _trial(copy, port, right, chance)
        finally:
            shutil.rmtree(copy)


def _trial(index: Path, port: int, right: list[_Answer], chance: Random) -> Damage:
    file = chance.choice(_live_files(index))
    kind = chance.choice(sorted(_KINDS))
    _KINDS[kind](file, chance)
    started, wrong = time.monotonic(), 0.0
    product = right[0][0][0]
    while time.monotonic() - started < _MERCY + _WATCHED:
        try:
            answer = _ask(port, product)
        except (OSError, HTTPException, ValueError):
            answer = None
        if answer not in right:
            wrong = time.monotonic() - started
        time.sleep(_PAUSE)
    return Damage(kind, str(file.relative_to(index)), wrong)


def _live_files(index: Path) -> list[Path]:
    """Return the live manifest, and the files that its generation shares with no other."""
    manifest = index / "manifests" / (index / "CURRENT").read_text().strip()
    (segment,) = json.loads(manifest.read_text())["segments"]
    files = (index / "segments" / segment["id"]).rglob("*")
    return [manifest, *sorted(file for file in files if file.is_file() and file.stat().st_size)]


def _ask(port: int, product: str | None) -> _Answer:
    """Return the ids of a search, and the fields and the thumbnail of a product."""
    link = HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT)
    try:
        found = json.loads(_get(link, _QUERY))
        ids = tuple(hit["id"] for hit in found["hits"])
        path = f"/v1/items/{quote(product or ids[0])}"
        fields = json.loads(_get(link, path))["fields"]
        return ids, fields, _get(link, f"{path}/image/0?size=320")
    finally:
        link.close()


def _get(link: HTTPConnection, path: str) -> bytes:
    link.request("GET", path)
    response = link.getresponse()
    body = response.read()
    if response.status != HTTPStatus.OK:
        raise HTTPException(response.status)
    return body


def _cut(file: Path, chance: Random) -> None:
    with file.open("r+b") as opened:
        opened.truncate(chance.randrange(file.stat().st_size))


def _zero(file: Path, chance: Random) -> None:
    _overwrite(file, chance, bytes)


def _scribble(file: Path, chance: Random) -> None:
    _overwrite(file, chance, chance.randbytes)


def _overwrite(file: Path, chance: Random, make: Callable[[int], bytes]) -> None:
    """Write into the middle of a file, as a failing disk or a wrong program does."""
    size = file.stat().st_size
    start = chance.randrange(size)
    with file.open("r+b") as opened:
        opened.seek(start)
        opened.write(make(min(size - start, _OVERWRITTEN)))


def _remove(file: Path, _: Random) -> None:
    file.unlink()


_KINDS: dict[str, Callable[[Path, Random], None]] = {
    "cut": _cut,
    "zeroed": _zero,
    "overwritten": _scribble,
    "removed": _remove,
}
