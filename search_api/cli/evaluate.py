"""`lookalike index evaluate`: how good an index's answers to labelled queries are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from search_api import console
from search_api.cli.index import index_app
from search_api.cli.shared import (
    DeviceOption,
    IndexOption,
    JsonOption,
    ModelOption,
    ModeOption,
    PrecisionOption,
    choice,
    load_encoder,
    open_engine,
)

if TYPE_CHECKING:
    from indexer.search import Engine

__all__ = ["index_evaluate"]


@index_app.command("evaluate")
def index_evaluate(
    queries: Annotated[
        Path,
        typer.Argument(
            help="A CSV, TSV, JSONL or Parquet file with a column text or image (or both), and a "
            "column relevant with the ids that answer.",
            show_default=False,
        ),
    ],
    index: IndexOption,
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="Hits that are judged.")] = 10,
    label: Annotated[
        list[str] | None,
        typer.Option(
            help="Instead of relevant: products are relevant whose field of this name equals the "
            "query's column of this name; repeatable, then all must.",
            show_default=False,
        ),
    ] = None,
    by: Annotated[str, typer.Option(help="Column by which figures are given.")] = "category",
    compare: Annotated[
        str | None,
        typer.Option(
            help="Another index folder, or another generation of this one, to compare with.",
            show_default=False,
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="Write a page with figures and pictures here.", show_default=False),
    ] = None,
    diversity: Annotated[
        float, typer.Option(min=0, max=1, help="Search with this diversity.")
    ] = 0.0,
    mode: ModeOption = "vector",
    model: ModelOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Measure recall, precision, MRR and nDCG on labelled queries, with 95% intervals."""
    from indexer.evaluation import QueryColumns, evaluate, summary
    from indexer.search import Query, SearchMode
    from search_api.console import QueryBar, print_evaluation

    if not queries.is_file():
        console.fail(f"There is no file {queries}.")
    engines = [(str(index), open_engine(index, model, device, precision))]
    if compare is not None:
        engines.append(_other(compare, index, engines[0][1], device, precision))
    columns = QueryColumns(labels=tuple(label or ()), category=by)
    with QueryBar() as bar:
        asked = Query(parts=(), k=k, diversity=diversity, mode=choice("--mode", SearchMode, mode))
        found = evaluate(queries, columns, engines, asked, bar.update)
    if report is not None:
        from search_api.reports import evaluation_page

        report.write_text(evaluation_page(found), encoding="utf-8")
    if as_json:
        console.print_json(summary(found))
        return
    print_evaluation(found)
    if report is not None:
        console.note(f"Wrote {report}")


def _other(
    text: str, index: Path, engine: Engine, device: str, precision: str
) -> tuple[str, Engine]:
    """The engine to compare with: of a folder, or of a generation of the same index."""
    from indexer.index import Index
    from indexer.search import Engine
    from indexer.storage import Layout, generations

    if text.isdecimal() and not Path(text).exists():
        there = sorted(generations(Layout(index)))
        if int(text) not in there:
            console.fail(
                f"--compare: there is no folder {text!r} and no generation {text}; the index has "
                f"{', '.join(map(str, there))}."
            )
        place, opened = str(index), Index.open(index, int(text), previous=engine.index)
    else:
        place, opened = text, Index.open(Path(text))
    built = opened.manifest.encoder
    same = built.fingerprint == engine.encoder.spec.fingerprint
    encoder = engine.encoder if same else load_encoder(built.name, device, precision)
    return place, Engine(encoder, opened)
