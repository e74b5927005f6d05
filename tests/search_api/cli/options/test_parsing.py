"""Option values as the types that they stand for."""

from __future__ import annotations

import pytest
import typer

from search_api.cli.options import name_value_pairs
from search_api.cli.options.parsing import size_in_bytes


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4GB", 4 * 2**30),
        (" 500 mb ", 500 * 2**20),
        ("1.5g", 3 * 2**29),
        ("2TiB", 2**41),
        ("10k", 10 * 2**10),
        ("123", 123),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert size_in_bytes("--memory", text) == size


@pytest.mark.parametrize("text", ["", "lots", "4 GB RAM", "-1GB", "1e9", "4PB", "GB"])
def test_what_is_not_a_size(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as end:
        size_in_bytes("--memory", text)
    assert end.value.exit_code == 2
    assert "--memory is a size such as 4GB" in capsys.readouterr().err


def test_pairs(capsys: pytest.CaptureFixture[str]) -> None:
    assert name_value_pairs("--truth", ["a=b", " c = d=e "]) == {"a": "b", "c": "d=e"}
    for wrong in ("a", "a=", "=b", ""):
        with pytest.raises(typer.Exit):
            name_value_pairs("--truth", [wrong])
        assert "--truth must be NAME=VALUE" in capsys.readouterr().err
