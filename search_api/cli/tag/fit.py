"""`lookalike tag fit`: a taxonomy fitted to labelled images."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from embeddings import DEFAULT_MODEL
from search_api import console
from search_api.cli.opening import ComputeArguments, check_output, load_encoder
from search_api.cli.options import (
    JsonOption,
    NewModelOption,
    expand_arguments,
    name_value_pairs,
)
from search_api.cli.tag.taggers import TaxonomyOption

__all__ = ["tag_fit"]


@expand_arguments
def tag_fit(
    *,
    examples: Annotated[
        Path,
        typer.Argument(
            help="A catalog file with one column of labels for each group, named as the group.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="The file to write, for --fitted.", show_default=False)],
    taxonomy: TaxonomyOption = "retail",
    column: Annotated[
        list[str] | None,
        typer.Option(
            help="GROUP=COLUMN for a column with another name; can be repeated.", show_default=False
        ),
    ] = None,
    model: NewModelOption = DEFAULT_MODEL,
    compute: ComputeArguments,
    as_json: JsonOption = False,
) -> None:
    """Fit a taxonomy to labelled images: better labels, calibrated confidence, thresholds."""
    from indexer.tagging import read_examples, shipped_fit, write_fitted
    from indexer.tagging.fitting import fit_taxonomy
    from indexer.tagging.taxonomy import read_taxonomy

    check_output(out)
    groups = read_taxonomy(taxonomy)
    columns = name_value_pairs("--column", column or ())
    encoder = load_encoder(model, compute)
    with console.waiting(f"Embedding the images of {examples.name}"):
        found, report = read_examples(examples, encoder, groups, columns)
    with console.waiting("Fitting"):
        fitted = fit_taxonomy(encoder, groups, found, start=shipped_fit(groups, encoder.spec))
    about = {"model": model, "taxonomy": f"{groups.name} {groups.version}"}
    write_fitted(out, replace(fitted, about=about))
    if as_json:
        console.print_json(asdict(report))
    else:
        console.print_examples(report)
        console.note(f"Wrote {out}; use it as `lookalike tag --fitted {out}`.")
