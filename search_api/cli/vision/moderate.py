"""`lookalike moderate`: which image files may not be fit to show."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from embeddings import ImageError
from search_api import console
from search_api.cli.options import JsonOption
from search_api.cli.vision.files import look_into

__all__ = ["moderate"]


def moderate(
    *,
    images: Annotated[list[Path], typer.Argument(help="Image files.", show_default=False)],
    skin: Annotated[
        bool,
        typer.Option("--skin", help="They show products worn on skin, such as swimwear."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Tell which images may not be fit to show: nudity and pornography, 0 to 1.

    Exits with 1 if an image is held, or can't be read.
    """
    from embeddings.vision import UNSAFE_SCORE, UNSAFE_SKIN_SCORE, check_moderation, unsafe_score

    check_moderation()
    threshold = UNSAFE_SKIN_SCORE if skin else UNSAFE_SCORE
    found = look_into(images, unsafe_score)
    scores = [(path, None if isinstance(score, ImageError) else score) for path, score in found]
    if as_json:
        rows = [
            {"image": str(path), "unsafe": None, "held": None}
            if score is None
            else {"image": str(path), "unsafe": round(score, 4), "held": score >= threshold}
            for path, score in scores
        ]
        console.print_json({"images": rows, "threshold": threshold})
    else:
        for path, score in scores:
            if score is not None:
                verdict = "held" if score >= threshold else "fit to show"
                console.say(f"{score:.2f}  {verdict:11}  {console.for_terminal(str(path))}")
    if any(score is None or score >= threshold for _, score in scores):
        raise typer.Exit(1)
