"""`lookalike index quarantine`: by reason, as text, CSV and JSON; and another try."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from PIL import Image

from indexer.index import Index
from tests.support.processes import Cli, only_json


@pytest.fixture
def broken(fake_cli: Cli, coloured: Path, tmp_path: Path) -> Path:
    """The folder of a catalog with two rows that can't be used, and of its index."""
    shutil.copytree(coloured, tmp_path / "shop", ignore=shutil.ignore_patterns("index"))
    catalog = tmp_path / "shop" / "catalog.csv"
    header, first, *rows = catalog.read_text("utf-8").splitlines()
    cells = dict(zip(header.split(","), first.split(","), strict=True))
    gone = first.replace(cells["image"], "gone.png").replace(cells["id"], "=gone")
    catalog.write_text("\n".join([header, first, *rows, gone, first]) + "\n", "utf-8")
    done = fake_cli("index", "build", catalog, "--index", tmp_path / "index")
    assert done.returncode == 0, done.stderr
    return tmp_path


def test_what_was_refused(fake_cli: Cli, broken: Path) -> None:
    command = ("index", "quarantine", "--index", broken / "index")
    found = only_json(fake_cli(*command, "--json"))
    assert found["quarantined"] == 2
    assert found["reasons"] == {"image_not_found": 1, "duplicate_id": 1}
    assert [(row["line"], row["column"], row["value"]) for row in found["rows"]] == [
        (8, "image", "gone.png"),
        (9, "id", found["rows"][1]["id"]),
    ]
    text = fake_cli(*command, "--limit", "1").stdout
    assert "1 image_not_found\n  line 8 (=gone): there is no file 'gone.png'" in text
    table = list(csv.DictReader(fake_cli(*command, "--csv").stdout.splitlines()))
    assert [(row["line"], row["column"], row["reason"]) for row in table] == [
        ("8", "image", "image_not_found"),
        ("9", "id", "duplicate_id"),
    ]


def test_a_held_back_product_is_released_by_its_id(fake_cli: Cli, tmp_path: Path) -> None:
    folder, index = tmp_path / "shop", tmp_path / "index"
    folder.mkdir()
    Image.new("RGB", (64, 64), "red").save(folder / "fine.png")
    Image.new("RGB", (64, 64), "blue").save(folder / "odd.png")
    judge = """
import embeddings.vision.examination as examination
examination.unsafe_score = lambda image: 0.9 if image.getpixel((0, 0)) == (0, 0, 255) else 0.1
"""
    cli = Cli(fake=True, prelude=judge)
    command = ("index", "build", folder, "--index", index, "--moderate", "hold", "--workers", "0")
    assert cli(*command).returncode == 0
    (row,) = only_json(cli("index", "quarantine", "--index", index, "--json"))["rows"]
    assert (row["id"], row["reason"]) == ("odd.png", "unsafe_image")
    assert "score 0.90" in row["message"]
    unknown = cli("index", "quarantine", "--index", index, "--release", "fine.png")
    assert "No image of 'fine.png' is held back" in unknown.stderr
    assert unknown.returncode != 0
    released = cli("index", "quarantine", "--index", index, "--release", "odd.png")
    assert released.returncode == 0, released.stderr
    assert cli(*command).returncode == 0
    assert "odd.png" in Index.open(index)


def test_another_try_after_the_catalog_was_mended(fake_cli: Cli, broken: Path) -> None:
    catalog = broken / "shop" / "catalog.csv"
    *rows, _, _ = catalog.read_text("utf-8").splitlines()
    catalog.write_text("\n".join(rows) + "\n", "utf-8")
    command = ("index", "quarantine", "--index", broken / "index")
    found = only_json(fake_cli(*command, "--retry", catalog, "--json"))
    assert (found["quarantined"], found["fewer"], found["rows"]) == (0, 2, [])
    assert fake_cli(*command).stdout == "Nothing is in quarantine.\n"
