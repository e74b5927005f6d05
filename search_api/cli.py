"""The `lookalike` command. Heavy modules are imported by the commands that need them."""

from __future__ import annotations

import json
import re
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from embeddings.errors import ImageError, LookalikeError
from embeddings.models import DEFAULT_MODEL, MODELS, parse_model_name, stronger_than
from search_api import console

if TYPE_CHECKING:
    from PIL.Image import Image

    from embeddings.clip import ClipEncoder
    from indexer.engine import Engine
    from indexer.kinds import NeighbourOptions

__all__ = [
    "app",
    "demo",
    "index_build",
    "index_info",
    "index_merge",
    "index_prune",
    "index_rollback",
    "index_verify",
    "main",
    "models",
    "search",
    "serve",
    "tag",
]

app = typer.Typer(
    name="lookalike",
    help="Visual similarity search for product catalogs: by picture, by words, with tags.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
index_app = typer.Typer(help="Build and inspect an index.", no_args_is_help=True)
app.add_typer(index_app, name="index")

# What a shell reports for a command stopped by Ctrl-C: 128 + SIGINT.
_INTERRUPTED = 130

IndexOption = Annotated[Path, typer.Option("--index", help="The index folder.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
PrecisionOption = Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16.")]
PortOption = Annotated[
    int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
]
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
ModelOption = Annotated[
    str | None,
    typer.Option("--model", help="By default the model that built the index.", show_default=False),
]


def main() -> None:
    """Run the command; errors become one line and a non-zero exit."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        app()
    except LookalikeError as error:
        console.error(error.message)
        sys.exit(_INTERRUPTED if error.code == "interrupted" else 1)
    except OSError as error:  # a full disk, a missing permission, a file where a folder should be
        console.error(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


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
    kind: KindOption = "auto",
    memory: MemoryOption = None,
    min_recall: RecallOption = 0.95,
    batch_size: Annotated[int, typer.Option(min=1, help="Pictures embedded at once.")] = 64,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Decoding processes; chosen by default.", show_default=False),
    ] = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Build an index from a catalog, or bring an existing one up to it."""
    from indexer.build import BuildOptions, build_index
    from indexer.catalog import CatalogOptions, open_catalog
    from indexer.fetching import AddressPolicy

    columns = CatalogOptions(id_column=id_column, image_column=image_column)
    open_catalog(catalog, columns)  # a mistyped path should not wait for the model to load
    options = BuildOptions(
        catalog=columns,
        neighbours=_neighbour_options(kind, memory, min_recall),
        thumbnails=thumbnails,
        keep_missing=keep_missing,
        addresses=AddressPolicy.ANY if private_urls else AddressPolicy.PUBLIC,
        batch_size=batch_size,
        workers=workers,
        max_bad=max_bad,
    )
    encoder = _load_encoder(model, device, precision)
    with console.BuildBar(encoder.spec) as bar:
        report = build_index(catalog, index, encoder, options, bar.update)
    if as_json:
        console.print_json(console.build_summary(report, index))
    else:
        console.print_build(report, index)
    if (stronger := stronger_than(model)) is not None:
        console.note(
            f"A stronger model, for a download of {stronger.download_mb} MB: "
            f"--model {stronger.name}"
        )


@index_app.command("info")
def index_info(index: IndexOption, as_json: JsonOption = False) -> None:
    """Show what an index holds."""
    from indexer.index import Index
    from indexer.info import describe

    facts = describe(Index.open(index), index)
    if as_json:
        console.print_json(facts)
    else:
        console.print_facts(facts)


@index_app.command("verify")
def index_verify(index: IndexOption, as_json: JsonOption = False) -> None:
    """Check every file of every generation; exits 1 if the live one is damaged."""
    from indexer.maintenance import verify

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
    from indexer.merge import merge

    options = _neighbour_options(kind, memory, min_recall)
    with console.waiting("Merging"):
        report = merge(index, _load_encoder, options)
    if as_json:
        console.print_json(asdict(report))
    else:
        console.print_merge(report)


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
    from indexer.maintenance import rollback

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
    from indexer.maintenance import prune

    deleted = prune(index, keep)
    if as_json:
        console.print_json({"deleted": deleted})
    else:
        console.say(f"Deleted {len(deleted)} generation(s).")


@app.command()
def search(
    index: IndexOption,
    text: Annotated[
        str | None, typer.Argument(help="Words to search for.", show_default=False)
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="How many hits.")] = 10,
    image: Annotated[
        Path | None, typer.Option(help="A picture to search with.", show_default=False)
    ] = None,
    like: Annotated[
        list[str] | None, typer.Option(help="A product's id; repeatable.", show_default=False)
    ] = None,
    filter_: Annotated[
        str | None,
        typer.Option(
            "--filter",
            help='Conditions as JSON, e.g. \'{"colour": "red", "price": {"lt": 50}}\'.',
            show_default=False,
        ),
    ] = None,
    model: ModelOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Search an index by words, by a picture, by products, or all together."""
    from indexer.query import ImagePart, LikePart, Query, QueryPart, TextPart
    from search_api.schemas import SearchResponse

    parts: list[QueryPart] = [LikePart(product) for product in like or ()]
    if text is not None and text.strip():
        parts.append(TextPart(text))
    if image is not None:
        parts.append(ImagePart(_read_image(image)))
    if not parts:
        console.fail("Give words to search for, --image FILE or --like ID.")
    conditions = None if filter_ is None else _parse_filter(filter_)
    engine = _open_engine(index, model, device)
    result = engine.search(Query(parts=tuple(parts), k=k, filter=conditions))
    if as_json:
        console.print_json(SearchResponse.of(result).model_dump())
    else:
        console.print_hits(result)


@app.command()
def tag(
    images: Annotated[list[Path], typer.Argument(help="Picture files.", show_default=False)],
    labels: Annotated[str, typer.Option(help='Labels to choose from, e.g. "dress,shirt,shoes".')],
    top: Annotated[int, typer.Option(min=1, help="Labels shown for each picture.")] = 5,
    model: Annotated[str, typer.Option(help="See `lookalike models`.")] = DEFAULT_MODEL,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Tag pictures with labels of your own, of which one is taken to be true."""
    from indexer.engine import tag_images

    wanted = [label.strip() for label in labels.split(",") if label.strip()]
    if not wanted:
        console.fail("--labels has no label; give them like this: --labels 'dress,shirt,shoes'.")
    opened = [_read_image(path) for path in images]
    tagged = tag_images(_load_encoder(model, device), opened, wanted, top)
    if as_json:
        console.print_json(console.tag_summary(images, tagged, model))
    else:
        console.print_tags(images, tagged)


@app.command()
def serve(
    index: IndexOption,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: PortOption = 8000,
    model: ModelOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
) -> None:
    """Serve an index: the HTTP API and the web page."""
    from search_api.server import run

    run(_open_engine(index, model, device, precision), host, port)


@app.command()
def demo(
    port: PortOption = 8000,
    serve_page: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Serve the page at the end.")
    ] = True,
    folder: Annotated[
        Path, typer.Option("--dir", help="Where the demo's catalog and index go.")
    ] = Path("lookalike-demo"),
) -> None:
    """Draw a small catalog, index it, search it by words and by picture, and serve the page."""
    from search_api.demo import run_demo
    from search_api.server import run

    engine = run_demo(folder, _load_encoder(DEFAULT_MODEL))
    if serve_page:
        run(engine, "127.0.0.1", port)


@app.command()
def models(as_json: JsonOption = False) -> None:
    """List the models we recommend; any open_clip model can be named too."""
    if as_json:
        console.print_json({"models": [console.model_row(spec) for spec in MODELS]})
    else:
        console.print_models(MODELS)


def _read_image(path: Path) -> Image:
    from embeddings.images import read_image

    try:
        return read_image(path)
    except ImageError as error:
        raise type(error)(f"{path}: {error.message}") from error


def _neighbour_options(kind: str, memory: str | None, min_recall: float) -> NeighbourOptions:
    from indexer.kinds import NeighbourOptions
    from indexer.neighbours import Kind

    if kind != "auto" and kind not in list(Kind):
        console.fail(f"--kind is auto, {', '.join(Kind)}, not {kind!r}.")
    return NeighbourOptions(
        kind=None if kind == "auto" else Kind(kind),
        memory=None if memory is None else _parse_bytes(memory),
        min_recall=min_recall,
    )


def _parse_bytes(text: str) -> int:
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,3})?) ?([kmgt]?)i?b?", text.strip().lower())
    if found is None:
        console.fail(f"--memory is a size such as 4GB or 500MB, not {text!r}.")
    return int(float(found[1]) * 1024 ** " kmgt".index(found[2] or " "))


def _parse_filter(text: str) -> dict[str, Any]:
    try:
        conditions = json.loads(text)
    except ValueError as error:
        console.fail(f"--filter is not JSON: {error}.")
    if not isinstance(conditions, dict):
        console.fail('--filter wants a JSON object, such as \'{"colour": "red"}\'.')
    return conditions


def _load_encoder(name: str, device: str = "auto", precision: str = "auto") -> ClipEncoder:
    parse_model_name(name)  # a mistyped name should not wait for torch to load
    with console.waiting(f"Loading {name}"):
        from embeddings.clip import load_encoder

        return load_encoder(name, device=device, precision=precision)


def _open_engine(
    index: Path, model: str | None, device: str = "auto", precision: str = "auto"
) -> Engine:
    from indexer.engine import Engine
    from indexer.index import Index

    opened = Index.open(index)
    return Engine(_load_encoder(model or opened.manifest.encoder.name, device, precision), opened)


def _interrupt(signal_number: int, frame: object) -> None:
    raise KeyboardInterrupt
