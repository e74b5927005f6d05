from __future__ import annotations

from indexer.tagging.negatives import draw_negatives


def test_negatives_are_the_same_for_a_seed_and_all_different() -> None:
    one, two = draw_negatives(3, 24), draw_negatives(3, 24)
    assert [image.tobytes() for image in one] == [image.tobytes() for image in two]
    assert len({image.tobytes() for image in one}) == 24
    assert {(image.mode, image.size) for image in one} == {("RGB", (192, 192))}
    assert draw_negatives(4, 1)[0].tobytes() != one[0].tobytes()
