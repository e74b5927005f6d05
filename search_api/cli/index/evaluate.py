"""`lookalike index evaluate`: search quality of an index, measured on labelled queries."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from search_api import console
from search_api.cli.opening import ComputeArguments, load_encoder, open_engine, write_page
from search_api.cli.options import (
    IndexOption,
    JsonOption,
    ModelOption,
    ModeOption,
    choice,
    expand_arguments,
)

if TYPE_CHECKING:
    from indexer.evaluation import QueryColumns
    from indexer.search import Engine, Query

__all__ = ["EvaluationArguments", "index_evaluate"]


@dataclass(frozen=True, kw_only=True)
class EvaluationArguments:
    """What is evaluated, and how its queries are run."""

    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="Number of hits to judge.")] = 10
    label: Annotated[
        list[str] | None,
        typer.Option(
            help="A field that decides what is relevant, instead of the column relevant: products "
            "whose value equals the query's column of this name. Can be repeated; then all must "
            "match.",
            show_default=False,
        ),
    ] = None
    by: Annotated[str, typer.Option(help="Column that metrics are grouped by.")] = "category"
    compare: Annotated[
        str | None,
        typer.Option(
            help="Another index folder, or another generation of this index, to compare with.",
            show_default=False,
        ),
    ] = None
    report: Annotated[
        Path | None,
        typer.Option(help="Write a page with metrics and images to this file.", show_default=False),
    ] = None
    diversity: Annotated[
        float, typer.Option(min=0, max=1, help="Diversity of the hits: 0 off, 1 strongest.")
    ] = 0.0
    mode: ModeOption = None

    def columns(self) -> QueryColumns:
        """Name the columns of the query file."""
        from indexer.evaluation import QueryColumns

        return QueryColumns(labels=tuple(self.label or ()), category=self.by)

    def query(self) -> Query:
        """Build the query that every labelled query is run as."""
        from indexer.search import Query, SearchMode

        mode = None if self.mode is None else choice("--mode", SearchMode, self.mode)
        return Query(parts=(), k=self.k, diversity=self.diversity, mode=mode)


@expand_arguments
def index_evaluate(
    *,
    queries: Annotated[
        Path,
        typer.Argument(
            help="A CSV, TSV, JSONL or Parquet file with a column text, image or both, and a "
            "column relevant with the ids of the relevant products.",
            show_default=False,
        ),
    ],
    index: IndexOption,
    arguments: EvaluationArguments,
    model: ModelOption = None,
    compute: ComputeArguments,
    as_json: JsonOption = False,
) -> None:
    """Measure recall, precision, MRR and nDCG on labelled queries, with 95% intervals."""
    from indexer.evaluation import evaluate, evaluation_json

    if not queries.is_file():
        console.fail(f"There is no file {queries}.")
    template = arguments.query()
    engines = [(str(index), open_engine(index, model, compute))]
    if arguments.compare is not None:
        engines.append(_other(arguments.compare, index, engines[0][1], compute))
    with console.QueryBar() as bar:
        evaluation = evaluate(queries, arguments.columns(), engines, template, bar.update)
    if arguments.report is not None:
        from search_api.reports import evaluation_page

        write_page(arguments.report, evaluation_page(evaluation))
    if as_json:
        console.print_json(evaluation_json(evaluation))
    else:
        console.print_evaluation(evaluation)


def _other(text: str, index: Path, engine: Engine, compute: ComputeArguments) -> tuple[str, Engine]:
    """Open what to compare with: an index folder, or a generation of the same index."""
    from indexer.index import Index
    from indexer.search import Engine
    from indexer.storage import Layout, generations

    if text.isdecimal() and not Path(text).exists():
        existing = sorted(generations(Layout(index)))
        if int(text) not in existing:
            console.fail(
                f"--compare: there is no folder {text!r} and no generation {text}; the index has "
                f"{', '.join(map(str, existing))}."
            )
        place, opened = str(index), Index.open(index, int(text), previous=engine.index)
    else:
        place, opened = text, Index.open(Path(text))
    built = opened.manifest.encoder
    same = built.fingerprint == engine.encoder.spec.fingerprint
    encoder = engine.encoder if same else load_encoder(built.name, compute)
    return place, Engine(encoder, opened)
