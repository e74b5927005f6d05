"""The options of looking into images, and the examination that they describe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from search_api.cli.options.parsing import choice

if TYPE_CHECKING:
    from embeddings.vision import Examination

__all__ = ["VisionArguments"]


@dataclass(frozen=True, kw_only=True)
class VisionArguments:
    """What `index build` looks for in the images."""

    faces: Annotated[
        str | None,
        typer.Option(
            help="Faces in images: keep; blur in all that is stored or shown; drop, which also "
            "hides them from the model. By default as before, or keep.",
            show_default=False,
        ),
    ] = None

    moderate: Annotated[
        str | None,
        typer.Option(
            help="Images that may not be fit to show: off; report them; hold them back, in "
            "quarantine. By default as before, or off.",
            show_default=False,
        ),
    ] = None
    ocr: Annotated[
        bool | None,
        typer.Option(
            "--ocr/--no-ocr",
            help="Read the text in images into the field text_in_image, which keyword and hybrid "
            "search use. By default as before, or not.",
            show_default=False,
        ),
    ] = None

    def examination(self) -> Examination:
        """Return what to look for.

        The command ends if an option is wrong, or something is not installed.
        """
        from embeddings.vision import Examination, FaceMode, ModerationMode

        examination = Examination(
            faces=None if self.faces is None else choice("--faces", FaceMode, self.faces),
            moderation=None
            if self.moderate is None
            else choice("--moderate", ModerationMode, self.moderate),
            text=self.ocr,
        )
        examination.check()
        return examination
