"""Indices that the tests of search share, read-only."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from embeddings import FakeEncoder
from indexer.search import Engine
from tests.support.search_catalogs import build, write_catalog
from tests.support.striped_products import PRODUCTS, drawn

VOCABULARY = ("nike", "puma", "shirt", "dress", "wool", "summer", "cotton", "linen", "long")


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Six products with codes, accents and Chinese in their ids and titles."""
    titles = {
        "AB-1234/X": "Nike men's running shoes",
        "b2": "Nike cotton shirt",
        "b3": "Puma running shoe, model XJ-9000",
        "b4": "Cotton dress for summer, see AB-1234/X",
        "Zoë 🙂": "Skirt",
        "b6": "蓝色裙子",
    }
    colours = ["Navy Blue", "Red", "Navy Blue", "Red", "Green", "Blue"]
    rows = [
        {"id": key, "title": title, "colour": colour}
        for (key, title), colour in zip(titles.items(), colours, strict=True)
    ]
    folder = tmp_path_factory.mktemp("shop")
    return build(write_catalog(folder / "catalog", rows), folder / "index")


@dataclass(frozen=True)
class Segmented:
    """An index of three segments, of which the first has deleted rows.

    Attributes:
        folder: The index; read-only.
        rows: The catalog rows that it holds, in order.
    """

    folder: Path
    rows: list[dict[str, Any]]

    @property
    def engine(self) -> Engine:
        return Engine.open(self.folder, FakeEncoder())


@pytest.fixture(scope="session")
def segmented(tmp_path_factory: pytest.TempPathFactory) -> Segmented:
    folder = tmp_path_factory.mktemp("segmented")
    rows = _random_rows(200)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("indexer.build.update._SMALL", 0)
        build(write_catalog(folder / "catalog", rows[:120]), folder / "index")
        build(write_catalog(folder / "catalog", rows[:170]), folder / "index")
        del rows[20:40]
        rows[3]["title"] = "summer linen"
        engine = build(write_catalog(folder / "catalog", rows), folder / "index")
    alive = [segment.alive.sum() for segment in engine.index.segments]
    assert alive == [99, 50, 31]
    return Segmented(folder / "index", rows)


@pytest.fixture(scope="session")
def striped(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """The products of `tests.support.striped_products`, all called a thing."""
    folder = tmp_path_factory.mktemp("striped")
    lines = ["id,image,title"]
    for name in PRODUCTS:
        drawn(name).save(folder / f"{name}.png")
        lines.append(f"{name},{name}.png,{name.replace('-', ' ')} thing")
    (folder / "catalog.csv").write_text("\n".join(lines) + "\n")
    return build(folder / "catalog.csv", folder / "index")


def _random_rows(count: int) -> list[dict[str, Any]]:
    rng = random.Random(0)
    return [
        {
            "id": f"{chr(97 + n % 26)}{chr(97 + n // 26)}",
            "title": " ".join(rng.choices(VOCABULARY, k=rng.randrange(1, 7))),
            "price": rng.randrange(10),
            "image": f"{n % 40}.png",
        }
        for n in range(count)
    ]
