"""Words of the short texts of products."""

from __future__ import annotations

import pyarrow as pa

from indexer.retrieval import Columns, HasWords, Not, evaluate

TABLE = pa.table(
    {
        "title": ["Striped shirt", "Shirt without stripes", "Plain shirt", None, "No-stripe tee"],
        "tags": [["plain"], [], ["striped", "red"], None, ["red"]],
        "description": ["x" * 300, "goes with striped trousers " * 12, "", None, "striped " * 40],
        "price": [1, 2, 3, 4, 5],
    }
)


def test_titles_and_tags_count_and_descriptions_do_not() -> None:
    columns = Columns(TABLE)
    assert columns.short_texts == ["title", "tags"]
    found = evaluate(HasWords("stripes?|striped"), columns)
    # The second and the last say that they have none.
    assert found.tolist() == [True, False, True, False, False]
    assert evaluate(Not(HasWords("red")), columns).tolist() == [True, True, False, True, False]


def test_case_and_the_ends_of_words() -> None:
    table = pa.table({"title": ["BLACK", "blackberry", "off-black", "Größe black!", "schwarz"]})
    found = evaluate(HasWords("black"), Columns(table))
    assert found.tolist() == [True, False, True, True, False]
