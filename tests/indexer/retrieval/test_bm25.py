"""One segment's keyword index: what is found, in which order, and what it is on disk."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from indexer.retrieval import KeywordIndex, KeywordWriter, Term, idf, words
from indexer.storage import sha256_of

VOCABULARY = ("red", "blue", "shoe", "shirt", "nike", "cotton", "summer", "wool")


def write(folder: Path, texts: list[str]) -> list[str]:
    writer = KeywordWriter(folder / "keywords")
    for number, text in enumerate(texts):
        writer.add(f"id-{number}", {"title": text, "price": 1.5})
    return writer.close()


def index_of(folder: Path, texts: list[str]) -> KeywordIndex:
    return KeywordIndex.open(folder, write(folder, texts))


def bm25(terms: list[str], texts: list[str]) -> list[float]:
    """By the book, but for lengths, which tantivy keeps exactly up to 40 words."""
    documents = [Counter(words(text)) for text in texts]
    lengths = [sum(document.values()) for document in documents]
    mean = sum(lengths) / len(lengths)
    scores = []
    for document, length in zip(documents, lengths, strict=True):
        score = 0.0
        for word in terms:
            holders = sum(word in other for other in documents)
            frequency = document[word]
            damped = frequency + 1.2 * (0.25 + 0.75 * length / mean)
            score += idf(holders, len(texts)) * frequency * 2.2 / damped
        scores.append(score)
    return scores


def random_texts(count: int, seed: int = 0) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(rng.choices(VOCABULARY, k=rng.randrange(1, 9))) for _ in range(count)]


@pytest.mark.parametrize("terms", [["nike"], ["red", "shoe"], ["wool", "summer", "blue"]])
def test_scores_and_order_are_those_of_bm25(tmp_path: Path, terms: list[str]) -> None:
    texts = random_texts(400)
    index = index_of(tmp_path, texts)
    expected = np.array(bm25(terms, texts))
    scores, rows = index.search([Term(word) for word in terms], 1000)
    assert index.products == 400
    assert set(rows.tolist()) == set(np.flatnonzero(expected).tolist())
    np.testing.assert_allclose(scores, expected[rows], atol=0.01)
    assert list(zip(-scores, rows, strict=True)) == sorted(zip(-scores, rows, strict=True))


def test_a_part_of_the_rows_is_ranked_as_all_are(tmp_path: Path) -> None:
    texts = random_texts(3000)
    index = index_of(tmp_path, texts)
    terms = [Term("red"), Term("wool", 0.5, count=3.0)]
    scores, rows = index.search(terms, 3000)
    for share in (0.001, 0.02, 0.3, 0.99):
        allowed = np.random.default_rng(1).random(3000) < share
        expected = rows[allowed[rows]]
        for k in (1, 7, 500, 3000):
            found = index.search(terms, k, allowed)
            assert found[1].tolist() == expected[:k].tolist()
    some = np.array([2999, 5, 17, 0])
    by_row = dict(zip(rows.tolist(), scores.tolist(), strict=True))
    given = index.scores(terms, some)
    assert given.tolist() == pytest.approx(
        [by_row.get(row, 0.0) for row in some.tolist()], abs=0.02
    )


def test_large_masks_are_as_right_as_small_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = index_of(tmp_path, random_texts(3000))
    allowed = np.arange(3000) % 3 == 0
    terms = [Term("red"), Term("blue")]
    small = [index.search(terms, k, allowed)[1].tolist() for k in (1, 50, 400, 3000)]
    monkeypatch.setattr("indexer.retrieval.bm25._FEW_ROWS", 0)
    assert [index.search(terms, k, allowed)[1].tolist() for k in (1, 50, 400, 3000)] == small
    assert index.search(terms, 5, np.zeros(3000, np.bool_))[1].tolist() == []


def test_typos_are_matched_up_to_their_distance(tmp_path: Path) -> None:
    index = index_of(tmp_path, ["nike", "nkie", "bike", "mika", "puma"])
    for typos, expected in ((0, [0]), (1, [0, 1, 2]), (2, [0, 1, 2, 3])):
        _, rows = index.search([Term("nike", 1.0, typos=typos)], 9)
        assert sorted(rows.tolist()) == expected
        assert index.document_frequency(Term("nike", typos=typos)) == len(expected)


def test_all_text_and_long_numbers_are_found_but_no_addresses(tmp_path: Path) -> None:
    writer = KeywordWriter(tmp_path / "keywords")
    writer.add(
        "AB-1234/X",
        {
            "title": "Model G-7710-1DR, XJ 9000",
            "colour": "Navy",
            "year": 2012,
            "size": 42,
            "ean": 4006381333931,
            "price": 1999.0,
            "new": True,
            "url": "https://example.com/cheapest",
            "none": None,
        },
    )
    index = KeywordIndex.open(tmp_path, writer.close())
    for word in ("navy", "2012", "4006381333931", "g77101dr", "xj9000", "9000", "7710"):
        assert index.document_frequency(Term(word)) == 1, word
    for word in ("42", "1999", "true", "cheapest", "ab1234x", "none"):
        assert index.document_frequency(Term(word)) == 0, word
    assert index.document_frequency(Term("ab1234x", of_id=True)) == 1


def test_the_same_products_give_the_same_files(tmp_path: Path) -> None:
    hashes = []
    for name in ("one", "two"):
        names = write(tmp_path / name, random_texts(500))
        files = {path.relative_to(tmp_path / name) for path in (tmp_path / name).rglob("*.*")}
        assert {str(path) for path in files} == set(names)
        assert not any(path.is_dir() for path in (tmp_path / name / "keywords").iterdir())
        hashes.append({name_: sha256_of(tmp_path / name / name_) for name_ in names})
    assert hashes[0] == hashes[1]


def test_more_than_fits_into_memory_is_written_in_runs_and_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The least that tantivy takes; it writes a run whenever that is full.
    monkeypatch.setattr("indexer.retrieval.bm25._MEMORY", 15_000_000)
    texts = [
        f"{word} {number:x}q{number} " + " ".join(f"{number:x}{place}" for place in "xyz")
        for number, word in zip(range(30_000), itertools.cycle(VOCABULARY))
    ]
    names = write(tmp_path, texts)
    assert sum(name.endswith(".idx") for name in names) > 1
    index = KeywordIndex.open(tmp_path, names)
    assert index.products == 30_000
    for number in (0, 17_777, 29_999):
        assert index.search([Term(f"{number:x}q{number}")], 9)[1].tolist() == [number]
    _, rows = index.search([Term("nike")], 5000)
    assert sorted(rows.tolist()) == list(range(4, 30_000, 8))


def test_a_segment_without_products_has_no_keyword_files(tmp_path: Path) -> None:
    assert write(tmp_path, []) == []
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_behind_by_opening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = write(tmp_path / "index", random_texts(10))
    links = tmp_path / "links"
    links.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(links))
    before = sorted((tmp_path / "index").rglob("*"))
    for _ in range(50):
        assert KeywordIndex.open(tmp_path / "index", names).products == 10
    assert list(links.iterdir()) == []
    assert sorted((tmp_path / "index").rglob("*")) == before


_READ = """
import sys
from pathlib import Path
from indexer.retrieval.bm25 import Term, KeywordIndex
names = sys.argv[2:]
print(KeywordIndex.open(Path(sys.argv[1]), names).search([Term("red")], 3)[1].tolist())
"""


def test_a_read_only_file_system_is_no_hindrance(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "none", str(disk)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if done.returncode != 0:
        pytest.skip(f"may not mount a file system: {done.stderr.strip()}")
    try:
        names = write(disk, ["red", "blue", "red red"])
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        root = Path(__file__).parents[3]
        read = subprocess.run(
            [sys.executable, "-c", _READ, str(disk), *names],
            capture_output=True,
            text=True,
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            check=False,
        )
        assert read.stdout == "[2, 0]\n", read.stderr
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
