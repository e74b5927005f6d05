"""Several catalogs as one: files, patterns, folders of tables and standard input."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer import CatalogError
from indexer.catalog import BadRow, CatalogOptions, CatalogRow, FieldType, open_catalog


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def ids(*paths: Path) -> list[str | None]:
    return [row.id for row in open_catalog(paths).rows()]


@pytest.fixture
def feeds(shop: Path) -> Path:
    """Two CSV files of other columns, and JSON Lines, each with its own images."""
    write(shop / "feeds" / "a.csv", "id,image,price\n1,a.jpg,5\n2,a.jpg,6\n")
    write(shop / "feeds" / "b.csv", "SKU;Preis;Bild\n3;7,50;b.jpg\n1;8;b.jpg\n")
    write(shop / "feeds" / "more" / "c.jsonl", '{"id": 4, "image": "c.jpg", "price": 9}\n')
    for name in ("a.jpg", "b.jpg", "more/c.jpg"):
        write(shop / "feeds" / name, name)
    return shop / "feeds"


def test_files_of_other_formats_and_columns_are_read_as_one(feeds: Path) -> None:
    catalog = open_catalog([feeds / "a.csv", feeds / "b.csv", feeds / "more" / "c.jsonl"])
    rows = list(catalog.rows())
    assert [row.id for row in rows] == ["1", "2", "3", "1", "4"]
    assert [catalog.place(row.line) for row in rows] == [
        (2, "a.csv"), (3, "a.csv"), (2, "b.csv"), (3, "b.csv"), (1, "c.jsonl"),
    ]  # fmt: skip
    again = rows[3]
    assert isinstance(again, BadRow)
    assert again.reason == "duplicate_id"
    assert "row 3 of 'b.csv' has the id '1' of row 2 of 'a.csv'" in again.message
    images = [row.images[0].read(99) for row in rows if isinstance(row, CatalogRow)]
    assert images == [b"a.jpg", b"a.jpg", b"b.jpg", b"more/c.jpg"]
    assert catalog.name == "a.csv, b.csv, c.jsonl"
    assert catalog.count == 5
    assert len(catalog.notes) == 3


def test_patterns_stand_for_sorted_files_each_once(feeds: Path) -> None:
    write(feeds / ".hidden.csv", "id,image\n9,a.jpg\n")
    assert ids(feeds / "*.csv") == ["1", "2", "3", "1"]
    assert ids(feeds / "b.csv", feeds / "*.csv") == ["3", "1", "1", "2"]
    assert ids(feeds / "**" / "*.jsonl") == ["4"]
    assert ids(feeds / "[ab].csv") == ["1", "2", "3", "1"]
    write(feeds / "[odd].csv", "id,image\n8,a.jpg\n")
    assert ids(feeds / "[odd].csv") == ["8"]
    with pytest.raises(CatalogError, match=r"no file matches .*\*\.tsv"):
        ids(feeds / "*.tsv")


def test_types_are_joined(feeds: Path) -> None:
    pq.write_table(pa.table({"id": ["5"], "image": ["a.jpg"], "price": [2.5]}), feeds / "d.parquet")
    pq.write_table(pa.table({"id": ["6"], "image": ["a.jpg"], "price": [2]}), feeds / "e.parquet")
    catalog = open_catalog([feeds / "d.parquet", feeds / "e.parquet"])
    assert catalog.field_types == {"price": FieldType.FLOAT}
    assert not catalog.untyped
    mixed = open_catalog([feeds / "d.parquet", feeds / "a.csv"])
    assert mixed.untyped
    assert mixed.count == 3


def test_files_of_one_name_are_told_apart(feeds: Path, shop: Path) -> None:
    other = write(shop / "other" / "a.csv", "id,image\n1,x.jpg\n")
    write(shop / "other" / "x.jpg", "x")
    catalog = open_catalog([feeds / "a.csv", other])
    last = list(catalog.rows())[-1]
    assert catalog.place(last.line) == (2, str(other))


def test_too_many_fields_together_are_refused(shop: Path) -> None:
    for name in "ab":
        columns = ",".join(f"{name}{n}" for n in range(1500))
        write(shop / f"{name}.csv", f"id,image,{columns}\n{name},a.jpg{',x' * 1500}\n")
    with pytest.raises(CatalogError, match="more than 2,000 fields together"):
        ids(shop / "a.csv", shop / "b.csv")


@pytest.mark.parametrize("ending", ["csv", "jsonl", "csv.gz"])
def test_a_folder_of_tables_is_read_as_one(shop: Path, ending: str) -> None:
    import gzip

    for number in "12":
        good = f"id,image\n{number},https://shop.example/{number}.jpg\n"
        if ending == "jsonl":
            good = json.dumps({"id": number, "image": f"https://shop.example/{number}.jpg"})
        data = gzip.compress(good.encode()) if ending.endswith("gz") else good.encode()
        path = shop / "export" / f"part-{number}.{ending}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    assert ids(shop / "export") == ["1", "2"]
    write(shop / "export" / "a.jpg", "x")
    assert len(ids(shop / "export")) == 3  # a folder of images, and of what is none


@pytest.mark.parametrize("layout", ["data", "splits", "saved", "saved splits"])
def test_folders_of_datasets(shop: Path, layout: str) -> None:
    folder = shop / "dataset"
    table = pa.table({"id": ["1"], "image": [b"x"]})
    names = {
        "data": ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"],
        "splits": [
            "default/train/x-00000-of-00001.parquet",
            "default/test/x-00000-of-00001.parquet",
        ],
        "saved": ["data-00000-of-00002.arrow", "data-00001-of-00002.arrow"],
        "saved splits": ["test/data-00000-of-00001.arrow", "train/data-00000-of-00001.arrow"],
    }[layout]
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = table.set_column(0, "id", [[str(number)]])
        if name.endswith("parquet"):
            pq.write_table(part, path)
        else:
            with path.open("wb") as file, pa.ipc.new_stream(file, part.schema) as writer:
                writer.write_table(part)
            write(path.parent / "state.json", "{}")
            write(path.parent / "dataset_info.json", "{}")
    write(folder / "README.md", "---")
    write(folder / "dataset_dict.json", "{}")
    assert sorted(ids(folder)) == ["0", "1"]


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl"])
def test_a_folder_of_images_with_the_metadata_of_datasets(shop: Path, name: str) -> None:
    folder = shop / "images"
    write(folder / "one.jpg", "one")
    write(folder / "sub" / "two.jpg", "two")
    rows = [{"file_name": "one.jpg", "text": "Mug"}, {"file_name": "sub/two.jpg", "text": "Cup"}]
    if name.endswith("csv"):
        text = "file_name,text\n" + "".join(f"{r['file_name']},{r['text']}\n" for r in rows)
    else:
        text = "\n".join(map(json.dumps, rows))
    write(folder / name, text)
    found = [row for row in open_catalog(folder).rows() if isinstance(row, CatalogRow)]
    assert [(row.id, row.images[0].location, row.fields["text"]) for row in found] == [
        ("one.jpg", "one.jpg", "Mug"), ("sub/two.jpg", "sub/two.jpg", "Cup"),
    ]  # fmt: skip


class _Input(io.BytesIO):
    """Standard input: its `buffer` is itself."""

    @property
    def buffer(self) -> io.BytesIO:
        return self


def packed(kind: str) -> bytes:
    import gzip

    from scripts.benchmarks.catalogs.writers import Sheet, TextStyle, delimited, write_format

    sheet = Sheet(["id", "image", "title"], [["007", "a.jpg", "Mug"], ["008", "b.jpg", "Cup"]])
    if kind == "csv.gz":
        return gzip.compress(delimited(sheet, TextStyle(";")))
    path = write_format(kind, Path(packed.folder) / "in", sheet)  # type: ignore[attr-defined]
    return path.read_bytes()


@pytest.mark.parametrize(
    "kind",
    ["csv", "csv.gz", "tsv", "json array", "json lines", "parquet", "feather", "sqlite", "xml",
     "xlsx", "ods", "webdataset"],
)  # fmt: skip
def test_standard_input_of_any_format(
    shop: Path, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    packed.folder = tmp_path_factory.mktemp("in")  # type: ignore[attr-defined]
    monkeypatch.chdir(shop)
    monkeypatch.setattr(sys, "stdin", _Input(packed(kind)))
    catalog = open_catalog(Path("-"))
    rows = list(catalog.rows())
    assert [row.id for row in rows] == ["007", "008"]
    assert all(isinstance(row, CatalogRow) for row in rows)
    assert catalog.name == "standard input"
    saved = catalog.path
    assert saved.exists()
    del catalog, rows
    assert not saved.exists()


def test_standard_input_that_is_empty_or_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", _Input(b""))
    with pytest.raises(CatalogError, match="standard input is empty"):
        open_catalog(Path("-"))

    class Terminal(_Input):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(b"id"))
    with pytest.raises(CatalogError, match="is a terminal here"):
        open_catalog(Path("-"))


def test_no_catalog_is_refused() -> None:
    with pytest.raises(CatalogError, match="no catalog is given"):
        open_catalog([], CatalogOptions())
