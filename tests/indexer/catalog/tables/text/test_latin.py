"""Latin encodings: told apart by the letters of languages, also in short files."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.catalog import CatalogRow, open_catalog

FRENCH = [
    "Cr\u00e8me br\u00fbl\u00e9e",
    "fa\u00e7on grand-m\u00e8re",
    "\u0153uf d\u00e9j\u00e0 cuit",
]
POLISH = ["\u017b\u00f3\u0142ta sukienka", "krzes\u0142o d\u0119bowe", "b\u0142\u0119kitna bluzka"]
CZECH = ["D\u011btsk\u00e1 \u010depice", "kuchy\u0148sk\u00fd st\u016fl", "n\u016f\u017eky"]
HUNGARIAN = [
    "H\u0171t\u0151szekr\u00e9ny feh\u00e9r",
    "n\u0151i cip\u0151",
    "k\u00e1v\u00e9f\u0151z\u0151",
]
TURKISH = [
    "K\u0131rm\u0131z\u0131 elbise",
    "\u00e7ocuk \u015fapkas\u0131",
    "ye\u015fil g\u00f6mlek",
]
LITHUANIAN = ["\u017dalia sukn\u0117l\u0117", "virtuv\u0117s stalas", "bat\u0173 spinta"]
GERMAN = ["Gr\u00f6\u00dfe \u00dcbergr\u00f6\u00dfe", "M\u00e4dchenkleid", "K\u00e4se"]


@pytest.mark.case(57)
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    ("encoding", "titles"),
    [
        ("windows-1252", FRENCH),
        ("windows-1252", GERMAN),
        ("windows-1250", POLISH),
        ("windows-1250", CZECH),
        ("windows-1250", HUNGARIAN),
        ("iso-8859-2", POLISH),
        ("windows-1254", TURKISH),
        ("windows-1257", LITHUANIAN),
        ("mac-roman", GERMAN),
    ],
)
def test_a_few_words_are_enough(
    tmp_path: Path, encoding: str, titles: list[str], count: int
) -> None:
    rows = "".join(f"{n},https://shop.example/{n}.jpg,{t}\n" for n, t in enumerate(titles[:count]))
    path = tmp_path / "c.csv"
    path.write_bytes(f"id,image,title\n{rows}".encode(encoding))
    found = [
        row.fields["title"] for row in open_catalog(path).rows() if isinstance(row, CatalogRow)
    ]
    assert found == titles[:count]


def test_a_bad_byte_among_letters_of_utf_8_does_not_change_the_encoding(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    row = "1,https://shop.example/1.jpg,gr\u00f6\u00dfe \u00fc".encode() + b"\xff\n"
    path.write_bytes(b"id,image,title\n" + row + b"2,https://shop.example/2.jpg,mug\n")
    bad, good = open_catalog(path).rows()
    assert (getattr(bad, "reason", None), good.id) == ("bad_utf8", "2")
