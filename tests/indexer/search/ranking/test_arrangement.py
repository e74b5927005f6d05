"""Orders that a shop decides: sorting, boosts, pinned and buried products, variants as one hit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from indexer import QueryError
from indexer.search import Boost, BoostFunction, Engine, Query, SearchMode, SortKey, TextPart
from tests.indexer.search.conftest import Segmented
from tests.support.search_catalogs import build, write_catalog

NIKE = Query(parts=(TextPart("nike"),), k=500)


def ids(engine: Engine, query: Query) -> list[str]:
    return [hit.id for hit in engine.search(query).hits]


@pytest.mark.parametrize("mode", SearchMode)
def test_what_matches_is_sorted_and_relevance_decides_ties(
    segmented: Segmented, mode: SearchMode
) -> None:
    engine = segmented.engine
    query = replace(NIKE, mode=mode)
    price = {row["id"]: row["price"] for row in segmented.rows}
    title = {row["id"]: row["title"] for row in segmented.rows}
    wanted = {key for key, words in title.items() if "nike" in words.split()}
    plain = [product for product in ids(engine, query) if product in wanted]
    found = ids(engine, replace(query, sort=(SortKey("price"),)))
    if mode is not SearchMode.VECTOR:
        assert found == sorted(plain, key=price.__getitem__)
    assert [price[product] for product in found] == sorted(price[product] for product in found)
    both = ids(engine, replace(query, sort=(SortKey("price", descending=True), SortKey("title"))))
    assert both == sorted(both, key=lambda product: (-price[product], title[product]))
    pages = [
        ids(engine, replace(query, sort=(SortKey("price"),), k=7, offset=at))
        for at in range(0, len(found) + 7, 7)
    ]
    assert [product for page in pages for product in page] == found


def test_a_catalog_is_sorted_without_a_query(segmented: Segmented) -> None:
    found = ids(segmented.engine, Query(k=500, sort=(SortKey("price", descending=True),)))
    listed = ids(segmented.engine, Query(k=500))
    price = {row["id"]: row["price"] for row in segmented.rows}
    assert found == sorted(listed, key=lambda product: -price[product])


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Products of three variants each, and with a stock, a date and a list of sizes."""
    rows = [
        {"id": f"p{n}", "title": f"shoe {'red' if n < 9 else 'blue'}", "stock": stock,
         "added": f"2026-01-{n + 1:02}", "sizes": [40 + n, 50], "item_group_id": f"g{n // 3}",
         "image": "3.png"}
        for n, stock in enumerate([0, 5, 5000, 50, None, 2, 7, 9, 1, 9000, 8000, 7000])
    ]  # fmt: skip
    folder = tmp_path_factory.mktemp("stocked")
    return build(write_catalog(folder / "catalog", rows), folder / "index")


def test_products_without_a_value_come_last(stocked: Engine) -> None:
    for descending in (False, True):
        found = ids(stocked, Query(k=99, sort=(SortKey("stock", descending),)))
        assert found[-1] == "p4"
        assert found[0] == ("p9" if descending else "p0")


@pytest.mark.parametrize("function", BoostFunction)
def test_a_boost_moves_equals_and_no_irrelevant_product_wins(
    stocked: Engine, function: BoostFunction
) -> None:
    query = Query(parts=(TextPart("red shoe"),), k=99, mode=SearchMode.HYBRID)
    plain = ids(stocked, query)
    assert set(plain[:9]) == {f"p{n}" for n in range(9)}
    for weight in (0.2, 1.0):
        boosted = ids(stocked, replace(query, boost=(Boost("stock", function, weight),)))
        assert boosted[0] == "p2"
        # The blue ones have more, and stay behind.
        assert set(boosted[:9]) == set(plain[:9])
        away = ids(stocked, replace(query, boost=(Boost("stock", function, -weight),)))
        assert away[8] == "p2"
    newest = ids(stocked, replace(query, boost=(Boost("added", weight=1.0),)))
    assert newest[:9] == [f"p{n}" for n in range(8, -1, -1)]


def test_products_are_pinned_and_buried_by_id_and_by_filter(stocked: Engine) -> None:
    query = Query(parts=(TextPart("red shoe"),), k=99, mode=SearchMode.HYBRID)
    plain = ids(stocked, query)
    pinned = ids(stocked, replace(query, pin=("p11", {"item_group_id": "g1"}, "none")))
    rest = [one for one in plain if one not in ("p11", "p3", "p4", "p5")]
    assert pinned[0] == "p11"
    assert set(pinned[1:4]) == {"p3", "p4", "p5"}
    assert pinned[4:] == rest
    buried = ids(stocked, replace(query, bury=(plain[0], {"item_group_id": "g3"})))
    assert buried == [one for one in plain[1:] if one not in ("p9", "p10", "p11")] + [
        one for one in plain if one in (plain[0], "p9", "p10", "p11")
    ]
    both = replace(query, pin=("p11",), bury=("p11", plain[0]), diversity=0.5, min_confidence=0.01)
    found = ids(stocked, both)
    assert (found[0], found[-1]) == ("p11", plain[0])
    # Whoever does not pass the filter is not pinned.
    filtered = replace(query, pin=("p11",), filter={"stock": {"lt": 100}})
    assert "p11" not in ids(stocked, filtered)
    pages = [
        ids(stocked, replace(query, pin=("p11",), bury=(plain[0],), k=5, offset=at))
        for at in (0, 5, 10)
    ]
    assert len({one for page in pages for one in page}) == 12


def test_variants_collapse_into_one_hit(stocked: Engine, segmented: Segmented) -> None:
    query = Query(parts=(TextPart("red shoe"),), k=99, mode=SearchMode.HYBRID)
    hits = stocked.search(replace(query, collapse=True)).hits
    assert sorted(len(hit.grouped) for hit in hits) == [2, 2, 2, 2]
    assert hits == stocked.search(replace(query, group="item_group_id")).hits
    assert hits == stocked.search(replace(query, group_by="item_group_id")).hits
    # Without variants there is nothing to collapse.
    assert ids(segmented.engine, replace(NIKE, collapse=True)) == ids(segmented.engine, NIKE)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"sort": (SortKey("prize"),)}, "'prize'"),
        ({"sort": (SortKey("sizes"),)}, "several values"),
        ({"boost": (Boost("title"),)}, "numbers"),
        ({"boost": (Boost("stock", weight=3.0),)}, "-1 to 1"),
        ({"pin": ({"prize": 1},)}, "'prize'"),
        ({"group": True, "collapse": True}, "one of group"),
        ({"group_by": "prize"}, "'prize'"),
    ],
)
def test_what_does_not_fit_is_refused(
    stocked: Engine, options: dict[str, object], problem: str
) -> None:
    with pytest.raises(QueryError, match=problem):
        stocked.search(replace(NIKE, **options))  # type: ignore[arg-type]


def test_catalogs_keep_their_order_where_all_ties(tmp_path: Path) -> None:
    rows = [{"id": f"{n}", "title": "a shoe", "price": 1, "image": "1.png"} for n in range(9)]
    engine = build(write_catalog(tmp_path / "catalog", rows), tmp_path / "index")
    assert ids(engine, Query(k=9, sort=(SortKey("price"),))) == [f"{n}" for n in range(9)]
