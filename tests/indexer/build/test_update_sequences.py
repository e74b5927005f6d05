"""Any series of updates: the index holds what the catalog says, and nothing else."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from PIL import Image

from indexer.build import merge
from indexer.index import Index, prune
from tests.indexer.build.catalogs import build, no_encoder


class CatalogMachine(RuleBasedStateMachine):
    """An index after any series of updates holds what the catalog says, and nothing else."""

    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.products: dict[str, tuple[int, str]] = {}
        self.built: dict[str, tuple[int, str]] = {}
        self.root = Path(self.folder / f"run-{id(self)}")
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir()
        for shade in range(6):
            Image.new("RGB", (4, 4), (40 * shade, 80, 200)).save(self.root / f"{shade}.png")

    @rule(
        product=st.sampled_from("abcdefgh"),
        shade=st.integers(0, 5),
        price=st.sampled_from(["", "1", "2.5", "x", "007"]),
    )
    def put(self, product: str, shade: int, price: str) -> None:
        self.products[product] = (shade, price)

    @precondition(lambda self: self.products)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        del self.products[data.draw(st.sampled_from(sorted(self.products)))]

    @precondition(lambda self: self.products)
    @rule(keep=st.booleans())
    def build(self, keep: bool) -> None:
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(["id", "image", "price"])
        for product, (shade, price) in self.products.items():
            writer.writerow([product, f"{shade}.png", price])
        (self.root / "catalog.csv").write_text(text.getvalue())
        build(self.root / "catalog.csv", self.root / "index", keep_missing=keep)
        self.built = {**(self.built if keep else {}), **self.products}

    @precondition(lambda self: self.built)
    @rule()
    def merge(self) -> None:
        merge(self.root / "index", no_encoder)

    @precondition(lambda self: self.built)
    @rule()
    def prune(self) -> None:
        prune(self.root / "index")

    @invariant()
    def holds_what_the_catalog_says(self) -> None:
        if not self.built:
            return
        index = Index.open(self.root / "index")
        hits = index.search(np.array([0, 0, 1], np.float32), 100)
        assert sorted(hit.id for hit in hits) == sorted(self.built)
        for product, (shade, price) in self.built.items():
            assert [image.location for image in index.get(product).images] == [f"{shade}.png"]
            # Words in a field of numbers are left out.
            fits = price in ("1", "2.5") or index.manifest.fields["price"] == "text"
            assert ("price" in index.get(product).fields) == (price != "" and fits)


@pytest.fixture
def machine_folder(tmp_path: Path) -> None:
    CatalogMachine.folder = tmp_path


@pytest.mark.usefixtures("machine_folder")
def test_any_series_of_updates() -> None:
    limits = settings(
        max_examples=6,
        stateful_step_count=10,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(CatalogMachine, settings=limits)
