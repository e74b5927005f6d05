"""Dataclasses as groups of command-line options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from search_api.cli.options import expand_arguments, shared_fields


@dataclass(frozen=True, kw_only=True)
class Inner:
    size: Annotated[int, typer.Option(min=1, help="A size.")] = 3


@dataclass(frozen=True, kw_only=True)
class Outer:
    name: Annotated[str, typer.Argument(help="A name.")]
    inner: Inner
    loud: Annotated[bool, typer.Option("--loud", help="Louder.")] = False


called: list[tuple[Outer, str]] = []


@expand_arguments
def command(*, group: Outer, own: Annotated[str, typer.Option(help="Its own.")] = "x") -> None:
    """Do something."""
    called.append((group, own))


app = typer.Typer()
app.command()(command)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["a"], (Outer(name="a", inner=Inner()), "x")),
        (
            ["a", "--size", "7", "--loud", "--own", "y"],
            (Outer(name="a", inner=Inner(size=7), loud=True), "y"),
        ),
    ],
)
def test_options_become_dataclasses(arguments: list[str], expected: tuple[Outer, str]) -> None:
    called.clear()
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert called == [expected]


def test_bounds_and_required_arguments_hold() -> None:
    called.clear()
    assert CliRunner().invoke(app, ["a", "--size", "0"]).exit_code == 2
    assert CliRunner().invoke(app, []).exit_code == 2
    assert called == []


def test_help_has_every_field_in_order() -> None:
    text = CliRunner().invoke(app, ["--help"]).stdout
    places = [text.index(words) for words in ("A name.", "A size.", "Louder.", "Its own.")]
    assert places == sorted(places)
    assert "Do something." in text


@dataclass(frozen=True)
class Target:
    name: str = "default"
    size: int = 5
    other: float = 0.5


@dataclass(frozen=True)
class Given:
    name: str | None
    size: int | None
    extra: bool = True


def test_shared_fields_are_those_of_the_same_name_that_are_given() -> None:
    assert shared_fields(Given("a", None), Target) == {"name": "a"}
    assert Target(**shared_fields(Given(None, 7), Target)) == Target(size=7)
