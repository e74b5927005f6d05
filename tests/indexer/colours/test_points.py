"""Colours that queries ask for: hexadecimal numbers and names as points."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import ImageColor

from indexer import QueryError
from indexer.colours import (
    MULTICOLOURED,
    ciede2000,
    colour_of,
    colour_point,
    colour_table,
    imagined_colour,
    lab_of,
    look_names,
)


@pytest.mark.parametrize("text", ["#cd1923", "cd1923", "#CD1923", " #cd1923 "])
def test_a_hexadecimal_number_is_exactly_its_colour(text: str) -> None:
    expected = lab_of(np.array([[[0xCD, 0x19, 0x23]]], np.uint8))[0, 0]
    point = colour_point(text)
    assert (point.name, point.hex) == (None, "#cd1923")
    np.testing.assert_array_equal(point.lab, expected)


def test_short_hex_doubles_its_digits() -> None:
    np.testing.assert_array_equal(colour_of("#fa0"), colour_of("#ffaa00"))


@pytest.mark.parametrize(
    "texts",
    [
        ("Navy  Blue", "navy-blue", "navyblue"),
        ("grey", "Gray", " GREY "),
        ("light grey", "lightgray", "light-gray"),
        ("sky blue", "skyblue"),
        ("off white", "off-white", "OffWhite"),
        ("multicoloured", "Multi-Colored", "multi", "multicolour"),
    ],
)
def test_names_are_one_however_they_are_written(texts: tuple[str, ...]) -> None:
    assert len({colour_point(text).name for text in texts}) == 1


def test_every_name_of_css_and_of_the_taxonomy_is_a_colour_of_its_own_kind() -> None:
    """A name's point is nearer to its own colour in the dictionary than to most others."""
    stated = {
        name: imagined_colour(name) for name in ("orange", "yellow", "navy", "purple", "teal")
    }
    stated |= {name: imagined_colour(name) for name in ("brown", "pink", "green", "black", "white")}
    for name in stated:
        away = {
            other: float(ciede2000(colour_of(name), lab))
            for other, lab in stated.items()
            if lab is not None
        }
        assert min(away, key=lambda other: away[other]) == name
    for name in (*ImageColor.colormap, *colour_table().names, *colour_table().synonyms):
        point = colour_point(name)
        assert (point.lab is None) == (point.name == MULTICOLOURED)


def test_a_name_lies_between_what_people_imagine_and_what_photos_show() -> None:
    table = colour_table()
    for name in ("yellow", "red", "green", "purple"):
        imagined, seen = imagined_colour(name), table.centres[table.names.index(name)]
        assert imagined is not None
        whole = float(np.linalg.norm(imagined - seen))
        parts = [float(np.linalg.norm(colour_of(name) - end)) for end in (imagined, seen)]
        assert sum(parts) == pytest.approx(whole, abs=0.01)
        assert min(parts) > 0.2 * whole


@pytest.mark.parametrize(
    ("text", "offered"),
    [("purpel", "purple"), ("blak", "black"), ("turqoise", "turquoise"), ("tael", "teal")],
)
def test_an_unknown_colour_is_refused_with_the_nearest_names(text: str, offered: str) -> None:
    with pytest.raises(QueryError, match=f"no colour '{text}'.*{offered}") as refused:
        colour_point(text)
    assert refused.value.message.count(".") == 1


@pytest.mark.parametrize("text", ["", "#12345", "#gggggg", "xyzzy" * 20, "☃"])
def test_what_is_like_no_name_is_refused_with_common_ones(text: str) -> None:
    with pytest.raises(QueryError, match=r"black, white.*#rrggbb") as refused:
        colour_point(text)
    assert len(refused.value.message) < 250


def test_many_colours_are_no_point() -> None:
    point = colour_point("multicoloured")
    assert (point.lab, point.hex) == (None, None)
    with pytest.raises(QueryError, match="no single colour"):
        colour_of("rainbow")


def test_a_colour_is_called_what_a_person_sees() -> None:
    """Shops sell far more white and black, which must not make an orange thing white."""
    seen = {"#f07818": "orange", "#f0d020": "yellow", "#20a040": "green", "#703090": "purple"}
    pixels = np.array([[[*bytes.fromhex(colour[1:])] for colour in seen]], np.uint8)
    assert look_names(lab_of(pixels)[0]) == [*seen.values()]
