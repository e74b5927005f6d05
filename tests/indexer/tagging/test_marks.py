from __future__ import annotations

from indexer.tagging import marks_of_values, right_labels
from indexer.tagging.taxonomy import Group, Label

GROUP = Group(
    "type", True,
    (Label("footwear"), Label("trainers", ("sneakers",), parent="footwear"), Label("hats")),
)  # fmt: skip


def test_values_are_labels_synonyms_none_or_unknown() -> None:
    values = ["Trainers", "sneakers | HATS", "none", "-", "", None, "boots", "boots|hats", 7]
    marks, unknown = marks_of_values(GROUP, values)
    assert [row.nonzero()[0].tolist() for row in marks] == [
        [1], [1, 2], [3], [3], [], [], [], [2], []
    ]  # fmt: skip
    assert unknown == {"boots": 2, "7": 1}


def test_parents_and_children_of_what_is_marked_are_right() -> None:
    marks, _ = marks_of_values(GROUP, ["footwear", "trainers", "hats", "none"])
    assert right_labels(GROUP, marks).tolist() == [
        [True, True, False],
        [True, True, False],
        [False, False, True],
        [False, False, False],
    ]
