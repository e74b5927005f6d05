"""Messages of the command: where they go, and what they never contain."""

from __future__ import annotations

import pytest
import typer

from search_api import console
from search_api.console.console import for_terminal


def test_results_go_to_stdout_and_messages_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    console.say("a [red]result[/red]")
    console.print_json({"größe": 42, "path": "[x]"})
    console.note("a [dim]note[/dim]")
    console.error("a problem\n  on two lines")
    out, err = capsys.readouterr()
    assert out == 'a [red]result[/red]\n{"größe": 42, "path": "[x]"}\n'
    assert err == "a [dim]note[/dim]\nerror: a problem on two lines\n"


def test_a_usage_error_ends_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as end:
        console.fail("--k is wrong")
    assert end.value.exit_code == 2
    assert capsys.readouterr().err == "error: --k is wrong\n"


def test_catalog_text_is_safe_to_print() -> None:
    assert for_terminal("\x1b]0;owned\x07\n[red]d[/red]") == "�]0;owned��\\[red]d\\[/red]"
    assert for_terminal("abcdef", 3) == "abc"
