"""Texts with HTML in them: their words."""

from __future__ import annotations

import pytest

from indexer.catalog import title_of, without_markup


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Mug &amp; spoon", "Mug & spoon"),
        ("<p>Cool, <b>light</b></p>", "Cool, light"),
        ("caf&eacute; 3&nbsp;l", "café 3 l"),
        ("size < 3 and > 2", "size < 3 and > 2"),
        ("a<br/>b<!-- <i> -->c", "a b c"),
        ("<style>p {color: red}</style>x", "x"),
        ("Mug<!-- cut", "Mug"),
        ("Mug<script>cut", "Mug"),
        # Quadratic time would be hours.
        ("Mug" + "<script>" * 500_000, "Mug"),
        ("Mug" + "<!--" * 500_000, "Mug"),
        ("AT&T", "AT&T"),
    ],
)
def test_words_without_markup(text: str, plain: str) -> None:
    assert without_markup(text).split() == plain.split()


def test_a_title_has_no_markup() -> None:
    assert title_of({"title": "<b>Mug</b> &amp; spoon"}) == "Mug  & spoon"
    assert title_of({"name": "<br>"}) is None
