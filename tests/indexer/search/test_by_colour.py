"""Searches by colour, over pictures whose colours are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from embeddings import FakeEncoder
from indexer import QueryError
from indexer.build import BuildOptions, build_index
from indexer.colours import (
    ProductColours,
    ciede2000,
    colour_of,
    colour_table,
    lab_of,
    measure_colours,
)
from indexer.colours.names import name_colours
from indexer.colours.product_match import nearness, shares_within
from indexer.index import Index
from indexer.search import Engine, ImagePart, LikePart, Query, SearchMode, TextPart, WantedColour

RED, MAROON, BLUE, GREEN = (205, 25, 35), (120, 20, 40), (40, 60, 190), (40, 140, 60)
# Products by id: stripes of these colours, of these widths.
PRODUCTS = {
    "red": [(RED, 40)],
    "maroon": [(MAROON, 40)],
    "blue": [(BLUE, 40)],
    "red-and-blue": [(RED, 20), (BLUE, 20)],
    "blue-with-some-red": [(BLUE, 34), (RED, 6)],
    "green": [(GREEN, 40)],
}


def drawn(stripes: list[tuple[tuple[int, int, int], int]]) -> Image.Image:
    image = Image.new("RGB", (60, 60), "white")
    top = 10
    for colour, width in stripes:
        ImageDraw.Draw(image).rectangle((10, top, 49, top + width - 1), fill=colour)
        top += width
    return image


def packed(*names: str) -> np.ndarray:
    return np.stack([measure_colours(np.asarray(drawn(PRODUCTS[n]))).to_array() for n in names])


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder = tmp_path_factory.mktemp("colours")
    lines = ["id,image,title"]
    for name, stripes in PRODUCTS.items():
        drawn(stripes).save(folder / f"{name}.png")
        lines.append(f"{name},{name}.png,{name.replace('-', ' ')} thing")
    (folder / "catalog.csv").write_text("\n".join(lines) + "\n")
    options = BuildOptions(workers=0, text_weight=0.0)
    build_index(folder / "catalog.csv", folder / "index", FakeEncoder(), options)
    return Engine.open(folder / "index", FakeEncoder())


def ids(engine: Engine, query: Query) -> list[str]:
    return [hit.id for hit in engine.search(query).hits]


def asking(colour: str, text: str = "thing", **more: float) -> Query:
    return Query((TextPart(text),), colour=WantedColour(colour, **more))


@pytest.mark.parametrize("text", ["#cd1923", "cd1923", "#CD1923"])
def test_colours_are_read_from_hex(text: str) -> None:
    expected = lab_of(np.array([[[0xCD, 0x19, 0x23]]], np.uint8))[0, 0]
    np.testing.assert_array_equal(colour_of(text), expected)


def test_short_hex_doubles_its_digits() -> None:
    np.testing.assert_array_equal(colour_of("#fa0"), colour_of("#ffaa00"))


def test_names_and_synonyms_are_colours() -> None:
    np.testing.assert_array_equal(colour_of("Navy  Blue"), colour_of("navy"))
    assert ciede2000(colour_of("red"), colour_of("#c82030")) < 15
    assert ciede2000(colour_of("yellow"), colour_of("#e8cc40")) < 15


@pytest.mark.parametrize("text", ["", "#12345", "octarine", "multicoloured", "#gggggg"])
def test_what_is_no_colour_is_refused_naming_those_there_are(text: str) -> None:
    with pytest.raises(QueryError, match="navy blue"):
        colour_of(text)


def test_the_table_is_whole() -> None:
    table = colour_table()
    assert len(table.names) == len(set(table.names)) == 46
    assert table.priors.sum() == pytest.approx(1, abs=1e-3)
    assert [n for n, c in zip(table.names, table.centres, strict=True) if np.isnan(c[0])] == [
        "multicoloured"
    ]
    assert not set(table.synonyms) & set(table.names)
    assert all(name in table.near(name) for name in table.names)
    # Nearness goes both ways.
    assert all(a in table.near(b) for a in table.names for b in table.near(a))


def test_a_product_is_named_by_its_colours() -> None:
    found = name_colours(measure_colours(np.asarray(drawn(PRODUCTS["red-and-blue"]))))
    assert {share.name for share in found} == {"red", "blue"}
    assert sum(share.share for share in found) == pytest.approx(1, abs=1e-5)


def test_shares_are_those_that_were_drawn() -> None:
    colours = packed("red", "red-and-blue", "blue-with-some-red", "green")
    shares = shares_within(colours, lab_of(np.array([[RED]], np.uint8))[0, 0], 5)
    np.testing.assert_allclose(shares, [1, 0.5, 0.1, 0], atol=0.06)


def test_what_was_not_measured_has_no_colour() -> None:
    nothing = np.zeros((2, 5, 4), np.uint8)
    black = np.zeros(3, np.float32)
    assert not shares_within(nothing, black, 100).any()
    assert not nearness(nothing, black).any()


def test_comparing_bytes_first_leaves_nothing_out() -> None:
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (400, 5, 4)).astype(np.uint8)
    lab = np.float32([55, 20, -30])
    for within in (3.0, 12.0, 40.0):
        every = colours[..., :3].astype(np.float32)
        every[..., 0] /= 2.55
        every[..., 1:] -= 128
        near = ciede2000(every, lab) <= within
        weights = colours[..., 3].astype(np.float64)
        expected = (near * weights).sum(axis=1) / weights.sum(axis=1)
        np.testing.assert_allclose(shares_within(colours, lab, within), expected, atol=1e-5)


def test_products_have_the_best_of_their_pictures() -> None:
    owners = np.array([0, 0, 1, 2])
    products = ProductColours(packed("green", "red", "blue", "red-and-blue"), owners, 4)
    red = lab_of(np.array([[RED]], np.uint8))[0, 0]
    assert products.having(red, 8, 0.4).tolist() == [True, False, True, False]
    near = products.nearness(np.array([2, 0, 1]), red)
    assert near[1] == pytest.approx(1, abs=0.01)
    assert near[0] > 0.9
    assert near[2] < 0.1


def test_as_a_filter_only_products_of_the_colour_are_found(engine: Engine) -> None:
    query = asking("#cd1923", within=8, share=0.3)
    assert set(ids(engine, query)) == {"red", "red-and-blue"}
    wider = replace(query, colour=WantedColour("#cd1923", within=8, share=0.05))
    assert set(ids(engine, wider)) == {"red", "red-and-blue", "blue-with-some-red"}


def test_the_filter_joins_others_and_counts_in_facets(engine: Engine) -> None:
    query = replace(
        asking("#cd1923", within=8, share=0.05),
        filter={"title": {"prefix": "red"}},
        facets=("title",),
    )
    result = engine.search(query)
    assert {hit.id for hit in result.hits} == {"red", "red-and-blue"}
    assert dict(result.facets["title"]) == {"red thing": 1, "red and blue thing": 1}


def test_by_weight_the_nearest_colours_come_first(engine: Engine) -> None:
    """What the words say is alike for all; the shades of red come before the rest."""
    found = ids(engine, asking("#cd1923", weight=1.0))
    assert len(found) == len(PRODUCTS)
    assert set(found[:2]) == {"red", "red-and-blue"}
    assert found.index("maroon") < found.index("green")


def test_weight_goes_between_both_orders(engine: Engine) -> None:
    by_words = ids(engine, Query((TextPart("blue"),)))
    assert by_words[0] == "blue"
    assert ids(engine, asking("#cd1923", "blue", weight=0.0)) == by_words
    reddest = ids(engine, asking("#cd1923", "blue", weight=1.0))[:2]
    assert set(reddest) == {"red", "red-and-blue"}


@pytest.mark.parametrize("mode", [SearchMode.KEYWORD, SearchMode.HYBRID])
def test_other_modes_take_colours_too(engine: Engine, mode: SearchMode) -> None:
    query = replace(asking("#cd1923", "blue", within=8, share=0.05), mode=mode)
    assert set(ids(engine, query)) <= {"red", "red-and-blue", "blue-with-some-red"}
    weighed = replace(asking("#3c3cbe", "blue", weight=1.0), mode=mode)
    assert ids(engine, weighed)[0] == "blue"


def test_pages_fit_together(engine: Engine) -> None:
    query = asking("#cd1923", weight=0.6)
    pages = [ids(engine, replace(query, k=2, offset=start)) for start in (0, 2, 4)]
    assert [one for page in pages for one in page] == ids(engine, query)


@pytest.mark.parametrize("wrong", [{"within": 0.0}, {"share": 0.0}, {"weight": 1.5}])
def test_numbers_out_of_range_are_refused(engine: Engine, wrong: dict[str, float]) -> None:
    with pytest.raises(QueryError, match="colour_"):
        engine.search(asking("red", **wrong))


def test_an_index_without_colours_says_how_to_get_them() -> None:
    golden = Path(__file__).parents[2] / "data" / "indices" / "v3"
    index = Index.open(golden)
    encoder = FakeEncoder(index.manifest.encoder.name, index.manifest.encoder.fingerprint)
    if index.manifest.encoder.dim != encoder.spec.dim:
        pytest.skip("the golden index is of another encoder")
    with pytest.raises(QueryError, match="lookalike index merge"):
        Engine(encoder, index).search(asking("red"))


def test_hits_are_explained_by_shared_colours(engine: Engine) -> None:
    query = Query((TextPart("a Red thing"),), explain=True)
    result = engine.search(query)
    why = {hit.id: one for hit, one in zip(result.hits, result.explanations, strict=True)}
    assert [colour.name for colour in why["red"].colours] == ["red"]
    assert why["red"].colours[0].share == pytest.approx(1, abs=0.01)
    assert ciede2000(colour_of(why["red"].colours[0].colour), colour_of("#cd1923")) < 3
    assert [colour.name for colour in why["red-and-blue"].colours] == ["red"]
    assert why["green"].colours == ()


@pytest.mark.parametrize("by", ["picture", "product"])
def test_pictures_and_products_share_the_colours_that_they_have(engine: Engine, by: str) -> None:
    part = ImagePart(drawn(PRODUCTS["blue"])) if by == "picture" else LikePart("blue")
    result = engine.search(Query((part,), explain=True))
    why = {hit.id: one for hit, one in zip(result.hits, result.explanations, strict=True)}
    assert [colour.name for colour in why["red-and-blue"].colours] == ["blue"]
    assert not why["green"].colours
    pushed = engine.search(Query((replace(part, weight=-1.0), TextPart("thing")), explain=True))
    assert not any(one.colours for one in pushed.explanations)


def test_nothing_is_explained_unasked(engine: Engine) -> None:
    assert engine.search(Query((TextPart("red"),))).explanations == ()
