"""`lookalike tag`: tags of image files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from embeddings import DEFAULT_MODEL
from search_api import console
from search_api.cli.opening import ComputeArguments, load_encoder, read_image
from search_api.cli.options import (
    JsonOption,
    NewModelOption,
    expand_arguments,
)
from search_api.cli.tag.taggers import FittedOption, make_tagger, read_fit

if TYPE_CHECKING:
    from embeddings import Tag

__all__ = ["tag"]

# Of the caller's own labels so many are listed; of a taxonomy, those that the tagger gives.
_TOP_LABELS = 5
# Endings of the image files of a folder; files that are given by name may have any.
_ENDINGS = (
    ".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif",
)  # fmt: skip


@expand_arguments
def tag(
    *,
    images: Annotated[
        list[Path],
        typer.Argument(help="Image files, or folders of them.", show_default=False),
    ],
    labels: Annotated[
        str | None,
        typer.Option(
            help='Your own labels, of which one is true, e.g. "dress,shirt,shoes".',
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
            help="Maximum number of labels of each group; by default 5 of your own labels, and all "
            "confident labels of a taxonomy.",
            show_default=False,
        ),
    ] = None,
    model: NewModelOption = DEFAULT_MODEL,
    compute: ComputeArguments,
    as_json: JsonOption = False,
) -> None:
    """Tag images by a taxonomy, without labels that the model is unsure of, or with --labels.

    See also: lookalike tag fit, which fits a taxonomy to examples, and lookalike tag audit, which
    evaluates the tags of an index. Each has its own --help.
    """
    images = _files(images)
    if labels is None:
        tagged, groups = _tag_by_taxonomy(images, taxonomy, fitted, top, (model, compute))
    elif taxonomy is not None or fitted is not None:
        console.fail("Use either --labels, or --taxonomy and --fitted, but not both.")
    else:
        tagged, groups = _tag_by_labels(images, labels, top, (model, compute)), None
    if as_json:
        console.print_json(_summary(images, tagged, model))
    elif groups is None:
        console.print_tags(images, tagged)
    else:
        console.print_grouped_tags(images, tagged, groups)


def _files(given: Sequence[Path]) -> list[Path]:
    """Return the files given, and those of images in the folders given, in the order of paths."""
    files: list[Path] = []
    for path in given:
        if not path.is_dir():
            files.append(path)
            continue
        found = sorted(
            each
            for each in path.rglob("*")
            if each.suffix.lower() in _ENDINGS and not each.name.startswith(".") and each.is_file()
        )
        if not found:
            console.fail(f"The folder {path} has no image files: {', '.join(_ENDINGS)}.")
        files += found
    return files


def _tag_by_taxonomy(
    images: Sequence[Path],
    taxonomy: str | None,
    fitted: Path | None,
    top: int | None,
    model: tuple[str, ComputeArguments],
) -> tuple[Sequence[Sequence[Tag]], list[str]]:
    """The tags of each image, and the names of the taxonomy's groups."""
    from indexer.search import encode_images
    from indexer.tagging.taxonomy import read_taxonomy

    read = read_taxonomy(taxonomy or "retail")
    fit = read_fit(fitted)
    opened = [read_image(path) for path in images]
    encoder = load_encoder(*model)
    tagger = make_tagger(encoder, read, fit)
    tagged = tagger.tag(encode_images(encoder, opened), top)
    return tagged, [group.name for group in read.groups]


def _tag_by_labels(
    images: Sequence[Path], labels: str, top: int | None, model: tuple[str, ComputeArguments]
) -> Sequence[Sequence[Tag]]:
    """The tags of each image, from labels separated by commas."""
    from embeddings import ZeroShotClassifier
    from indexer.search import encode_images

    names = [label.strip() for label in labels.split(",") if label.strip()]
    if not names:
        console.fail("--labels is empty; separate labels by commas: --labels 'dress,shirt,shoes'.")
    opened = [read_image(path) for path in images]
    encoder = load_encoder(*model)
    classifier = ZeroShotClassifier(encoder, names)
    return classifier.tag(encode_images(encoder, opened), top or _TOP_LABELS)


def _summary(paths: Sequence[Path], tagged: Sequence[Sequence[Tag]], model: str) -> dict[str, Any]:
    """What `--json` prints."""
    images = [
        {"image": str(path), "tags": [asdict(tag) for tag in tags]}
        for path, tags in zip(paths, tagged, strict=True)
    ]
    return {"images": images, "model": model}
