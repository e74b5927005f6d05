"""`lookalike index quarantine`: what the last build could not use, and another try."""

from __future__ import annotations

import csv
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from search_api import console
from search_api.cli.opening import ComputeArguments, load_encoder
from search_api.cli.options import (
    CatalogArguments,
    IndexOption,
    JsonOption,
    expand_arguments,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexer.quality import RefusalKind

__all__ = ["index_quarantine"]


@expand_arguments
def index_quarantine(
    *,
    index: IndexOption,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print a CSV table of all rows.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="Rows listed of each reason.")] = 5,
    retry: Annotated[
        list[Path] | None,
        typer.Option(
            help="Build again from this catalog, and show what is left; may be repeated.",
            show_default=False,
        ),
    ] = None,
    release: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID",
            help="Let a product that --moderate hold kept back into the next build; may be "
            "repeated.",
            show_default=False,
        ),
    ] = None,
    reading: CatalogArguments,
    compute: ComputeArguments,
    as_json: JsonOption = False,
) -> None:
    """List the rows and images that could not be indexed, by reason."""
    from indexer.index import Index
    from indexer.quality import read_quarantine

    model = Index.open(index).manifest.encoder.name
    if release:
        _release(index, release)
    mended: int | None = None
    if retry:
        before = _count(read_quarantine(index))
        _build_again(retry, index, model, reading, compute)
        mended = before - _count(read_quarantine(index))
    kinds = read_quarantine(index)
    if as_json:
        console.print_json(_summary(kinds, mended))
    elif as_csv:
        _print_csv(kinds)
    else:
        console.print_quarantine(kinds, limit, mended)


def _release(index: Path, ids: Sequence[str]) -> None:
    from indexer.build import release
    from indexer.quality import read_quarantine
    from indexer.storage import Layout

    held = {
        row.id
        for kind in read_quarantine(index)
        if kind.reason == "unsafe_image"
        for row in kind.refusals
    }
    for one in ids:
        if one not in held:
            console.fail(f"No image of {one!r} is held back; see lookalike index quarantine.")
    release(Layout(index), ids)
    console.note(f"Released {len(ids)}; the next build takes them in.")


def _build_again(
    catalog: Sequence[Path],
    index: Path,
    model: str,
    reading: CatalogArguments,
    compute: ComputeArguments,
) -> None:
    from indexer.build import BuildOptions, build_index
    from indexer.catalog import open_catalog

    options = BuildOptions(catalog=reading.catalog_options())
    opened = open_catalog(catalog, options.catalog)  # fails before the model is loaded
    encoder = load_encoder(model, compute)
    with console.BuildBar(encoder.spec) as bar:
        build_index(opened, index, encoder, options, bar.update)


def _count(kinds: Sequence[RefusalKind]) -> int:
    return sum(len(kind.refusals) for kind in kinds)


def _summary(kinds: Sequence[RefusalKind], mended: int | None) -> dict[str, object]:
    """What `--json` prints."""
    rows = [{**asdict(row), "reason": kind.reason} for kind in kinds for row in kind.refusals]
    counts = {kind.reason: len(kind.refusals) for kind in kinds}
    retried = {} if mended is None else {"fewer": mended}
    return {"quarantined": len(rows), **retried, "reasons": counts, "rows": rows}


def _print_csv(kinds: Sequence[RefusalKind]) -> None:
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(("file", "line", "id", "column", "value", "reason", "message"))
    for kind in kinds:
        for row in kind.refusals:
            texts = [text or "" for text in (row.id, row.column, row.value)]
            table.writerow((row.file or "", row.line, *texts, kind.reason, row.message))
