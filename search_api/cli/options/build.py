"""The options of a build as dataclasses, and the build options that they describe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from search_api import console
from search_api.cli.options.catalog import CatalogArguments
from search_api.cli.options.expansion import shared_fields
from search_api.cli.options.parsing import size_in_bytes
from search_api.cli.options.vision import VisionArguments

if TYPE_CHECKING:
    from indexer.build import BuildOptions
    from indexer.index import TagChoice
    from indexer.retrieval import NeighbourOptions

__all__ = ["AnnArguments", "BuildArguments", "TagArguments"]


@dataclass(frozen=True, kw_only=True)
class TagArguments:
    """The tags that products get, for `index build` and `index retag`."""

    tags: Annotated[
        str | None,
        typer.Option(
            help="Taxonomy of the products' tags: retail, a YAML file, or none to remove the tags; "
            "by default as before.",
            show_default=False,
        ),
    ] = None
    fitted: Annotated[
        Path | None,
        typer.Option(
            help="The file that `lookalike tag fit` wrote for that taxonomy.", show_default=False
        ),
    ] = None

    def tag_choice(self) -> TagChoice | None:
        """Read the taxonomy and its fit; None leaves the index's tags as they are."""
        from indexer.index import NO_TAGS, TagChoice
        from indexer.tagging import read_fitted
        from indexer.tagging.taxonomy import read_taxonomy

        if self.tags is None or self.tags == "none":
            if self.fitted is not None:
                console.fail("--fitted requires --tags with the taxonomy that it was fitted to.")
            return None if self.tags is None else NO_TAGS
        taxonomy = read_taxonomy(self.tags)
        return TagChoice(taxonomy, None if self.fitted is None else read_fitted(self.fitted))


@dataclass(frozen=True, kw_only=True)
class AnnArguments:
    """The FAISS index that is built, for `index build` and `index merge`."""

    kind: Annotated[
        str, typer.Option(help="auto, flat, hnsw or ivfpq; auto chooses by size and memory.")
    ] = "auto"
    memory: Annotated[
        str | None,
        typer.Option(
            help="Memory for serving the index, e.g. 4GB; by default half of the machine's.",
            show_default=False,
        ),
    ] = None
    min_recall: Annotated[
        float,
        typer.Option(min=0, max=1, help="Minimum recall@10 of an approximate index (0 to 1)."),
    ] = 0.95

    def neighbour_options(self) -> NeighbourOptions:
        """Build the options; the command ends if one is wrong."""
        from indexer.retrieval import NeighbourOptions
        from indexer.storage import IndexKind

        if self.kind != "auto" and self.kind not in list(IndexKind):
            console.fail(f"--kind is one of auto, {', '.join(IndexKind)}, not {self.kind!r}.")
        return NeighbourOptions(
            kind=None if self.kind == "auto" else IndexKind(self.kind),
            memory=None if self.memory is None else size_in_bytes("--memory", self.memory),
            min_recall=self.min_recall,
        )


@dataclass(frozen=True, kw_only=True)
class BuildArguments:
    """How to build. Fields that `indexer.build.BuildOptions` has too keep their names."""

    reading: CatalogArguments
    thumbnails: Annotated[
        bool, typer.Option(help="Store a thumbnail of every image in the index.")
    ] = True
    max_bad: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Maximum share of unusable rows (0 to 1); above it the build fails."
        ),
    ] = 0.8
    max_image_pixels: Annotated[
        int,
        typer.Option(
            min=1,
            max=89_478_485,
            envvar="LOOKALIKE_MAX_IMAGE_PIXELS",
            help="Maximum pixels of an image; four times as many of a JPEG.",
        ),
    ] = 48 * 2**20
    keep_missing: Annotated[
        bool,
        typer.Option("--keep-missing", help="Keep products that are no longer in the catalog."),
    ] = False
    private_urls: Annotated[
        bool, typer.Option("--private-urls", help="Also fetch images from private networks.")
    ] = False
    fetch_settings: Annotated[
        Path | None,
        typer.Option(
            envvar="LOOKALIKE_FETCH_SETTINGS",
            help="TOML file with a proxy, and headers, passwords and rates of hosts of images.",
            show_default=False,
        ),
    ] = None
    text_weight: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=0.9,
            help="Weight of the titles in the search vectors; by default as before, or 0.1.",
            show_default=False,
        ),
    ] = None
    adapt: Annotated[
        str | None,
        typer.Option(
            help="Learn from the catalog's own words: auto, off, or FIELDS with commas between "
            "them; by default as before, or off.",
            show_default=False,
        ),
    ] = None
    keep_features: Annotated[
        bool | None,
        typer.Option(
            "--keep-features/--no-keep-features",
            help="Keep what an index learns from, for `index adapt`; by default as before, or not.",
            show_default=False,
        ),
    ] = None
    tag: TagArguments
    vision: VisionArguments
    ann: AnnArguments
    batch_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Images embedded at once; by default as many as suit the model.",
            show_default=False,
        ),
    ] = None
    workers: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Decoding processes; by default one a processor. 0 decodes in this process:"
            " for trusted images only.",
            show_default=False,
        ),
    ] = None

    def build_options(self) -> BuildOptions:
        """Build the options; the command ends if one is wrong."""
        from embeddings.images import ImageLimits
        from indexer.build import BuildOptions
        from indexer.image_loading.fetching import AddressPolicy, FetchManners, read_manners

        return BuildOptions(
            **shared_fields(self, BuildOptions),
            catalog=self.reading.catalog_options(),
            limits=ImageLimits(max_pixels=self.max_image_pixels),
            addresses=AddressPolicy.ANY if self.private_urls else AddressPolicy.PUBLIC,
            fetching=(
                FetchManners() if self.fetch_settings is None else read_manners(self.fetch_settings)
            ),
            neighbours=self.ann.neighbour_options(),
            tags=self.tag.tag_choice(),
            examination=self.vision.examination(),
        )
