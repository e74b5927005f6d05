from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from indexer.errors import CatalogError
from indexer.evaluation import LabelledQuery, QueryColumns
from indexer.evaluation.labelled_queries import LabelledQueries, read_queries
from indexer.storage import QueryKind


def png(colour: tuple[int, int, int] = (255, 0, 0)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(out, "PNG")
    return out.getvalue()


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def only(found: LabelledQueries) -> LabelledQuery:
    assert found.bad == ()
    (query,) = found.queries
    return query


def test_csv(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(png())
    path = written(
        tmp_path,
        "q.csv",
        "text,image,relevant,category,filter\n"
        'red dress,,"1, 2",dresses,"{""price"": {""lt"": 5}}"\n'
        ",photo.png,7 8 9,,\n"
        "in blue, photo.png ,4,,\n",
    )
    words, image, both = read_queries(path).queries
    assert (words.line, words.text, words.image, words.kind) == (
        2, "red dress", None, QueryKind.TEXT,
    )  # fmt: skip
    assert words.relevant == {"1": 1.0, "2": 1.0}
    assert (words.category, words.filter) == ("dresses", {"price": {"lt": 5}})
    assert (image.text, image.category, image.filter) == (None, None, None)
    assert image.kind is QueryKind.IMAGE
    assert image.image is not None
    assert image.image.read(1000) == png()
    assert list(image.relevant) == ["7", "8", "9"]
    assert both.kind is QueryKind.MIXED


def test_tsv(tmp_path: Path) -> None:
    path = written(tmp_path, "q.tsv", "text\trelevant\nred, or so\ta b\n")
    assert only(read_queries(path)).text == "red, or so"


@pytest.mark.parametrize(
    ("written_as", "expected"),
    [
        ("12", {"12": 1.0}),
        (12, {"12": 1.0}),
        ("a b", {"a": 1.0, "b": 1.0}),
        ("a, b c", {"a": 1.0, "b c": 1.0}),
        ("a,a", {"a": 1.0}),
        (["a", 3], {"a": 1.0, "3": 1.0}),
        ('["a b", "c"]', {"a b": 1.0, "c": 1.0}),
        ("size 42, new", {"size 42, new": 1.0}),  # a product is called so
        ({"a": 3, "b": 0.5, "c": 0}, {"a": 3.0, "b": 0.5}),
        ('{"a": 2}', {"a": 2.0}),
    ],
)
def test_relevant_ids(tmp_path: Path, written_as: object, expected: dict[str, float]) -> None:
    path = written(tmp_path, "q.jsonl", json.dumps({"text": "x", "relevant": written_as}) + "\n")
    assert only(read_queries(path, is_id={"size 42, new"}.__contains__)).relevant == expected


def test_parquet(tmp_path: Path) -> None:
    table = pa.table(
        {
            "image": [png(), None, png()],
            "text": [None, "red", None],
            "relevant": pa.array([["1", "2"], ["3"], []]),
            "shelf": ["A", "B", "C"],
        }
    )
    pq.write_table(table, tmp_path / "q.parquet")
    found = read_queries(tmp_path / "q.parquet", QueryColumns(category="shelf"))
    image, words = found.queries
    assert image.image is not None
    assert image.image.read(1000) == png()
    assert (list(image.relevant), image.category, image.line) == (["1", "2"], "A", 1)
    assert (words.text, words.image, words.category) == ("red", None, "B")
    assert [(row.line, row.reason) for row in found.bad] == [(3, "missing_id")]


def test_numbers_in_parquet_are_ids(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a", "b"], "relevant": [15970, None]}), tmp_path / "q.pq")
    found = read_queries(tmp_path / "q.pq")
    assert [query.relevant for query in found.queries] == [{"15970": 1.0}]


def test_labels(tmp_path: Path) -> None:
    path = written(tmp_path, "q.csv", "text,colour,size\nred dress,red,42\nblue,,1\n")
    found = read_queries(path, QueryColumns(labels=("colour", "size")))
    (query,) = found.queries
    assert query.labels == {"colour": "red", "size": "42"}
    assert query.relevant == {}
    assert [row.line for row in found.bad] == [3]


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (",,1,", "neither words"),
        ("x,,,", "no relevant product"),
        ("x,,[1,", "not valid JSON"),
        ('x,,"[1, ",', "not valid JSON"),
        ('x,,"{""a"": ""much""}",', "gains are numbers"),
        ('x,,"{""a"": -1}",', "gains are numbers"),
        ('x,,"{""a"": true}",', "gains are numbers"),
        ("x,,1,red", "not a JSON object"),
        (",gone.png,1,", "no file 'gone.png'"),
        (",../q.csv,1,", "outside"),
        (",https://example.com/a.png,1,", "not fetched"),
        ("x,,1", "3 cells"),
        ('x,,"[null]",', "no id"),
    ],
)
def test_bad_rows_are_reported_by_line_and_the_rest_is_used(
    tmp_path: Path, row: str, complaint: str
) -> None:
    path = written(tmp_path, "q.csv", f"text,image,relevant,filter\ngood,,1,\n{row}\nfine,,2,\n")
    found = read_queries(path)
    assert [query.line for query in found.queries] == [2, 4]
    (bad,) = found.bad
    assert bad.line == 3
    assert complaint in bad.message
    assert "\n" not in bad.message


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("q.csv", "", "is empty"),
        ("q.csv", "text,relevant\n", "has no rows"),
        ("q.jsonl", "", "has no rows"),
        ("q.csv", "words,relevant\na,1\n", "neither a column 'text' nor"),
        ("q.csv", "text,answer\na,1\n", "no column 'relevant'.*--label"),
        ("q.csv", "text,relevant\na,\nb,\n", "2 row.s. are broken, the first on line 2"),
        ("q.jsonl", "[1]\n", "not a JSON object"),
        ("q.parquet", "hello", "not a valid Parquet file"),
        ("q.dat", "hello", "unknown format"),
    ],
)
def test_files_without_a_query_are_refused(
    tmp_path: Path, name: str, content: str, complaint: str
) -> None:
    with pytest.raises(CatalogError, match=complaint):
        read_queries(written(tmp_path, name, content))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="there is no file"):
        read_queries(tmp_path / "q.csv")


def test_a_missing_label_column_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, "q.csv", "text,relevant\na,1\n")
    with pytest.raises(CatalogError, match="no column 'colour'"):
        read_queries(path, QueryColumns(labels=("colour",)))
