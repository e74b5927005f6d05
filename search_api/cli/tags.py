"""`lookalike tag`: tags of pictures, fitting them to examples, and auditing them on an index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from embeddings import DEFAULT_MODEL
from search_api import console
from search_api.cli.default_command import DEFAULT_NAME, DefaultCommandGroup
from search_api.cli.report import check_output
from search_api.cli.shared import (
    DeviceOption,
    IndexOption,
    JsonOption,
    ModelOption,
    load_encoder,
    read_image,
)

if TYPE_CHECKING:
    from embeddings import Encoder, FloatArray
    from indexer.index import Index
    from indexer.tagging import Fitted, Tagger
    from indexer.tagging.taxonomy import Taxonomy

__all__ = ["tag", "tag_app", "tag_audit", "tag_fit"]

tag_app = typer.Typer(
    cls=DefaultCommandGroup, help="Tag pictures by a taxonomy, or with labels of your own."
)

TaxonomyOption = Annotated[
    str, typer.Option(help="A built-in taxonomy, or a YAML file of your own.")
]
FittedOption = Annotated[
    Path | None,
    typer.Option(help="What `lookalike tag fit` wrote for it.", show_default=False),
]

# Labels of the caller's own are all listed, up to here; of a taxonomy, those that are true.
_TOP_LABELS = 5
# Pictures of an index that independent labels without a fit are held against.
_BACKGROUND = 2000


@tag_app.command(DEFAULT_NAME)
def tag(
    images: Annotated[list[Path], typer.Argument(help="Picture files.", show_default=False)],
    labels: Annotated[
        str | None,
        typer.Option(
            help='Labels of your own instead, of which one is true, e.g. "dress,shirt,shoes".',
            show_default=False,
        ),
    ] = None,
    taxonomy: Annotated[
        str | None,
        typer.Option(
            help="A YAML file of groups of labels, or a built-in taxonomy; retail by default.",
            show_default=False,
        ),
    ] = None,
    fitted: FittedOption = None,
    top: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Labels shown of each group at most; by default 5 of your own labels, and of a "
            "taxonomy all that are sure enough.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[str, typer.Option(help="See `lookalike models`.")] = DEFAULT_MODEL,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Tag pictures: by a taxonomy, saying nothing where the model does not know, or with --labels.

    Also: lookalike tag fit, which fits a taxonomy to examples, and lookalike tag audit, which
    judges the tags of an index; each has a --help of its own.
    """
    if labels is not None and (taxonomy is not None or fitted is not None):
        console.fail("Give --labels, or --taxonomy and --fitted, but not both.")
    if labels is not None:
        _tag_with_labels(images, labels, top or _TOP_LABELS, model, device, as_json)
        return
    from indexer.search import encode_images
    from indexer.tagging.taxonomy import read_taxonomy

    wanted = read_taxonomy(taxonomy or "retail")
    fit = _read_fit(fitted)
    opened = [read_image(path) for path in images]
    encoder = load_encoder(model, device)
    tagger = _tagger_of(encoder, wanted, fit)
    tagged = tagger.tag(encode_images(encoder, opened), top)
    if as_json:
        console.print_json(console.tag_summary(images, tagged, model))
    else:
        console.print_grouped_tags(images, tagged, [group.name for group in wanted.groups])


@tag_app.command("fit")
def tag_fit(
    examples: Annotated[
        Path,
        typer.Argument(
            help="A catalog file with a column of labels for each group, named as the group is.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="The file to write, for --fitted.", show_default=False)],
    taxonomy: TaxonomyOption = "retail",
    column: Annotated[
        list[str] | None,
        typer.Option(
            help="GROUP=COLUMN where a column has another name; repeatable.", show_default=False
        ),
    ] = None,
    model: Annotated[str, typer.Option(help="See `lookalike models`.")] = DEFAULT_MODEL,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Fit a taxonomy to labelled pictures: sharper labels, calibrated confidence, thresholds."""
    from indexer.tagging import read_examples, shipped_fit, write_fitted
    from indexer.tagging.fitting import fit_taxonomy
    from indexer.tagging.taxonomy import read_taxonomy

    check_output(out)
    wanted = read_taxonomy(taxonomy)
    columns = _pairs("--column", column or ())
    encoder = load_encoder(model, device)
    with console.waiting(f"Embedding the pictures of {examples.name}"):
        found, report = read_examples(examples, encoder, wanted, columns)
    with console.waiting("Fitting"):
        fitted = fit_taxonomy(encoder, wanted, found, start=shipped_fit(wanted, encoder.spec))
    about = {"model": model, "taxonomy": f"{wanted.name} {wanted.version}"}
    write_fitted(out, replace(fitted, about=about))
    if as_json:
        console.print_json(asdict(report))
    else:
        console.print_examples(report)
        console.note(f"Wrote {out}; use it as `lookalike tag --fitted {out}`.")


@tag_app.command("audit")
def tag_audit(
    index: IndexOption,
    out: Annotated[
        Path | None, typer.Option(help="The HTML file to write.", show_default=False)
    ] = None,
    taxonomy: TaxonomyOption = "retail",
    fitted: FittedOption = None,
    truth: Annotated[
        list[str] | None,
        typer.Option(
            help="GROUP=FIELD, a field that tells what is true, e.g. type=article_type; "
            "repeatable.",
            show_default=False,
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(help="A field whose values' coverage is told apart.", show_default=False),
    ] = None,
    model: ModelOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Judge the tags of an index's pictures, as a page with pictures: right, wrong, silent."""
    from indexer.index import Index
    from indexer.quality import AuditOptions, audit_tags
    from indexer.tagging.taxonomy import read_taxonomy
    from search_api.reports import render_audit

    if out is None and not as_json:
        console.fail("Say where to write the page, --out tags.html, or ask for --json.")
    if out is not None:
        check_output(out)
    wanted, fit = read_taxonomy(taxonomy), _read_fit(fitted)
    options = AuditOptions(_pairs("--truth", truth or ()), by)
    opened = Index.open(index)
    encoder = load_encoder(model or opened.manifest.encoder.name, device)
    opened.check_encoder(encoder.spec)
    tagger = _tagger_of(encoder, wanted, fit, background=_some_vectors(opened))
    with console.waiting("Tagging and judging"):
        audit = audit_tags(opened, tagger, options)
    if out is not None:
        page = render_audit(audit, opened, datetime.now(UTC).astimezone().date())
        out.write_text(page, "utf-8", errors="replace")
        console.note(f"Wrote {out} ({len(page) / 1e6:.1f} MB); open it in a browser.")
    if as_json:
        console.print_json(asdict(audit))


def _some_vectors(index: Index) -> FloatArray:
    """Vectors of some pictures of an index, evenly taken."""
    import numpy as np

    from indexer.index import ImageTable

    table = ImageTable(index)
    return table.vectors(np.arange(0, len(table), max(1, len(table) // _BACKGROUND)))


def _pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    """The values of an option that takes NAME=VALUE; the command ends if one is none."""
    split = [
        (name.strip(), value.strip()) for name, _, value in (one.partition("=") for one in given)
    ]
    if not all(name and value for name, value in split):
        console.fail(f"{option} wants NAME=VALUE, such as type=article_type.")
    return dict(split)


def _tagger_of(
    encoder: Encoder,
    taxonomy: Taxonomy,
    fitted: Fitted | None,
    background: FloatArray | None = None,
) -> Tagger:
    """A tagger, with a spinner while labels are embedded."""
    from indexer.tagging import Tagger

    if fitted is not None and not any(map(fitted.of, taxonomy.groups)):
        console.note(
            f"What was fitted is for none of the groups of {taxonomy.name} as they now stand; "
            "labels are scored by their words."
        )
    with console.waiting(f"Reading the labels of {taxonomy.name}"):
        return Tagger(encoder, taxonomy, background, fitted)


def _read_fit(path: Path | None) -> Fitted | None:
    from indexer.tagging import read_fitted

    return None if path is None else read_fitted(path)


def _tag_with_labels(
    images: list[Path], labels: str, top: int, model: str, device: str, as_json: bool
) -> None:
    from embeddings import ZeroShotClassifier
    from indexer.search import encode_images

    wanted = [label.strip() for label in labels.split(",") if label.strip()]
    if not wanted:
        console.fail("--labels has no label; give them like this: --labels 'dress,shirt,shoes'.")
    opened = [read_image(path) for path in images]
    encoder = load_encoder(model, device)
    tagged = ZeroShotClassifier(encoder, wanted).tag(encode_images(encoder, opened), top)
    if as_json:
        console.print_json(console.tag_summary(images, tagged, model))
    else:
        console.print_tags(images, tagged)
