"""`lookalike keys`: made, listed and revoked, and used by a service that runs."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.support.processes import PATIENCE, Cli, error_line, only_json, serve
from tests.support.waiting import until

pytestmark = pytest.mark.case(42)


def test_a_key_is_made_listed_and_revoked(fake_cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    done = fake_cli("keys", "create", "shop", "--file", file)
    assert done.returncode == 0
    key = done.stdout.strip()
    assert len(key) >= 40
    assert key not in done.stderr + file.read_text()
    made = only_json(
        fake_cli("keys", "create", "feed", "--scope", "write", "--scope", "read", "--file", file,
                 "--json")
    )  # fmt: skip
    assert made["scopes"] == ["read", "write"]
    listed = only_json(fake_cli("keys", "list", "--file", file, "--json"))["keys"]
    assert [(row["name"], row["scopes"]) for row in listed] == [
        ("shop", ["read"]),
        ("feed", ["read", "write"]),
    ]
    shown = fake_cli("keys", "list", "--file", file).stdout
    assert "shop" in shown
    assert "blake2b" not in shown
    assert fake_cli("keys", "revoke", "shop", "--file", file).stdout == "Revoked shop.\n"
    listed = only_json(fake_cli("keys", "list", "--file", file, "--json"))["keys"]
    assert [row["name"] for row in listed] == ["feed"]


def test_what_can_not_be_done(fake_cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    assert "can't be read" in error_line(fake_cli("keys", "list", "--file", file))
    assert "can't be read" in error_line(fake_cli("keys", "revoke", "shop", "--file", file))
    assert "no name" in error_line(fake_cli("keys", "create", "a b", "--file", file))
    wrong = fake_cli("keys", "create", "a", "--scope", "root", "--file", file)
    assert wrong.returncode == 2
    assert "no scope" in wrong.stderr
    assert not file.exists()


def test_a_running_service_takes_new_keys_and_refuses_revoked_ones(
    coloured: Path, fake_cli: Cli, tmp_path: Path
) -> None:
    file = tmp_path / "keys"
    first = fake_cli("keys", "create", "first", "--file", file).stdout.strip()
    environment = {"LOOKALIKE_API_KEYS_FILE": str(file)}
    running = serve(Cli(fake=True, environment=environment), coloured / "index", tmp_path / "log")

    def status(key: str) -> int:
        headers = {"X-API-Key": key}
        return httpx.get(f"{running.url}/v1/index", headers=headers, timeout=PATIENCE).status_code

    try:
        assert status(first) == 200
        second = fake_cli("keys", "create", "second", "--file", file).stdout.strip()
        until(lambda: status(second) == 200)
        assert status(first) == 200
        fake_cli("keys", "revoke", "first", "--file", file)
        until(lambda: status(first) == 401)
        assert status(second) == 200
        writer = fake_cli("keys", "create", "w", "--scope", "write", "--file", file).stdout.strip()
        until(lambda: status(writer) != 401)
        assert status(writer) == 403
    finally:
        running.process.terminate()
        running.process.communicate(timeout=PATIENCE)
    log = running.log.read_text()
    for key in (first, second, writer):
        assert key not in log
