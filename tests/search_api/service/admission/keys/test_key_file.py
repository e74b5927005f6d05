"""Files of keys: what is written, what is read, and what can't be found out from them."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from search_api.service.admission.keys import KeyFile, Scope
from search_api.service.admission.keys.key_file import digest_of
from search_api.service.errors import ServeError

pytestmark = pytest.mark.case(42)


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys")


def test_only_a_salted_hash_is_written(file: KeyFile) -> None:
    keys = [file.create(f"key-{number}", [Scope.READ]) for number in range(3)]
    text = file.path.read_text()
    assert len(set(keys)) == 3
    for key, known in zip(keys, file.read(), strict=True):
        assert key not in text
        assert known.digest == digest_of(key.encode(), known.salt)
    assert len({known.salt for known in file.read()}) == 3
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_scopes_and_the_day_are_kept(file: KeyFile) -> None:
    file.create("feed", [Scope.WRITE, Scope.READ])
    file.create("boss", [Scope.ADMIN])
    feed, boss = file.read()
    assert feed.scopes == {Scope.READ, Scope.WRITE}
    assert len(feed.created) == len("2026-01-01")
    assert [feed.allows(scope) for scope in Scope] == [True, True, False]
    assert [boss.allows(scope) for scope in Scope] == [True, True, True]


def test_keys_of_older_files_read_only(file: KeyFile) -> None:
    file.path.write_text("# ours\n\nshop:0123456789abcdef\n")
    file.create("new", [Scope.WRITE])
    shop, new = file.read()
    assert (shop.name, shop.scopes) == ("shop", frozenset({Scope.READ}))
    assert new.scopes == {Scope.WRITE}
    file.revoke("new")
    assert file.path.read_text() == "# ours\n\nshop:0123456789abcdef\n"


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\nb", "x" * 33, "ü", "../x"])
def test_names_that_are_refused(file: KeyFile, name: str) -> None:
    with pytest.raises(ServeError, match="no name for a key"):
        file.create(name, [Scope.READ])
    assert not file.path.exists()


def test_a_name_is_there_once(file: KeyFile) -> None:
    file.create("shop", [Scope.READ])
    before = file.path.read_text()
    with pytest.raises(ServeError, match="There is a key called shop"):
        file.create("shop", [Scope.READ])
    with pytest.raises(ServeError, match="no key called sho;"):
        file.revoke("sho")
    assert file.path.read_text() == before


@pytest.mark.parametrize(
    "line",
    [
        f"a:blake2b${'0' * 32}${'0' * 128}:root:2026-01-01",
        f"a:blake2b${'0' * 32}${'0' * 128}::2026-01-01",
        f"a:blake2b${'0' * 32}${'0' * 100}:read:2026-01-01",
        f"a:blake2b${'0' * 32}:read",
    ],
)
def test_hashed_lines_that_are_damaged(file: KeyFile, line: str) -> None:
    file.path.write_text(f"{line}\n")
    with pytest.raises(ServeError, match=r"keys, line 1: "):
        file.read()


def test_commands_at_the_same_time_lose_no_key(file: KeyFile) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: file.create(f"key-{n}", [Scope.READ]), range(24)))
    assert {key.name for key in file.read()} == {f"key-{n}" for n in range(24)}
