"""Files that are replaced in one step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.storage import replace_file, sha256_of


def test_a_file_is_replaced_by_bytes_or_their_parts(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace_file(path, b"old")
    assert path.read_bytes() == b"old"
    replace_file(path, (part for part in (b"ne", b"", b"w")))
    assert path.read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_failure_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    def parts() -> Iterator[bytes]:
        yield b"half"
        raise OSError("no space left")

    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="no space left"):
        replace_file(path, parts())
    assert path.read_bytes() == b"old"


def test_a_hash_is_that_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_of(tmp_path / "file") == expected
