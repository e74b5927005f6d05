"""Groups of hits: by images that are nearly the same, and by the value of a field."""

from __future__ import annotations

import pytest

from indexer import QueryError
from indexer.search import Engine, LikePart, Query, TextPart
from indexer.search.ranking.grouping import SAME_COSINE, group_places
from tests.indexer.search.ranking.conftest import SHADES


def test_images_are_the_same_from_a_cosine_on(shades: Engine) -> None:
    hits = shades.search(Query((TextPart("red"),), k=1000, group=True)).hits
    grouped = sorted(member for hit in hits for member in (hit.id, *hit.grouped))
    assert grouped == [f"{number:02}" for number in range(SHADES)]
    assert len(hits) < SHADES

    def cosine(one: str, other: str) -> float:
        return float(shades.index.vector(one) @ shades.index.vector(other))

    for place, hit in enumerate(hits):
        assert all(cosine(hit.id, member) >= SAME_COSINE - 1e-6 for member in hit.grouped)
        # The first of a group resembles no first one before it, though it may resemble a member.
        assert all(cosine(hit.id, before.id) < SAME_COSINE for before in hits[:place])


def test_a_field_groups_products_that_have_a_value(shades: Engine) -> None:
    hits = shades.search(Query((LikePart("00"),), k=1000, group="style")).hits
    groups = [{hit.id, *hit.grouped} for hit in hits]
    assert {"01"} in groups  # 00, of the same style, is the query and no hit
    assert {"02", "03"} in groups
    assert all({f"{number}"} in groups for number in range(30, 40))


def test_one_value_for_all_is_one_hit(shades: Engine) -> None:
    hits = shades.search(Query((TextPart("green"),), k=3, group="title")).hits
    assert sorted(hit.fields["title"] for hit in hits) == ["shade 0", "shade 1", "shade 2"]
    assert sum(len(hit.grouped) for hit in hits) == SHADES - 3
    assert shades.search(Query((TextPart("green"),), k=3, offset=3, group="title")).hits == ()


def test_an_unknown_field_to_group_by_is_refused(shades: Engine) -> None:
    with pytest.raises(QueryError, match=r"no field 'parent'.*style"):
        shades.search(Query((TextPart("red"),), group="parent"))


@pytest.mark.parametrize("by", [False, True, "style"])
def test_nothing_found_has_no_groups(shades: Engine, by: bool | str) -> None:
    assert group_places(shades.index, [], by) == []
