"""`lookalike tag audit`: the tags of an index compared with its fields."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from search_api import console
from search_api.cli.opening import ComputeArguments, check_output, load_encoder, write_page
from search_api.cli.options import (
    IndexOption,
    JsonOption,
    ModelOption,
    expand_arguments,
    name_value_pairs,
)
from search_api.cli.tag.taggers import FittedOption, TaxonomyOption, make_tagger, read_fit

if TYPE_CHECKING:
    from embeddings import FloatArray
    from indexer.index import Index

__all__ = ["tag_audit"]

# Images of the index that independent labels without a fit are compared with.
_BACKGROUND = 2000


@expand_arguments
def tag_audit(
    *,
    index: IndexOption,
    out: Annotated[
        Path | None, typer.Option(help="The HTML file to write.", show_default=False)
    ] = None,
    taxonomy: TaxonomyOption = "retail",
    fitted: FittedOption = None,
    truth: Annotated[
        list[str] | None,
        typer.Option(
            help="GROUP=FIELD, a field with the true labels, e.g. type=article_type; can be "
            "repeated.",
            show_default=False,
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(help="A field; coverage is reported for each value.", show_default=False),
    ] = None,
    model: ModelOption = None,
    compute: ComputeArguments,
    as_json: JsonOption = False,
) -> None:
    """Evaluate the tags of an index's images, as a page: right, wrong and missing labels."""
    from indexer.index import Index
    from indexer.quality import AuditOptions, audit_tags
    from indexer.tagging.taxonomy import read_taxonomy
    from search_api.reports import render_audit

    if out is None and not as_json:
        console.fail("Name the page to write with --out tags.html, or use --json.")
    if out is not None:
        check_output(out)
    groups, fit = read_taxonomy(taxonomy), read_fit(fitted)
    options = AuditOptions(name_value_pairs("--truth", truth or ()), by)
    opened = Index.open(index)
    encoder = load_encoder(model or opened.manifest.encoder.name, compute)
    opened.check_encoder(encoder.spec)
    tagger = make_tagger(encoder, groups, fit, background=_sample_vectors(opened))
    with console.waiting("Tagging and comparing"):
        audit = audit_tags(opened, tagger, options)
    if out is not None:
        write_page(out, render_audit(audit, opened, datetime.now(UTC).astimezone().date()))
    if as_json:
        console.print_json(asdict(audit))


def _sample_vectors(index: Index) -> FloatArray:
    """Vectors of some images, evenly spaced over the index."""
    import numpy as np

    from indexer.index import ImageTable

    table = ImageTable(index)
    return table.vectors(np.arange(0, len(table), max(1, len(table) // _BACKGROUND)))
