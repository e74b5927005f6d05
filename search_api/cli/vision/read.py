"""`lookalike read`: the text in image files."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from embeddings import ImageError
from search_api import console
from search_api.cli.options import JsonOption
from search_api.cli.vision.files import look_into

__all__ = ["read"]


def read(
    *,
    images: Annotated[list[Path], typer.Argument(help="Image files.", show_default=False)],
    as_json: JsonOption = False,
) -> None:
    """Read the text in images: labels, brands, what is printed on a package.

    Exits with 1 if an image can't be read.
    """
    from embeddings.vision import check_reading, read_text

    check_reading()
    found = look_into(images, read_text)
    if as_json:
        rows = [
            {"image": str(path), "lines": None}
            if isinstance(lines, ImageError)
            else {"image": str(path), "lines": [asdict(line) for line in lines]}
            for path, lines in found
        ]
        console.print_json({"images": rows})
    else:
        for path, lines in found:
            if not isinstance(lines, ImageError):
                console.say(f"{console.for_terminal(str(path))}:")
                for line in lines:
                    console.say(f"  {console.for_terminal(line.text)}")
    if any(isinstance(lines, ImageError) for _, lines in found):
        raise typer.Exit(1)
