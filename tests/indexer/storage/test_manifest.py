"""Manifests: what is written is read again, and formats before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from indexer.errors import DamagedIndexError
from indexer.storage import (
    Effort,
    EncoderRecord,
    FileRecord,
    IndexKind,
    Layout,
    Manifest,
    NamedFile,
    NeighboursRecord,
    QueryKind,
    SegmentRecord,
    TaggingRecord,
    publish,
    read_manifest,
)

FILE = FileRecord(5, "ab" * 32)
SEGMENT = SegmentRecord(
    id="s",
    products=3,
    images=4,
    files={"vectors.npy": FILE},
    neighbours=NeighboursRecord(
        IndexKind.HNSW,
        {QueryKind.IMAGE: Effort(32, 32), QueryKind.TEXT: Effort(64, 40)},
        {QueryKind.IMAGE: 0.99, QueryKind.TEXT: 0.98},
    ),
    deleted="1",
    deleted_products=1,
    deleted_images=2,
    text_weight=0.3,
    tags=NamedFile("t.arrow", FILE),
)
MANIFEST = Manifest(
    generation=7,
    created="2026-01-02T03:04:05+00:00",
    encoder=EncoderRecord("compact", "f" * 64, 512),
    segments=(SEGMENT,),
    products=2,
    images=2,
    fields={"title": "text", "tag_hue": "text"},
    catalog="Sommer ☀.csv",
    confidence={"kinds": {}, "same": ""},
    replaces=6,
    tagging=TaggingRecord(
        "hues", 1, "d", NamedFile("l.json", FILE), NamedFile("f.safetensors", FILE),
        {"tag_tone": "labels"},
    ),
)  # fmt: skip


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    publish(Layout(tmp_path), MANIFEST)
    assert read_manifest(Layout(tmp_path), 7) == MANIFEST
    raw = json.loads(Layout(tmp_path).manifest(7).read_text("utf-8"))
    assert raw["format"] == 4
    assert list(raw)[-1] == "sha256"
    assert raw["segments"][0]["neighbours"] == {
        "kind": "hnsw",
        "efforts": {
            "image": {"breadth": 32, "candidates": 32},
            "text": {"breadth": 64, "candidates": 40},
        },
        "recall": {"image": 0.99, "text": 0.98},
    }


def test_columns_and_files_are_those_of_the_catalog_and_the_tags() -> None:
    assert MANIFEST.columns == {"title": "text", "tag_hue": "text", "tag_tone": "labels"}
    assert list(MANIFEST.tag_files) == ["t.arrow", "l.json", "f.safetensors"]
    assert MANIFEST.text_weight == 0.3


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "/etc/passwd", ".hidden"])
def test_a_tag_file_outside_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    tagging = TaggingRecord("x", 1, "d", NamedFile(name, FILE), NamedFile("f", FILE), {})
    publish(Layout(tmp_path), Manifest(**{**vars(MANIFEST), "tagging": tagging}))
    with pytest.raises(DamagedIndexError, match=r"000007\.json is missing or damaged"):
        read_manifest(Layout(tmp_path), 7)


def test_a_manifest_under_another_number_is_refused(tmp_path: Path) -> None:
    publish(Layout(tmp_path), MANIFEST)
    Layout(tmp_path).manifest(7).rename(Layout(tmp_path).manifest(8))
    with pytest.raises(DamagedIndexError, match=r"000008\.json says it is generation 7"):
        read_manifest(Layout(tmp_path), 8)
