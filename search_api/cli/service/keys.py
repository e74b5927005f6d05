"""`lookalike keys`: API keys in a file of salted hashes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from search_api import console
from search_api.cli.options import JsonOption

__all__ = ["create", "keys_app", "list_keys", "revoke"]

keys_app = typer.Typer(
    help="API keys of the service, in a file of salted hashes.", no_args_is_help=True
)

FileOption = Annotated[
    Path,
    typer.Option(
        "--file", envvar="LOOKALIKE_API_KEYS_FILE", help="The file of keys.", show_default=False
    ),
]
NameArgument = Annotated[str, typer.Argument(help="The name of the key.", show_default=False)]


@keys_app.command()
def create(
    *,
    name: NameArgument,
    file: FileOption,
    scope: Annotated[
        list[str], typer.Option(help="What it allows: read, write or admin; can be repeated.")
    ] = ["read"],  # noqa: B006 (typer copies it)
    as_json: JsonOption = False,
) -> None:
    """Make a new key and print it, once: the file holds only its hash."""
    from search_api.service.admission.keys import KeyFile, Scope

    wrong = [each for each in scope if each not in list(Scope)]
    if wrong:
        raise typer.BadParameter(f"{wrong[0]!r} is no scope; use read, write or admin.")
    scopes = [Scope(each) for each in scope]
    key = KeyFile(file).create(name, scopes)
    if as_json:
        console.print_json({"name": name, "key": key, "scopes": sorted(set(scope))})
    else:
        console.say(key)
        console.note(f"This is the key {name}. It can't be shown again; {file} has its hash.")


@keys_app.command("list")
def list_keys(*, file: FileOption, as_json: JsonOption = False) -> None:
    """List the names of all keys, what they allow, and when they were made."""
    from search_api.service.admission.keys import KeyFile

    rows = [
        {"name": key.name, "scopes": sorted(key.scopes), "created": key.created or None}
        for key in KeyFile(file).read()
    ]
    if as_json:
        console.print_json({"keys": rows})
        return
    for row in rows:
        scopes = ",".join(row["scopes"] or ())
        console.say(f"{row['name']:32}  {scopes:16}  {row['created'] or ''}".rstrip())


@keys_app.command()
def revoke(*, name: NameArgument, file: FileOption, as_json: JsonOption = False) -> None:
    """Remove a key; a running service refuses it within about a second."""
    from search_api.service.admission.keys import KeyFile

    KeyFile(file).revoke(name)
    if as_json:
        console.print_json({"revoked": name})
    else:
        console.say(f"Revoked {name}.")
