"""CSV and TSV catalogs: values, line numbers, and refusals."""

from __future__ import annotations

import contextlib
import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.catalog import BadRow, CatalogOptions, CatalogRow, open_catalog
from indexer.errors import CatalogError


def read(path: Path, content: str | bytes, **options: str) -> list[CatalogRow | BadRow]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(open_catalog(path, CatalogOptions(**options)).rows())


def outcome(rows: list[CatalogRow | BadRow]) -> list[tuple[int, str | None]]:
    """(line, reason) of every row, the reason None for a good one."""
    return [(row.line, row.reason if isinstance(row, BadRow) else None) for row in rows]


def test_rows_have_line_id_image_and_raw_fields(shop: Path) -> None:
    text = "id,image,title,price\n7,a.jpg,Red <b>shoe</b>,9.99\n 8 ,b.jpg,,007\n"
    first, second = read(shop / "c.csv", text)
    assert isinstance(first, CatalogRow)
    assert isinstance(second, CatalogRow)
    assert (first.line, first.id) == (2, "7")
    assert first.fields == {"title": "Red <b>shoe</b>", "price": "9.99"}
    assert (first.images[0].location, first.images[0].read(100)) == ("a.jpg", b"a.jpg")
    assert (second.line, second.id) == (3, "8")
    assert second.fields == {"title": None, "price": "007"}


def test_a_catalog_of_text_says_so(shop: Path) -> None:
    path = shop / "c.csv"
    read(path, "id,image\n1,a.jpg\n2,b.jpg")
    catalog = open_catalog(path)
    assert (catalog.name, catalog.untyped, catalog.field_types) == ("c.csv", True, None)
    assert catalog.count == 2
    assert [row.id for row in catalog.rows()] == [row.id for row in catalog.rows()] == ["1", "2"]


def test_tsv_renamed_columns_and_byte_order_mark(shop: Path) -> None:
    text = "\ufeffsku\ttitle\tphoto\r\n1\tred, blue\ta.jpg\r\n"
    (row,) = read(shop / "c.TSV", text, id_column="sku", image_column="photo")
    assert isinstance(row, CatalogRow)
    assert (row.id, row.fields) == ("1", {"title": "red, blue"})


def test_several_images_as_json(shop: Path) -> None:
    good, not_json, not_text = read(
        shop / "c.csv", 'id,image\n1,"[""a.jpg"", ""b.jpg""]"\n2,[a.jpg]\n3,[1]\n'
    )
    assert isinstance(good, CatalogRow)
    assert [image.location for image in good.images] == ["a.jpg", "b.jpg"]
    assert outcome([not_json, not_text]) == [(3, "bad_image"), (4, "bad_image")]


def test_lines_count_through_quoted_line_ends_and_empty_lines(shop: Path) -> None:
    text = 'id,image,t\r\n1,a.jpg,"x\r\ny\nz"\r\n\r\n2,b.jpg,q\r\n'
    rows = read(shop / "c.csv", text)
    assert outcome(rows) == [(2, None), (6, None)]
    assert isinstance(rows[0], CatalogRow)
    assert rows[0].fields == {"t": "x\r\ny\nz"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"2,a.jpg", "ragged_row"),
        (b"2,a.jpg,x,y", "ragged_row"),
        (b"2,a.jpg,caf\xe9", "bad_utf8"),
        (b"2,a.jpg,\xed\xa0\x80", "bad_utf8"),
        (b"2,a.jpg,a\0b", "nul_byte"),
        (b'2,a.jpg,"open', "bad_quotes"),
        (b'2,a.jpg,"x"y', "bad_quotes"),
        (b"2,a.jpg,x\ry", "bad_line_end"),
        (b"2,a.jpg," + b"x" * 2_000_000, None),
        (b"2,a.jpg," + b"x" * 20_000_000, "row_too_long"),
        (b",a.jpg,x", "missing_id"),
        (b"  ,a.jpg,x", "missing_id"),
        (b"nan,a.jpg,x", "missing_id"),
        (b"a\x07b,a.jpg,x", "bad_id"),
        (b"i" * 513 + b",a.jpg,x", "id_too_long"),
        (b"1,a.jpg,x", "duplicate_id"),
        (b"2,,x", "no_image"),
        (b"2,NaN,x", "no_image"),
        (b"2,c.jpg,x", "image_not_found"),
    ],
)
def test_a_bad_line_is_reported_and_the_others_are_read(
    shop: Path, line: bytes, reason: str | None
) -> None:
    rows = read(
        shop / "c.csv", b"id,image,t\n1,a.jpg,x\n" + line + b"\n3,b.jpg,z\n4,a.jpg,\xc3\xa9"
    )
    assert outcome(rows) == [(2, None), (3, reason), (4, None), (5, None)]
    if reason is not None:
        assert isinstance(rows[1], BadRow)
        assert rows[1].message.isprintable()


def test_a_bad_byte_in_a_quoted_cell_costs_its_record_alone(shop: Path) -> None:
    content = b'id,image,t\n1,a.jpg,"x\n\xff y\nz"\n2,b.jpg,\xc3\xa9\n'
    rows = read(shop / "c.csv", content)
    assert outcome(rows) == [(2, "bad_utf8"), (5, None)]
    assert isinstance(rows[0], BadRow)
    assert rows[0].id == "1"
    assert "byte 1 of line 3 (0xff)" in rows[0].message


def test_an_unclosed_quote_costs_one_line_of_many(shop: Path) -> None:
    lines = ['0,a.jpg,"open', *(f"{i},b.jpg,x" for i in range(1, 3000))]
    rows = read(shop / "c.csv", "id,image,t\n" + "\n".join(lines))
    assert outcome(rows) == [(2, "bad_quotes"), *((line, None) for line in range(3, 3002))]


def test_quotes_inside_an_unquoted_cell_are_characters(shop: Path) -> None:
    (row,) = read(shop / "c.csv", 'id,image,t\n1,a.jpg,5" disc\n')
    assert isinstance(row, CatalogRow)
    assert row.fields == {"t": '5" disc'}


def test_a_record_that_is_ragged_stays_one_record(shop: Path) -> None:
    rows = read(shop / "c.csv", 'id,image,t\n1,"x\n9,b.jpg,planted\ny"\n2,b.jpg,q\n')
    assert outcome(rows) == [(2, "ragged_row"), (5, None)]


def test_nan_among_numbers_is_refused_and_among_words_is_a_word(shop: Path) -> None:
    text = "id,image,price,title\n1,a.jpg,1.5,naan\n2,a.jpg,NaN,x\n3,b.jpg,-inf,x\n4,b.jpg,2,Nan\n"
    rows = read(shop / "c.csv", text)
    assert outcome(rows) == [(2, None), (3, "nan"), (4, "nan"), (5, None)]
    assert isinstance(rows[1], BadRow)
    assert isinstance(rows[3], CatalogRow)
    assert rows[1].id == "2"
    assert "'price'" in rows[1].message
    assert rows[3].fields == {"price": "2", "title": "Nan"}


@pytest.mark.case(11)
def test_the_second_row_with_an_id_names_the_first(shop: Path) -> None:
    rows = read(shop / "c.csv", "id,image\n7,a.jpg\n8,b.jpg\n7,b.jpg\n 7 ,a.jpg\n")
    assert outcome(rows) == [(2, None), (3, None), (4, "duplicate_id"), (5, "duplicate_id")]
    assert isinstance(rows[2], BadRow)
    assert rows[2].message.startswith("row 4 has the id '7' of row 2;")


def test_a_bad_row_keeps_its_id_but_a_ragged_one_may_not_know_it(shop: Path) -> None:
    rows = read(shop / "c.csv", "id,image\n7,gone.jpg\n7,b.jpg\n8\n8,a.jpg\n")
    assert outcome(rows) == [
        (2, "image_not_found"),
        (3, "duplicate_id"),
        (4, "ragged_row"),
        (5, None),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"id,image\n", "no rows"),
        (b"name,image\n1,a.jpg\n", "no column 'id'"),
        (b"id,title\n1,shoe\n", "no column 'image'"),
        (b"id,look,view\n1,a.jpg,b.jpg\n", "several could be it: 'look', 'view'; .*--image-column"),
        (b"id,image,id\n1,a.jpg,2\n", "more than one column named 'id'"),
        (b"id,image," + b",".join(b"c%d" % i for i in range(2000)) + b"\n", "2,002 columns"),
    ],
)
def test_a_catalog_without_usable_header_or_rows_is_refused(
    shop: Path, content: bytes, message: str
) -> None:
    with pytest.raises(CatalogError, match=message):
        read(shop / "c.csv", content)


# Any text but surrogates, NUL and a bare "nan"; those have tests of their own.
cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
words = cells.filter(
    lambda cell: (
        cell.strip().lower().strip("+-\u2013\u2014") not in ("nan", "inf", "infinity", "null", "")
        or not cell.strip()
    )
)


@settings(max_examples=150)
@given(st.lists(st.tuples(words, words), min_size=1, max_size=8), st.sampled_from(",\t"))
def test_whatever_a_csv_writer_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], delimiter: str
) -> None:
    folder = tmp_path_factory.mktemp("csv")
    (folder / "a.jpg").touch()
    table = io.StringIO(newline="")
    writer = csv.writer(table, delimiter=delimiter)
    writer.writerow(["id", "image", "t", "u"])
    starts = []
    for at, (first, second) in enumerate(rows):
        starts.append(table.getvalue().count("\n") + 1)
        writer.writerow([f"p{at}", "a.jpg", first, second])
    path = folder / ("c.csv" if delimiter == "," else "c.tsv")
    found = read(path, table.getvalue())
    expected = [
        (line, f"p{at}", {"t": first.strip() or None, "u": second.strip() or None})
        for at, (line, (first, second)) in enumerate(zip(starts, rows, strict=True))
    ]
    assert [(r.line, r.id, r.fields) for r in found if isinstance(r, CatalogRow)] == expected
    assert len(found) == len(expected)


GOOD = b"".join(b'p%d,a.jpg,"t %d",%d.5\n' % (i, i, i) for i in range(8))


@pytest.mark.case(10)
@settings(max_examples=300)
@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=4), st.integers(0, 4))
def test_damage_costs_the_lines_it_is_on(
    tmp_path_factory: pytest.TempPathFactory, position: int, inserted: bytes, dropped: int
) -> None:
    folder = tmp_path_factory.mktemp("mutated")
    (folder / "a.jpg").touch()
    damaged = GOOD[:position] + inserted + GOOD[position + dropped :]
    rows = read(folder / "c.csv", b"id,image,t,price\n" + damaged)

    lines = [row.line for row in rows]
    assert lines == sorted(set(lines))
    untouched = GOOD[:position].count(b"\n")
    assert outcome(rows)[:untouched] == [(line, None) for line in range(2, 2 + untouched)]
    if b'"' in inserted or b'"' in GOOD[position : position + dropped]:
        return  # a quote more or less may join lines, as it would for any reader of CSV
    shift = damaged.count(b"\n") - GOOD.count(b"\n")
    after = range(GOOD[: position + dropped].count(b"\n") + 3, 10)
    reasons = dict(outcome(rows))
    # A changed digit can give the damaged line the id of one of these.
    assert all(reasons[line + shift] in (None, "duplicate_id") for line in after)


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_rows_or_a_catalog_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("noise") / "c.csv"
    rows = read(path, b"id,image\n1,x\n" + content)
    message = rows[0].message  # type: ignore[union-attr]
    assert rows[0] == BadRow(2, "1", "image_not_found", message, "image", "x")
    for row in rows:
        assert isinstance(row, BadRow)
        assert row.message.isprintable()
        (row.message + (row.id or "")).encode("utf-8")
    with contextlib.suppress(CatalogError):
        read(path, content)
