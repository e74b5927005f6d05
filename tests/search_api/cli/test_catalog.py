"""`lookalike catalog inspect` and `lookalike index build --dry-run`."""

from __future__ import annotations

import shutil
from itertools import count
from pathlib import Path

import pytest

from indexer.catalog import FieldType, inspect_catalog, open_catalog
from tests.support.processes import Cli, error_line, only_json

HEADER = "SKU;Titel;Preis;Größe;Bild\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A catalog as a German spreadsheet program writes it, with a missing image in line 4."""
    (tmp_path / "a.png").write_bytes(b"not opened")
    rows = ["0071;Becher;4;M;a.png", "0072;Krug [groß];12;M;a.png", "0073;Teller;8;XL;b.png"]
    path = tmp_path / "produkte.csv"
    path.write_bytes((HEADER + "\n".join(rows)).encode("windows-1252"))
    return path


@pytest.mark.case(57)
def test_inspection_as_json(fake_cli: Cli, shop: Path) -> None:
    found = only_json(fake_cli("catalog", "inspect", shop, "--types", "Preis=number", "--json"))
    assert found["format"] == {"format": "CSV", "encoding": "Windows-1252", "delimiter": ";"}
    assert (found["id_column"], found["image_columns"]) == ("SKU", ["Bild"])
    assert found["types"] == {"Titel": "text", "Preis": "float", "Größe": "text"}
    assert (found["rows"], found["complete"], found["reasons"]) == (3, True, {"image_not_found": 1})
    assert found["products"][0] == {
        "line": 2,
        "id": "0071",
        "images": ["a.png"],
        "fields": {"Titel": "Becher", "Preis": 4.0, "Größe": "M"},
        "file": None,
    }
    assert [(row["line"], row["id"]) for row in found["refused"]] == [(4, "0073")]


def test_inspection_as_text(fake_cli: Cli, shop: Path) -> None:
    done = fake_cli("catalog", "inspect", shop)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "produkte.csv is read as CSV, semicolons, Windows-1252",
        "ids: SKU; images: Bild",
        "fields: Titel (text), Preis (integer), Größe (text)",
        "line 2: 0071  a.png",
        "    Titel: Becher",
        "    Preis: 4",
        "    Größe: M",
        "line 3: 0072  a.png",
        "    Titel: Krug [groß]",
        "    Preis: 12",
        "    Größe: M",
        "3 rows, 1 would be refused",
        "  1 image_not_found",
        "    line 4: there is no file 'b.png' below the catalog's folder; check the path",
    ]


def test_what_can_not_be_read_is_one_sentence(fake_cli: Cli, shop: Path) -> None:
    done = fake_cli("catalog", "inspect", shop, "--id-column", "nr")
    assert "has no column 'nr'" in error_line(done)


def test_a_dry_run_writes_nothing_and_knows_the_types_of_the_index(
    fake_cli: Cli, coloured: Path, tmp_path: Path
) -> None:
    shutil.copytree(coloured / "index", tmp_path / "index")
    state = {path: path.stat().st_mtime_ns for path in (tmp_path / "index").rglob("*")}
    catalog = coloured / "catalog.csv"
    dry = ("index", "build", catalog, "--dry-run", "--json", "--index")
    found = only_json(fake_cli(*dry, tmp_path / "index"))
    assert (found["catalog"], found["rows"], found["reasons"]) == ("catalog.csv", 6, {})
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "index").rglob("*")} == state
    assert only_json(fake_cli(*dry, tmp_path / "new")) == found
    assert not (tmp_path / "new").exists()


def test_a_large_catalog_is_read_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.png").write_bytes(b"not opened")
    path = tmp_path / "c.csv"
    path.write_text("id,image,n\n" + "".join(f"p{row},a.png,{row}\n" for row in range(3000)))
    seconds = count()
    monkeypatch.setattr("time.monotonic", lambda: next(seconds))
    found = inspect_catalog(open_catalog(path), seconds=500, former={"n": FieldType.FLOAT})
    assert (found.rows, found.complete, found.types) == (1500, False, {"n": "float"})
