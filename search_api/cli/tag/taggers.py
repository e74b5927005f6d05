"""Taxonomies, fits and taggers that the tag commands open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from search_api import console

if TYPE_CHECKING:
    from embeddings import Encoder, FloatArray
    from indexer.tagging import Fitted, Tagger
    from indexer.tagging.taxonomy import Taxonomy

__all__ = ["FittedOption", "TaxonomyOption", "make_tagger", "read_fit"]

TaxonomyOption = Annotated[
    str, typer.Option(help="A built-in taxonomy, or a YAML file of your own.")
]
FittedOption = Annotated[
    Path | None,
    typer.Option(
        help="The file that `lookalike tag fit` wrote for the taxonomy.", show_default=False
    ),
]


def read_fit(path: Path | None) -> Fitted | None:
    """Read the file of a fit, if one is given."""
    from indexer.tagging import read_fitted

    return None if path is None else read_fitted(path)


def make_tagger(
    encoder: Encoder,
    taxonomy: Taxonomy,
    fitted: Fitted | None,
    background: FloatArray | None = None,
) -> Tagger:
    """Make a tagger, with a spinner while its labels are embedded.

    Args:
        encoder: Embeds the labels.
        taxonomy: Groups of labels.
        fitted: A fit; a note is printed if it fits no group of the taxonomy.
        background: `[n, dim]` vectors of other images, that independent labels are compared with.
    """
    from indexer.tagging import Tagger

    if fitted is not None and not any(map(fitted.of, taxonomy.groups)):
        console.note(
            f"The fit matches no group of {taxonomy.name} as it is now; labels are scored by their "
            "words alone."
        )
    with console.waiting(f"Embedding the labels of {taxonomy.name}"):
        return Tagger(encoder, taxonomy, background, fitted)
