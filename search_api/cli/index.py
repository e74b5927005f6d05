"""`lookalike index ...`: building, inspecting and maintaining an index."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from embeddings import DEFAULT_MODEL, stronger_than
from search_api import console
from search_api.cli.shared import (
    DeviceOption,
    IndexOption,
    JsonOption,
    PrecisionOption,
    load_encoder,
)

if TYPE_CHECKING:
    from indexer.index import TagChoice
    from indexer.retrieval import NeighbourOptions

__all__ = [
    "index_app",
    "index_build",
    "index_info",
    "index_merge",
    "index_prune",
    "index_retag",
    "index_rollback",
    "index_verify",
]

index_app = typer.Typer(help="Build and inspect an index.", no_args_is_help=True)

KindOption = Annotated[
    str, typer.Option(help="auto, flat, hnsw or ivfpq; auto goes by size and memory.")
]
MemoryOption = Annotated[
    str | None,
    typer.Option(
        help="What serving the index may take, e.g. 4GB; by default half of the machine's.",
        show_default=False,
    ),
]
RecallOption = Annotated[
    float,
    typer.Option(min=0, max=1, help="Recall@10 that an approximate index must reach, 0 to 1."),
]
TagsOption = Annotated[
    str | None,
    typer.Option(
        help="What products are tagged with: retail, or a taxonomy file; none takes tags off. "
        "By default as the index has it.",
        show_default=False,
    ),
]
FittedOption = Annotated[
    Path | None,
    typer.Option(help="What `lookalike tag fit` wrote for that taxonomy.", show_default=False),
]


@index_app.command("build")
def index_build(
    catalog: Annotated[
        Path,
        typer.Argument(
            help="A folder of pictures, or a CSV, TSV, JSONL or Parquet file.", show_default=False
        ),
    ],
    index: IndexOption,
    model: Annotated[
        str, typer.Option(help="See `lookalike models`, or local-dir:PATH.")
    ] = DEFAULT_MODEL,
    id_column: Annotated[str, typer.Option(help="Column with the products' ids.")] = "id",
    image_column: Annotated[str, typer.Option(help="Column with the pictures.")] = "image",
    thumbnails: Annotated[
        bool, typer.Option(help="Keep a small copy of every picture in the index.")
    ] = True,
    max_bad: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Share of broken rows, 0 to 1, above which nothing is published."
        ),
    ] = 0.8,
    keep_missing: Annotated[
        bool, typer.Option("--keep-missing", help="Keep products that the catalog lacks now.")
    ] = False,
    private_urls: Annotated[
        bool,
        typer.Option("--private-urls", help="Fetch pictures from inner networks too."),
    ] = False,
    text_weight: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=0.9,
            help="The titles' share in what is searched; by default as the index has it, or 0.1.",
            show_default=False,
        ),
    ] = None,
    tags: TagsOption = None,
    fitted: FittedOption = None,
    kind: KindOption = "auto",
    memory: MemoryOption = None,
    min_recall: RecallOption = 0.95,
    batch_size: Annotated[int, typer.Option(min=1, help="Pictures embedded at once.")] = 64,
    workers: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Decoding processes; chosen by default. 0 decodes in this process: only for "
            "trusted images.",
            show_default=False,
        ),
    ] = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    report_to: Annotated[
        Path | None,
        typer.Option(
            "--report", help="Write the catalog's health to FILE.html.", show_default=False
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Build an index from a catalog, or bring an existing one up to it."""
    from indexer.build import BuildOptions, build_index
    from indexer.catalog import CatalogOptions, open_catalog
    from indexer.image_loading.fetching import AddressPolicy
    from search_api.cli.report import check_output, write_report

    if report_to is not None:
        check_output(report_to)
    columns = CatalogOptions(id_column=id_column, image_column=image_column)
    open_catalog(catalog, columns)  # a mistyped path should not wait for the model to load
    options = BuildOptions(
        catalog=columns,
        neighbours=_neighbour_options(kind, memory, min_recall),
        thumbnails=thumbnails,
        keep_missing=keep_missing,
        text_weight=text_weight,
        tags=_tag_choice(tags, fitted),
        addresses=AddressPolicy.ANY if private_urls else AddressPolicy.PUBLIC,
        batch_size=batch_size,
        workers=workers,
        max_bad=max_bad,
    )
    encoder = load_encoder(model, device, precision)
    with console.BuildBar(encoder.spec) as bar:
        report = build_index(catalog, index, encoder, options, bar.update)
    if as_json:
        console.print_json(console.build_summary(report, index))
    else:
        console.print_build(report, index)
    if report_to is not None:
        write_report(index, encoder, report_to)
    if (stronger := stronger_than(model)) is not None:
        console.note(
            f"A stronger model, for a download of {stronger.download_mb} MB: "
            f"--model {stronger.name}"
        )


@index_app.command("info")
def index_info(index: IndexOption, as_json: JsonOption = False) -> None:
    """Show what an index holds."""
    from indexer.index import Index, describe

    facts = describe(Index.open(index), index)
    if as_json:
        console.print_json(facts)
    else:
        console.print_facts(facts)


@index_app.command("verify")
def index_verify(index: IndexOption, as_json: JsonOption = False) -> None:
    """Check every file of every generation; exits 1 if the live one is damaged."""
    from indexer.index import verify

    with console.waiting("Verifying"):
        reports = verify(index)
    if as_json:
        console.print_json({"generations": [asdict(report) for report in reports]})
    else:
        console.print_generations(reports)
    if not any(report.live and report.intact for report in reports):
        raise typer.Exit(1)


@index_app.command("merge")
def index_merge(
    index: IndexOption,
    kind: KindOption = "auto",
    memory: MemoryOption = None,
    min_recall: RecallOption = 0.95,
    as_json: JsonOption = False,
) -> None:
    """Write an index anew as one segment, without what was deleted; embeds nothing."""
    from indexer.build import merge

    options = _neighbour_options(kind, memory, min_recall)
    with console.waiting("Merging"):
        report = merge(index, load_encoder, options)
    if as_json:
        console.print_json(asdict(report))
    else:
        console.print_merge(report)


@index_app.command("retag")
def index_retag(
    index: IndexOption,
    tags: TagsOption = None,
    fitted: FittedOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Tag an index's products anew, from the vectors that it holds; embeds no picture."""
    from indexer.build import retag

    choice = _tag_choice(tags, fitted)
    with console.waiting("Tagging"):
        report = retag(index, lambda name: load_encoder(name, device), choice)
    if as_json:
        console.print_json(asdict(report))
    else:
        console.print_retag(report)


@index_app.command("rollback")
def index_rollback(
    index: IndexOption,
    to: Annotated[
        int | None,
        typer.Option(help="The generation; by default the one before.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make an older generation live again."""
    from indexer.index import rollback

    generation = rollback(index, to)
    if as_json:
        console.print_json({"generation": generation})
    else:
        console.say(f"Generation {generation} is live.")


@index_app.command("prune")
def index_prune(
    index: IndexOption,
    keep: Annotated[int, typer.Option(min=1, help="How many generations stay.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Delete old generations and what only they use."""
    from indexer.index import prune

    deleted = prune(index, keep)
    if as_json:
        console.print_json({"deleted": deleted})
    else:
        console.say(f"Deleted {len(deleted)} generation(s).")


def _tag_choice(tags: str | None, fit: Path | None) -> TagChoice | None:
    from indexer.index import NO_TAGS, TagChoice
    from indexer.tagging import read_fitted
    from indexer.tagging.taxonomy import read_taxonomy

    if tags is None or tags == "none":
        if fit is not None:
            console.fail("--fitted goes with --tags and the taxonomy that it was fitted to.")
        return None if tags is None else NO_TAGS
    return TagChoice(read_taxonomy(tags), None if fit is None else read_fitted(fit))


def _neighbour_options(kind: str, memory: str | None, min_recall: float) -> NeighbourOptions:
    from indexer.retrieval import NeighbourOptions
    from indexer.storage import IndexKind

    if kind != "auto" and kind not in list(IndexKind):
        console.fail(f"--kind is auto, {', '.join(IndexKind)}, not {kind!r}.")
    return NeighbourOptions(
        kind=None if kind == "auto" else IndexKind(kind),
        memory=None if memory is None else _parse_bytes(memory),
        min_recall=min_recall,
    )


def _parse_bytes(text: str) -> int:
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,3})?) ?([kmgt]?)i?b?", text.strip().lower())
    if found is None:
        console.fail(f"--memory is a size such as 4GB or 500MB, not {text!r}.")
    return int(float(found[1]) * 1024 ** " kmgt".index(found[2] or " "))
