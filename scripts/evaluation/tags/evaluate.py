"""Zero-shot tags of held-back products by the taxonomy `retail`: accuracy, silence, calibration.

Figures are of the held-back tenth of the fashion, clothing and grocery sets. Where thresholds were
fitted to one half of the tenth, figures are of the other. Vectors are kept in the cache.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from embeddings import load_encoder
from indexer.tagging import read_fitted, shipped_fit
from indexer.tagging.taxonomy import read_taxonomy
from scripts.docs.figures import Block
from scripts.evaluation.tags.measures import measure_tags
from scripts.evaluation.tags.setting import Setting
from scripts.support.measuring import Report

__all__ = ["add_options", "blocks", "measure"]

# Images of each set in a short run.
_QUICK_LIMIT = 100


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this evaluation's options."""
    parser.add_argument("--model", default="compact", help="the model that is measured")
    parser.add_argument("--fitted", type=Path, help="by default what ships for the model")
    parser.add_argument("--limit", type=int, help="images of each set at most")


def blocks(_: argparse.Namespace) -> list[Block]:
    """Return the figures of docs/tags.md."""
    return [Block("docs/tags.md", "scripts/bench tags --docs")]


def measure(options: argparse.Namespace) -> Report:
    """Tag the held-back images."""
    encoder = load_encoder(options.model)
    limit = options.limit or (_QUICK_LIMIT if options.quick else None)
    setting = Setting(options.data, options.cache, encoder, read_taxonomy("retail"), limit)
    fitted = shipped_fit(setting.taxonomy, encoder.spec)
    if options.fitted is not None:
        fitted = read_fitted(options.fitted)
    spec = encoder.spec
    about = {} if fitted is None else fitted.about
    return Report.of(
        measure_tags(setting, fitted),
        device=spec.device,
        precision=spec.precision,
        fingerprint=spec.fingerprint,
        calibrated_on=about.get("calibrated_on", "nothing"),
    )
