from __future__ import annotations

import pytest

from indexer.catalog import title_field, title_of


def test_the_best_of_several_title_fields() -> None:
    assert title_field({"name": "text", "Title": "text", "price": "float"}) == "Title"
    assert title_field({"title": "integer", "name": "text"}) == "name"
    assert title_field({"colour": "text"}) is None


@pytest.mark.parametrize(
    "name",
    ["Title", "Product Name", "productName", "Titel", "Bezeichnung", "Título", "Nom du produit",
     "Nombre", "Désignation"],
)  # fmt: skip
def test_titles_in_the_spellings_and_languages_of_shops(name: str) -> None:
    assert title_field({"colour": "text", name: "text", "description": "text"}) == name
    assert title_of({"colour": "red", name: "Mug", "description": "A mug."}) == "Mug"


def test_the_title_of_a_product_that_lacks_some() -> None:
    assert title_of({"Name": "Mug", "description": "A mug."}) == "Mug"
    assert title_of({"title": "", "description": "A mug."}) == "A mug."
    assert title_of({"colour": "red"}) is None
