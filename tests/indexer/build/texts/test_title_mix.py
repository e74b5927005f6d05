"""Title mixing: titles in the searched vectors, embedded once and only where needed."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from embeddings import FakeEncoder, FloatArray
from indexer.build import BuildOptions, BuildReport, build_index, merge, mix_vectors
from indexer.errors import BuildInterruptedError, DamagedIndexError
from indexer.index import Index, rollback, verify
from indexer.storage import Layout


class CountingEncoder(FakeEncoder):
    """Records every text, and interrupts the build after some calls."""

    def __init__(self, calls: int = 10**6) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._calls = calls

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        self._calls -= 1
        if self._calls < 0:
            raise KeyboardInterrupt
        self.texts += texts
        return super().encode_texts(texts)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "index"


def build(catalog: Path, index: Path, weight: float | None = None, **more: bool) -> BuildReport:
    return build_index(
        catalog, index, FakeEncoder(), BuildOptions(workers=0, text_weight=weight, **more)
    )


def expected(index: Index, weight: float) -> np.ndarray:
    (segment,) = index.segments
    rows = []
    for image, product in enumerate(segment.image_product):
        title = segment.fields(int(product)).get("title")
        text = None if title is None else FakeEncoder().encode_texts([str(title)])[0]
        rows.append(mix_vectors(segment.vectors[image], text, weight))
    return np.array(rows)


def test_a_mix_lies_between_image_and_title() -> None:
    image, title = np.array([1, 0], np.float16), np.array([0, 1], np.float32)
    np.testing.assert_allclose(mix_vectors(image, title, 0.5), [0.7071, 0.7071], atol=1e-3)
    np.testing.assert_allclose(
        mix_vectors(image, title, 0.2), np.array([0.8, 0.2]) / 0.68**0.5, 1e-3
    )
    np.testing.assert_array_equal(mix_vectors(image, None, 0.5), image)
    np.testing.assert_array_equal(mix_vectors(image, -np.array([1, 0], np.float32), 0.5), image)


def test_a_build_mixes_titles_into_what_is_searched_alone(colours: Path, index: Path) -> None:
    report = build(colours, index, 0.3)
    opened = Index.open(index)
    (segment,) = opened.segments
    titles = {str(segment.fields(row).get("title")) for row in range(segment.record.products)}
    assert report.titles == len(titles - {"None"}) > 0
    np.testing.assert_allclose(
        segment.searched.astype(np.float32), expected(opened, 0.3).astype(np.float32), atol=2e-3
    )
    assert not np.allclose(segment.vectors, segment.searched)
    assert opened.manifest.text_weight == 0.3
    for row, vector in enumerate(segment.searched.astype(np.float32)):
        scores, rows = segment.neighbours.search(vector, 1)
        assert scores[0] == pytest.approx(1, abs=2e-3)
        np.testing.assert_array_equal(segment.searched[rows[0]], segment.searched[row])
    assert all(found.intact for found in verify(index))


def test_without_a_weight_nothing_is_added(colours: Path, index: Path) -> None:
    report = build(colours, index, 0.0)
    (segment,) = Index.open(index).segments
    assert report.titles == 0
    assert "searched.npy" not in segment.record.files
    assert segment.searched is segment.vectors


def test_a_changed_weight_embeds_no_image_and_is_kept(colours: Path, index: Path) -> None:
    build(colours, index)
    pure = Index.open(index).segments[0].vectors.copy()
    changed = build(colours, index, 0.4)
    assert (changed.embedded, changed.published) == (0, True)
    again = build(colours, index)
    assert (again.published, again.titles, again.embedded) == (False, 0, 0)
    opened = Index.open(index)
    assert opened.manifest.text_weight == 0.4
    np.testing.assert_array_equal(opened.segments[0].vectors, pure)
    back = build(colours, index, 0.0)
    assert (back.embedded, back.titles, back.published) == (0, 0, True)
    assert Index.open(index).manifest.text_weight == 0.0
    rollback(index)
    assert Index.open(index).manifest.text_weight == 0.4


def test_one_changed_title_is_the_only_one_embedded(colours: Path, index: Path) -> None:
    build(colours, index, 0.3)
    colours.write_text(colours.read_text().replace("A red thing", "A blue thing"))
    report = build(colours, index)
    assert (report.titles, report.embedded, report.changed) == (1, 0, 1)
    merge(index, lambda _: FakeEncoder())
    opened = Index.open(index)
    assert len(opened.segments) == 1
    assert opened.manifest.text_weight == 0.3
    np.testing.assert_allclose(
        opened.segments[0].searched.astype(np.float32),
        expected(opened, 0.3).astype(np.float32),
        atol=2e-3,
    )


def test_products_kept_though_missing_get_the_new_weight(colours: Path, index: Path) -> None:
    build(colours, index, 0.1)
    lines = colours.read_text().splitlines()
    colours.write_text("\n".join(lines[:2]) + "\n")
    build(colours, index, 0.6, keep_missing=True)
    opened = Index.open(index)
    assert opened.manifest.products == len(lines) - 1
    assert {segment.record.text_weight for segment in opened.segments} == {0.6}
    np.testing.assert_allclose(
        opened.segments[0].searched.astype(np.float32),
        expected(opened, 0.6).astype(np.float32),
        atol=2e-3,
    )


def test_titles_embedded_before_an_interruption_are_not_embedded_again(
    colours: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.build.texts.title_mix._BATCH", 1)
    options = BuildOptions(workers=0, text_weight=0.3)
    stopped = CountingEncoder(calls=2)
    with pytest.raises(BuildInterruptedError, match="Stopped"):
        build_index(colours, index, stopped, options)
    assert len(stopped.texts) == 2
    resumed = CountingEncoder()
    report = build_index(colours, index, resumed, options)
    (segment,) = Index.open(index).segments
    titles = {segment.fields(row).get("title") for row in range(segment.record.products)} - {None}
    assert report.titles == len(titles) - 2
    assert not set(stopped.texts) & set(resumed.texts[: report.titles])


def test_a_damaged_mix_is_refused(colours: Path, index: Path, tmp_path: Path) -> None:
    build(colours, index, 0.3)
    (record,) = Index.open(index).manifest.segments
    copy = shutil.copytree(index, tmp_path / "copy")
    path = Layout(copy).segment(record.id).searched
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedIndexError):
        Index.open(copy)
    path.unlink()
    with pytest.raises(DamagedIndexError):
        Index.open(copy)
