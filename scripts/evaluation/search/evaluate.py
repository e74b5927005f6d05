"""Quality of searches on the shared catalogs with `compact`, by parts.

Figures are of the held-back tenth, which the model never saw, where a part does not say otherwise.
Indexes are built once and kept in the cache.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.docs.figures import Block, Grid, Listing
from scripts.evaluation.search import (
    attributes,
    diversity,
    duplicates,
    health,
    hybrid,
    recommend,
    text_weight,
)
from scripts.evaluation.search.calibration import calibration, priors
from scripts.evaluation.search.setting import Setting
from scripts.support.front import ROOT
from scripts.support.measuring import Figure, Report

__all__ = ["PARTS", "Part", "add_options", "blocks", "measure"]

# Diagrams of docs/confidence.md.
_DIAGRAMS = ROOT / "docs" / "images"
# Queries of each kind in a short run.
_QUICK_LIMIT = 50


@dataclass(frozen=True)
class Part:
    """One part of the evaluation.

    Attributes:
        measure: Takes the figures.
        page: The page that shows them.
        tables: How the page shows them.
    """

    measure: Callable[[Setting], Iterable[Figure]]
    page: str
    tables: tuple[Listing | Grid, ...] = (Listing(),)


PARTS: Mapping[str, Part] = {
    "attributes": Part(attributes.measure, "docs/relevance.md", attributes.TABLES),
    "diversity": Part(diversity.measure, "docs/relevance.md", diversity.TABLES),
    "recommend": Part(recommend.measure, "docs/relevance.md", recommend.TABLES),
    "text-weight": Part(text_weight.measure, "docs/relevance.md", text_weight.TABLES),
    "hybrid": Part(hybrid.measure, "docs/performance.md", hybrid.TABLES),
    "calibration": Part(calibration.measure, "docs/confidence.md", calibration.TABLES),
    "priors": Part(priors.measure, "docs/confidence.md"),
    "duplicates": Part(duplicates.measure, "docs/duplicates.md", duplicates.TABLES),
    "health": Part(health.measure, "docs/health.md", health.TABLES),
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this evaluation's options."""
    parser.add_argument("--part", action="append", choices=PARTS, help="repeatable; all by default")
    parser.add_argument("--index", type=Path, help="a ready index of the whole fashion catalog")
    parser.add_argument("--limit", type=int, help="queries of each kind at most")
    parser.add_argument(
        "--images", type=Path, help="a folder for reliability diagrams and a sheet of duplicates"
    )


def blocks(options: argparse.Namespace) -> list[Block]:
    """Return the figures of the chosen parts in their pages."""
    return [
        Block(PARTS[name].page, f"scripts/bench search --part {name} --docs", PARTS[name].tables)
        for name in options.part or PARTS
    ]


def measure(options: argparse.Namespace) -> Report:
    """Measure the chosen parts."""
    limit = options.limit or (_QUICK_LIMIT if options.quick else None)
    setting = Setting(
        options.data,
        options.cache / "search",
        options.index,
        limit,
        diagrams=options.images or (_DIAGRAMS if options.docs else None),
        sheet=options.images and options.images / "duplicates.png",
        quick=options.quick,
    )
    figures = [found for name in options.part or PARTS for found in PARTS[name].measure(setting)]
    spec = setting.encoder.spec
    return Report.of(
        figures, device=spec.device, precision=spec.precision, fingerprint=spec.fingerprint
    )
