"""Two writers of one index."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from indexer.errors import IndexLockedError
from indexer.storage import Layout, hold_write_lock
from tests.support.index_writer import start_writer
from tests.support.numbered_catalogs import build


@pytest.mark.case(23)
def test_the_second_of_two_builders_is_refused_naming_the_first(
    colours: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    first = start_writer("build", colours, index, hold=True)
    assert first.stdout is not None
    assert first.stdout.readline() == "holding\n"
    for _ in range(2):  # being refused changes nothing about the holder
        with pytest.raises(
            IndexLockedError, match=f"The index is being written by process {first.pid} on "
        ):
            build(colours, index)
    _, errors = first.communicate("\n")
    assert (first.returncode, errors) == (0, "")
    assert not build(colours, index).published


def test_the_lock_is_free_once_its_holder_is_killed(colours: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    first = start_writer("build", colours, index, hold=True)
    assert first.stdout is not None
    assert first.stdout.readline() == "holding\n"
    first.kill()
    first.communicate()
    with hold_write_lock(Layout(index)):
        assert Layout(index).lock.read_text().startswith(f"process {os.getpid()} on ")
