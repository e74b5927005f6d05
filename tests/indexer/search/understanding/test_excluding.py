"""What a text excludes is not among the hits of any mode, and the result says so."""

from __future__ import annotations

import pytest

from indexer.search import Engine, Parse, Query, SearchMode, TextPart, Understood
from tests.support.search_catalogs import build, write_catalog

ROWS = [
    {"id": "striped", "title": "Striped cotton shirt", "colour": "Blue"},
    {"id": "plain", "title": "Cotton shirt", "colour": "Black"},
    {"id": "none", "title": "Cotton shirt without stripes", "colour": "White"},
    {"id": "dotted", "title": "Polka-dot shirt in cotton", "colour": "Blue"},
    {"id": "long", "title": "Cotton shirt", "colour": "Red", "about": "like striped ones " * 20},
    {"id": "easy", "title": "No iron cotton shirt", "colour": "Green"},
    {"id": "brand", "title": "Not Tonight cotton shirt", "colour": "Green"},
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder = tmp_path_factory.mktemp("excluding")
    return build(write_catalog(folder / "catalog", ROWS), folder / "index")


def found(engine: Engine, text: str, mode: SearchMode, **more: object) -> set[str]:
    query = Query(parts=(TextPart(text),), k=20, mode=mode, **more)  # type: ignore[arg-type]
    return {hit.id for hit in engine.search(query).hits}


@pytest.mark.parametrize("mode", SearchMode)
@pytest.mark.parametrize(
    ("text", "left_out"),
    [
        ("cotton shirt without stripes", {"striped"}),
        ("cotton shirt not black", {"plain"}),
        ("cotton shirt -blue", {"striped", "dotted"}),
        ("cotton shirt without polka dots", {"dotted"}),
        ("cotton shirt not blue or black", {"striped", "dotted", "plain"}),
        ("cotton shirt without stripes, not red", {"striped", "long"}),
        ('"cotton" shirt -"no iron"', {"easy"}),
        ("no iron cotton shirt", set()),
        ("not tonight cotton shirt", set()),
        ("cotton shirt not too long", set()),
        ("cotton shirt", set()),
    ],
)
def test_what_is_excluded(engine: Engine, mode: SearchMode, text: str, left_out: set[str]) -> None:
    everything = {row["id"] for row in ROWS}
    assert found(engine, text, mode) == everything - left_out


def test_a_text_that_only_excludes(engine: Engine) -> None:
    assert found(engine, "no stripes", SearchMode.VECTOR) == {row["id"] for row in ROWS} - {
        "striped"
    }


def test_filters_and_facets_count_what_is_left(engine: Engine) -> None:
    query = Query(
        parts=(TextPart("shirt -striped"),), filter={"colour": "Blue"}, facets=("colour",)
    )
    result = engine.search(query)
    assert [hit.id for hit in result.hits] == ["dotted"]
    # A field counts as if the filter had no condition on it; what is excluded does not count.
    assert dict(result.facets["colour"])["Blue"] == 1


def test_the_result_says_how_the_text_was_read(engine: Engine) -> None:
    query = Query(parts=(TextPart("shirt without stripes or dots"),))
    assert engine.search(query).understood == Understood("shirt", ("stripes", "dots"))
    read = engine.understand(query)
    assert [(part.text, part.weight) for part in read.parts if isinstance(part, TextPart)] == [
        ("shirt", 1.0),
        ("stripes", -0.25),
        ("dots", -0.25),
    ]
    assert engine.understand(read) is read
    assert engine.search(Query(parts=(TextPart("shirt"),))).understood == Understood("shirt")


def test_nothing_is_read_if_that_is_off(engine: Engine) -> None:
    query = Query(parts=(TextPart("shirt without stripes"),), parse=Parse.OFF, k=20)
    assert engine.understand(query) is query
    result = engine.search(query)
    assert result.understood is None
    assert len(result.hits) == len(ROWS)


def test_parts_that_push_away_are_not_read(engine: Engine) -> None:
    query = Query(parts=(TextPart("shirt"), TextPart("not black", -0.5)), k=20)
    assert engine.understand(query).parts == query.parts
    assert len(engine.search(query).hits) == len(ROWS)
