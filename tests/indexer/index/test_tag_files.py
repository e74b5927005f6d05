"""Labels of products on disk."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from indexer.catalog import FieldType, arrow_schema
from indexer.errors import DamagedIndexError
from indexer.index import write_tags
from indexer.index.tag_files import new_file, open_tags
from indexer.storage import Layout

SCHEMA = arrow_schema({"tag_kind": FieldType.LABELS, "tag_hue": FieldType.LABELS})
TABLE = pa.table({"tag_kind": [["boot", "shoe"], []], "tag_hue": [["red"], ["blue"]]}, SCHEMA)


def test_labels_are_read_as_they_were_written(tmp_path: Path) -> None:
    file = write_tags(Layout(tmp_path), TABLE)
    opened = open_tags(Layout(tmp_path), file, 2)
    assert opened.file == file
    assert opened.table == TABLE


def test_files_get_names_of_their_own(tmp_path: Path) -> None:
    names = {write_tags(Layout(tmp_path), TABLE).name for _ in range(20)}
    assert {path.name for path in Layout(tmp_path).tags.iterdir()} == names
    assert len(names) == 20


def test_labels_of_another_number_of_products_are_refused(tmp_path: Path) -> None:
    file = write_tags(Layout(tmp_path), TABLE)
    with pytest.raises(DamagedIndexError, match="does not hold labels of the 3 products"):
        open_tags(Layout(tmp_path), file, 3)


def test_a_table_of_other_columns_is_refused(tmp_path: Path) -> None:
    file = write_tags(Layout(tmp_path), pa.table({"tag_hue": ["red", "blue"]}))
    with pytest.raises(DamagedIndexError, match="does not hold labels"):
        open_tags(Layout(tmp_path), file, 2)


def test_a_file_that_is_no_arrow_file_can_not_be_read(tmp_path: Path) -> None:
    def write(path: Path) -> None:
        path.write_bytes(b"not Arrow")

    file = new_file(Layout(tmp_path), ".arrow", write)
    with pytest.raises(DamagedIndexError, match=rf"tags/{file.name} can't be read"):
        open_tags(Layout(tmp_path), file, 2)


def test_a_changed_or_missing_file_is_refused(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    file = write_tags(layout, TABLE)
    (layout.tags / file.name).write_bytes(b"spoilt")
    with pytest.raises(DamagedIndexError, match=rf"tags/{file.name} was changed"):
        open_tags(layout, file, 2)
    (layout.tags / file.name).unlink()
    with pytest.raises(DamagedIndexError, match=rf"tags/{file.name} is missing"):
        open_tags(layout, file, 2)
